/** Folders on the way to the paths of a revert. */
import { type RawPath } from './git-process.ts';
import type { OpenTree } from './open-tree.ts';
import { type FileState, nameOf, readState } from './open-tree.ts';
import { foldersOf } from './repository-data.ts';
import type { RevertOptions } from './revert.ts';
import type { Difference } from './revert-plan.ts';

/** Nothing is there, unless something else is in the place of a folder. */
export async function whyNoFolder(tree: OpenTree, path: RawPath, isWanted: boolean): Promise<FileState> {
  const folders = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= folders.length; depth++) {
    const at = folders.slice(0, depth).join('/');
    const around = await tree.folderOf(at);
    if (around === null) return { type: 'missing' };
    const state = await readState(around, nameOf(at));
    if (state.type === 'missing') return state;
    // Below a file is nothing, and nothing can be.
    if (state.type !== 'folder') return isWanted ? { type: 'other' } : { type: 'missing' };
  }
  return { type: 'unreadable' };
}

export function foldersBefore(writes: readonly Difference[], { folders }: RevertOptions): Set<RawPath> {
  const empty = folders?.empty ?? [];
  return new Set([...writes.flatMap(({ path }) => foldersOf(path)), ...empty.flatMap(foldersOf), ...empty]);
}

/** Empty folders that the change removed come back, and those that it made go. */
export async function revertFolders(
  tree: OpenTree,
  wereThere: ReadonlySet<RawPath>,
  { folders }: RevertOptions,
): Promise<void> {
  if (folders === undefined) return;
  const left = new Set(folders.leftEmpty);
  for (const path of folders.empty) if (!left.has(path)) await tree.folderOf(path, { create: true });
  for (const path of left) if (!wereThere.has(path)) await removeEmpty(tree, path, wereThere);
}

/** Removes the folders that a deletion leaves empty, except those that were there before. */
export async function removeEmpty(tree: OpenTree, path: RawPath, wereThere: ReadonlySet<RawPath>): Promise<void> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const folder = path.slice(0, at);
    if (wereThere.has(`${folder}/`)) return;
    const around = await tree.folderOf(folder);
    try {
      await around?.rmdir(nameOf(folder));
    } catch {
      return;
    }
  }
}
