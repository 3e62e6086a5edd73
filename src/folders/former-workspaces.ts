/** Earlier releases kept work trees of forks and clones of targets in the data folder, which sandboxes now hide. */
import { existsSync, lstatSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Moves them out and leaves a link, since threads and repositories have stored the old paths. Idempotent. Throws if
 * they cannot be moved.
 */
export function moveFormerWorkspaces(data: string, workspaces: string): void {
  for (const name of ['worktrees', 'targets']) {
    const former = join(data, name);
    const place = join(workspaces, name);
    if (lstatSync(former, { throwIfNoEntry: false })?.isDirectory() !== true || existsSync(place)) continue;
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    renameSync(former, place);
    symlinkSync(place, former);
  }
}
