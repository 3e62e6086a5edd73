/** Parent folders of a revert's paths, and empty folders. */
import type { RevertedPath } from '../../../../activities/ports.ts';
import { type RawPath, toShownPath } from '../process/git-process.ts';
import { SINCE } from './changed-since.ts';
import { isClosed } from '../ignore/left-out.ts';
import type { OpenTree } from '../process/open-tree.ts';
import { type FileState, nameOf, readState } from '../process/open-tree.ts';
import { foldersOf } from '../repository/repository-data.ts';
import { CLOSED, type RevertOptions } from './revert-options.ts';
import type { Difference } from './revert-plan.ts';

/** Missing, unless something else is in the place of a folder. */
export async function whyNoFolder(tree: OpenTree, path: RawPath, isWanted: boolean): Promise<FileState> {
  const folders = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= folders.length; depth++) {
    const at = folders.slice(0, depth).join('/');
    const around = await tree.folderOf(at);
    if (around === null) return { type: 'missing' };
    const state = await readState(around, nameOf(at));
    if (state.type === 'missing') return state;
    // A file has no content below it.
    if (state.type !== 'folder') return isWanted ? { type: 'other' } : { type: 'missing' };
  }
  return { type: 'unreadable' };
}

export function foldersBefore(writes: readonly Difference[], { folders }: RevertOptions): Set<RawPath> {
  const empty = folders?.empty ?? [];
  return new Set([...writes.flatMap(({ path }) => foldersOf(path)), ...empty.flatMap(foldersOf), ...empty]);
}

export interface FolderProgress {
  /** Paths that are deleted, or would be; folders end with a slash. */
  gone: Set<RawPath>;
  wereThere: ReadonlySet<RawPath>;
  isSince: (path: RawPath, now: FileState) => boolean;
}

/** Removes empty folders that the change made, if they are still empty. */
export async function removeMade(
  tree: OpenTree,
  { folders, preview, ...options }: RevertOptions,
  progress: FolderProgress,
): Promise<[RawPath, RevertedPath][]> {
  const found: [RawPath, RevertedPath][] = [];
  for (const path of folders?.made ?? []) {
    const reason = isClosed(path, options.folder, options.closed)
      ? CLOSED
      : await whyItStays(tree, path, progress, preview);
    found.push([path, toOutcome(path, 'deleted', reason)]);
    if (reason === null) progress.gone.add(path);
  }
  return found;
}

async function whyItStays(
  tree: OpenTree,
  path: RawPath,
  { wereThere, isSince }: FolderProgress,
  preview: boolean,
): Promise<string | null> {
  const name = path.slice(0, -1);
  const stats = await (await tree.folderOf(name))?.lstat(nameOf(name));
  if (stats?.isDirectory() !== true) return null;
  const folder = await tree.folderOf(path);
  if (folder === null) return 'it cannot be read';
  if ((await folder.list()).length > 0) return 'it is not empty any more';
  if (isSince(path, { type: 'folder', stats })) return SINCE;
  if (preview) return null;
  await removeEmpty(tree, path, wereThere);
  return (await (await tree.folderOf(name))?.lstat(nameOf(name))) === undefined ? null : 'it could not be removed';
}

/** Restores empty folders that the change removed. */
export async function bringBackRemoved(
  tree: OpenTree,
  { folders, preview, ...options }: RevertOptions,
  { gone }: FolderProgress,
): Promise<[RawPath, RevertedPath][]> {
  const found: [RawPath, RevertedPath][] = [];
  for (const path of folders?.removed ?? []) {
    const reason = isClosed(path, options.folder, options.closed)
      ? CLOSED
      : await whyItDoesNotCome(tree, path, gone, preview);
    found.push([path, toOutcome(path, 'restored', reason)]);
  }
  return found;
}

async function whyItDoesNotCome(
  tree: OpenTree,
  path: RawPath,
  gone: ReadonlySet<RawPath>,
  preview: boolean,
): Promise<string | null> {
  if ((await tree.folderOf(path, { create: !preview })) !== null) return null;
  const { type } = await whyNoFolder(tree, path, true);
  if (type === 'missing') return preview ? null : 'it could not be made';
  const isGone = [...foldersOf(path), path].some((one) => gone.has(one.slice(0, -1)));
  return isGone ? null : 'something else is in its place';
}

function toOutcome(path: RawPath, outcome: 'restored' | 'deleted', reason: string | null): RevertedPath {
  const shown = toShownPath(path);
  return reason === null ? { path: shown, outcome } : { path: shown, outcome: 'kept', reason };
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
