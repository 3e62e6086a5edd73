/** Earlier releases kept work trees of forks and clones of targets in the data folder, which sandboxes do not see today. */
import { existsSync, lstatSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Moves them out and leaves a link, since threads and repositories have written the old paths down. Idempotent. Throws
 * if they cannot be moved.
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
