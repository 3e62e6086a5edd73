/** The folders that git needs for a workspace, and that may be outside of it. */
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryAt } from '../../git/repository/repository-place.ts';
import { isInsideReal } from '../../../folders/folders.ts';
import { toRealPath } from './mounts.ts';

/**
 * The parts of the repository around a workspace that the sandbox must show: its root, if the workspace is a folder in
 * it, and the git directory that a linked work tree shares. Only folders inside a hidden one, not the hidden folder
 * itself: in a temporary folder anybody can make a repository around those of others. The root must belong to the owner
 * of the workspace.
 */
export function findGitFolders(workspace: string, hidden: readonly string[]): string[] {
  const real = toRealPath(workspace);
  if (real === undefined) return [];
  const isHidden = (path: string) => hidden.some((folder) => path !== folder && isInsideReal(path, folder));
  const sharedBy = (root: string) => {
    const place = repositoryAt(root, []);
    return place?.isRegistered === true ? [realpathSync(place.commonDir)] : [];
  };
  for (let root = real; isHidden(root); root = dirname(root)) {
    const dotGit = lstatSync(join(root, '.git'), { throwIfNoEntry: false });
    if (dotGit === undefined) continue;
    if (lstatSync(root).uid !== lstatSync(real).uid) return [];
    const shared = sharedBy(root);
    if (!dotGit.isDirectory() && shared.length === 0) return [];
    return [root, ...shared].filter((path) => path !== real && isHidden(path));
  }
  return sharedBy(real).filter(isHidden);
}
