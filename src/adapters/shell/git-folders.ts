/** Where git keeps what belongs to a linked work tree: in the repository that it was made from. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { toRealPath } from './mounts.ts';

/**
 * The git directory of that repository; undefined if the workspace is not a linked work tree. Both sides must name each
 * other: a command can write a `.git` that names any folder, and would be shown it.
 */
export function findSharedGitFolder(workspace: string): string | undefined {
  const link = join(workspace, '.git');
  const own = followFile(link, /^gitdir: (.+)$/m, workspace);
  if (own === undefined) return undefined;
  const shared = followFile(join(own, 'commondir'), /^(.+)$/m, own);
  const back = followFile(join(own, 'gitdir'), /^(.+)$/m, own);
  if (shared === undefined || back === undefined || back !== toRealPath(link)) return undefined;
  return dirname(own) === join(shared, 'worktrees') ? shared : undefined;
}

function followFile(file: string, pattern: RegExp, from: string): string | undefined {
  try {
    const named = pattern.exec(readFileSync(file, 'utf8'))?.[1];
    return named === undefined ? undefined : toRealPath(resolve(from, named));
  } catch {
    return undefined;
  }
}
