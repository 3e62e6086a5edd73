/** Separates the changes by a turn's patches from concurrent changes of others. */
import type { RevertedPath } from '../../../../activities/ports.ts';
import { type RawPath, toShownPath } from '../process/git-process.ts';
import type { Difference } from './revert-plan.ts';
import type { RevertOptions } from './revert-options.ts';

export interface OwnChanges {
  differences: Difference[];
  folders: RevertOptions['folders'];
  /** Changes of somebody else. */
  kept: RevertedPath[];
}

const REASON = 'it was changed during the turn by something else than its patches';

/** @param patched the paths of the patches; null if something else of the turn may have written. */
export function ofPatches(
  differences: Difference[],
  folders: RevertOptions['folders'],
  patched: readonly string[] | null,
): OwnChanges {
  if (patched === null) return { differences, folders, kept: [] };
  const paths = new Set(patched);
  const isOwn = (path: RawPath) => paths.has(toShownPath(path));
  const others = [
    ...differences.flatMap(({ path }) => (isOwn(path) ? [] : [path])),
    // A patch neither makes an empty folder nor removes one.
    ...(folders?.made ?? []),
    ...(folders?.removed ?? []),
  ];
  return {
    differences: differences.filter(({ path }) => isOwn(path)),
    folders: folders && { ...folders, made: [], removed: [] },
    kept: others.map((path) => ({ path: toShownPath(path), outcome: 'kept', reason: REASON })),
  };
}
