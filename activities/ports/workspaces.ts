/** Folders for threads whose workspace is a repository. */
import type { Managed } from '../../src/contract/index.ts';

export interface WantedWorkspace {
  /** As in the start argument: without credentials. */
  repository: string;
  ref?: string;
  path?: string;
  /** Full id of a commit to check out, whatever `ref` names now. */
  commit?: string;
}

export interface PreparedWorkspace {
  /** Absolute real path of the folder to work in. */
  cwd: string;
  /** Full id of the commit that was checked out. */
  commit: string;
}

/**
 * Makes clones. Fails with `repositoryRefused`, `repositoryMissing`, `repositoryUnauthorized`, `repositoryRefMissing`,
 * `repositoryPathMissing`, `repositoryTooLarge`, and with `gitFailed`, which can be retried; then nothing is left of it.
 */
export interface WorkspacesPort {
  /**
   * Fetches the repository, and checks it out into a folder for one thread, of which the clone is a complete repository.
   * Idempotent: the same owner gets the same folder, with the same commit. @param owner `key` is unique for this folder
   */
  prepare(
    owner: { threadId: string; key: string },
    wanted: WantedWorkspace,
    signal: AbortSignal,
  ): Promise<PreparedWorkspace>;
  /** Where the files of such a folder come from; null for any other folder. @param root its real path */
  managedAt(root: string): Managed | null;
  /** Removes the folder of that owner. Ignores one that does not exist. */
  discard(owner: { threadId: string; key: string }, signal: AbortSignal): Promise<void>;
}
