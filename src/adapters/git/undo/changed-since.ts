/** Whether a path was changed after a change with an unknown result. */
import { isWithin } from '../ignore/left-out.ts';
import type { OpenTree } from '../process/open-tree.ts';
import { type FileState, nameOf } from '../process/open-tree.ts';
import type { RawPath } from '../process/git-process.ts';
import { foldersOf } from '../repository/repository-data.ts';
import type { Difference } from './revert-plan.ts';

/** The reason for keeping a path. */
export const SINCE = 'it was changed after the turn, or that cannot be told';

/**
 * Used if the result of the change at the paths is not known. Times of change cannot be set by hand; for a file that
 * was moved, only the new folder shows it. They are read before anything is changed here.
 */
export async function whatIsSince(
  tree: OpenTree,
  differences: readonly Difference[],
  since: number | undefined,
): Promise<(path: RawPath, now: FileState) => boolean> {
  if (since === undefined) return () => false;
  const wereThere = new Set(differences.flatMap(({ path, before }) => (before === null ? [] : foldersOf(path))));
  const made = new Set(differences.flatMap(({ path, before }) => (before === null ? foldersOf(path) : [])));
  const moved = new Set<RawPath>();
  for (const folder of made) {
    if (wereThere.has(folder)) continue;
    const path = folder.slice(0, -1);
    const stats = await (await tree.folderOf(path))?.lstat(nameOf(path));
    if (stats === undefined || stats.ctimeMs >= since) moved.add(folder);
  }
  return (path, now) => 'stats' in now && (now.stats.ctimeMs >= since || isWithin(path, moved));
}
