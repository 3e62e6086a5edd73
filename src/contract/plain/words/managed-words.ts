/** Where the files of a thread come from, in words. Pure. */
import type { Managed, Workspace } from '../../threads/thread.ts';

const COMMIT_DIGITS = 12;

/** `https://git.example.com/team/shop.git@0123456789ab, folder web`. */
export function toManagedWords({ repository, path, commit }: Managed): string {
  return `${repository}@${commit.slice(0, COMMIT_DIGITS)}${inFolder(path)}`;
}

/** `/srv/shop on host build-2`, or the same of a repository that is not fetched yet. */
export function toWorkspaceWords(workspace: Workspace): string {
  const on = workspace.host === undefined ? '' : ` on host ${workspace.host}`;
  if (workspace.cwd !== undefined) return `${workspace.cwd}${on}`;
  const { repository, ref, path } = workspace;
  return `${repository}${ref === undefined ? '' : `@${ref}`}${inFolder(path)}${on}`;
}

function inFolder(path: string | undefined): string {
  return path === undefined ? '' : `, folder ${path}`;
}
