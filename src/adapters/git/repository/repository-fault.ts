/** Why a folder counts as being in no repository although one seems to exist. */
import { basename, dirname, join } from 'node:path';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { isTrustedAbove } from '../../../folders/work-tree.ts';
import { toRealPath } from '../../shell/sandbox/mounts.ts';
import { isThere } from '../../../folders/real-path.ts';
import { type ClosedFolders, faultAt } from './repository-place.ts';

/** A sentence that names the path, with a leading blank; empty if nothing there looks like a repository. */
export function explainNoRepository(cwd: string, closed: ClosedFolders): string {
  const fault = findFault(cwd, closed);
  return fault === null ? '' : ` ${fault}.`;
}

/** Follows the same steps as `findRepository`. */
function findFault(cwd: string, closed: ClosedFolders): string | null {
  const start = toRealPath(cwd) ?? toRealPath(`${cwd}.git`);
  if (start === undefined) return null;
  if (['HEAD', 'refs'].every((name) => isThere(join(start, name)))) return faultAt(start, null, closed);
  for (let folder = start; basename(folder) !== '.git'; folder = dirname(folder)) {
    const path = join(folder, '.git');
    if (!isTrustedAbove(folder, start)) return `${toVisibleLine(path)} belongs to another user`;
    const fault = faultAt(path, folder, closed);
    if (fault !== null || folder === dirname(folder)) return fault;
  }
  return null;
}
