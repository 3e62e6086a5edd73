/** What the workspace of a start argument must be. Pure, so that the edge and the workflows apply the same rules. */
import { NO_PATH, isPath } from './paths.ts';
import { isRemoteRefName } from './ref-name.ts';
import { faultOfRepository, transportOf } from './repository-address.ts';

interface Given {
  cwd?: string | undefined;
  root?: string | undefined;
  repository?: string | undefined;
  ref?: string | undefined;
  path?: string | undefined;
}

/** The fault of a workspace; null if it may be used. The messages repeat no part of it. */
export function faultOfWorkspace({ cwd, root, repository, ref, path }: Given): string | null {
  if ((cwd === undefined) === (repository === undefined)) return 'either a folder (cwd) or a repository is needed';
  if (repository === undefined) return (ref ?? path) === undefined ? null : 'a folder (cwd) takes no ref and no path';
  if (root !== undefined) return 'a repository takes no root';
  const fault = faultOfRepository(repository);
  if (fault !== null) return `repository: ${fault.message}`;
  if (transportOf(repository) === 'path') return 'repository: a URL is needed; name a folder of a host by cwd';
  if (ref !== undefined && !isRemoteRefName(ref))
    return 'ref: the name of a branch or a tag, or the full id of a commit is needed';
  return path === undefined || isInnerPath(path) ? null : `path: a folder inside the repository is needed; ${NO_PATH}`;
}

/** Whether it names a folder below another one, in one spelling. `.git` is not part of what is checked out. */
function isInnerPath(path: string): boolean {
  return isPath(path) && path.split('/').every((name) => !/^(\.{0,2}|\.git)$/i.test(name));
}
