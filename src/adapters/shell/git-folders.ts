/** The folders that git needs to work in a workspace, and that may lie outside of it. */
import { lstatSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isInside, toRealPath } from './mounts.ts';

/**
 * What is to be shown of the repository around a workspace: its root, if the workspace is a folder in it, and the git
 * directory that a linked work tree shares. Only what lies in a hidden folder, not that folder itself: in a temporary folder
 * anybody can make a repository around those of others. The root must belong to the owner of the workspace.
 */
export function findGitFolders(workspace: string, hidden: readonly string[]): string[] {
  const real = toRealPath(workspace);
  if (real === undefined) return [];
  const isHidden = (path: string) => hidden.some((folder) => path !== folder && isInside(path, folder));
  for (let root = real; isHidden(root); root = dirname(root)) {
    const dotGit = lstatSync(join(root, '.git'), { throwIfNoEntry: false });
    if (dotGit === undefined) continue;
    if (lstatSync(root).uid !== lstatSync(real).uid) return [];
    const shared = findSharedGitFolder(root);
    if (!dotGit.isDirectory() && shared === undefined) return [];
    return [root, ...(shared === undefined ? [] : [shared])].filter((path) => path !== real && isHidden(path));
  }
  const shared = findSharedGitFolder(real);
  return shared !== undefined && isHidden(shared) ? [shared] : [];
}

/**
 * The git directory of that repository; undefined if the workspace is not a linked work tree. Both sides must name each
 * other: a command can write a `.git` that names any folder, and would be shown it.
 */
function findSharedGitFolder(workspace: string): string | undefined {
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
