/**
 * Places that are closed to commands in a sandbox, and so to everything else that reads or writes files for a thread.
 */
import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isInsideReal } from '../../folders/folders.ts';
import { followLinks } from '../../folders/real-path.ts';

export interface ClosedPaths {
  /** Real paths, including those that do not exist yet, except those around the workspace. */
  readonly places: readonly string[];
  /** Whether a real path is one of them or lies in one. */
  has(realPath: string): boolean;
}

/**
 * Like the sandbox: a workspace inside a closed folder is open. The paths are followed when the answer is first asked
 * for: most often it is not, and a hundred paths take milliseconds.
 * @param paths absolute. @param workspace a real path.
 */
export function createClosedPaths(paths: readonly string[], workspace: string): ClosedPaths {
  let found: { around: string[]; places: string[] } | undefined;
  const follow = () => (found ??= followAll(paths, workspace));
  const isIn = (realPath: string, folders: readonly string[]) => folders.some((one) => isInsideReal(realPath, one));
  return {
    get places() {
      return follow().places;
    },
    has(realPath) {
      const { around, places } = follow();
      return isIn(realPath, places) || (isIn(realPath, around) && !isInsideReal(realPath, workspace));
    },
  };
}

function followAll(paths: readonly string[], workspace: string): { around: string[]; places: string[] } {
  const isAround = (place: string) => isInsideReal(workspace, place);
  const folders = new Map([['/', '/']]);
  const toReal = (path: string): string => {
    const above = dirname(path);
    const folder = folders.get(above) ?? toReal(above);
    folders.set(above, folder);
    const place = join(folder, basename(path));
    return isLink(place) ? followLinks(place) : place;
  };
  const all = [...new Set(paths.map(toReal))];
  return { around: all.filter(isAround), places: all.filter((place) => !isAround(place)) };
}

/** Most paths do not exist. This check finds that a hundred times faster than following them. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}
