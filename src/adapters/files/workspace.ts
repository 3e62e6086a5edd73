import { statSync } from 'node:fs';
import { Failure } from '../../../activities/failures.ts';

/** Throws `workspaceMissing` where `cwd` is not a folder that can be reached. */
export function assertWorkspace(cwd: string): void {
  const complaint = complain(cwd);
  if (complaint === undefined) return;
  throw new Failure('workspaceMissing', `The working directory ${cwd} ${complaint}. Give the path of a folder.`, {
    details: { path: cwd },
  });
}

function complain(cwd: string): string | undefined {
  try {
    return statSync(cwd).isDirectory() ? undefined : 'is not a folder';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be reached (${code ?? String(error)})`;
  }
}
