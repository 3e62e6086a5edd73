import { statSync } from 'node:fs';
import { Failure } from '../../../activities/failures.ts';
import { isPath } from '../../contract/plain/paths.ts';
import { isInside } from '../../folders/folders.ts';
import { followLinks } from '../../folders/real-path.ts';

/**
 * Throws `workspaceMissing` if `cwd` is not a reachable folder, and `workspaceMoved` if its real path is not `root`:
 * somebody who may write a folder above it has replaced it by a link.
 */
export function assertWorkspace(cwd: string, root?: string): void {
  const complaint = complain(cwd);
  if (complaint !== undefined) {
    throw new Failure('workspaceMissing', `The working directory ${cwd} ${complaint}. Give the path of a folder.`, {
      details: { path: cwd },
    });
  }
  if (root !== undefined) assertRoot(cwd, root);
}

function assertRoot(cwd: string, root: string): void {
  const now = followLinks(cwd);
  if (now === root) return;
  const message = `The working directory ${cwd} was ${root} when the thread began, and is ${now} now. Put the folder back, or start a thread on the new one.`;
  throw new Failure('workspaceMoved', message, { details: { path: cwd, root, now } });
}

/**
 * Throws `workspaceClosed` if `cwd` is one of these folders of Bobbin, or inside one; their content would be its
 * workspace.
 */
export function assertOpen(cwd: string, closed: readonly string[]): void {
  const real = followLinks(cwd);
  const inside = closed.find((folder) => isInside(real, followLinks(folder)));
  if (inside === undefined) return;
  const message = `The working directory ${cwd} lies in ${inside}, which is Bobbin's own. Start a thread on another folder.`;
  throw new Failure('workspaceClosed', message, { details: { path: cwd } });
}

function complain(cwd: string): string | undefined {
  if (!isPath(cwd)) return 'has NUL or half a character in it';
  try {
    return statSync(cwd).isDirectory() ? undefined : 'is not a folder';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be reached (${code ?? String(error)})`;
  }
}
