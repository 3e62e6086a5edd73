/** Separates the changes by a turn's patches from concurrent changes of others. */
import type { PatchedPaths, RevertedPath } from '../../../../activities/ports.ts';
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

/** @param patched null if something else of the turn may have written. */
export function ofPatches(
  differences: Difference[],
  folders: RevertOptions['folders'],
  patched: PatchedPaths | null,
): OwnChanges {
  const known = new Set(differences.map(({ path }) => toShownPath(path)));
  // A path that a patch reached through a link has another name here.
  if (patched === null || !patched.changed.every((path) => known.has(path))) return { differences, folders, kept: [] };
  const paths = new Set([...patched.changed, ...patched.tried]);
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
