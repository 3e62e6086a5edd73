/** Files of a work tree. */
import type { SandboxPolicy } from './commands.ts';

export interface PatchChange {
  /** Relative to the working directory where it lies inside, absolute otherwise. */
  path: string;
  kind: 'add' | 'update' | 'delete' | 'move';
  movePath?: string;
  linesAdded: number;
  linesRemoved: number;
  /** Nothing had to be written: the files are like that already. */
  unchanged?: true;
}

export interface PatchPort {
  /**
   * Applies a patch in the `*** Begin Patch` form. Every hunk is checked against the files before the first one is
   * written. With `retried`, what an earlier try may have written counts as applied, so that twice is once.
   * Fails with `workspaceMoved` if the real path of `cwd` is not `root`.
   */
  apply(
    patch: string,
    where: { cwd: string; root?: string; sandbox: SandboxPolicy; retried?: boolean },
    signal: AbortSignal,
  ): Promise<{ changes: PatchChange[] }>;
}

export interface ProjectDocs {
  text: string;
  /** One line for each thing that was left out, and why. */
  warnings: string[];
}

/** AGENTS.md and its kin, from the root of the repository down to the working directory, 32 KiB in all. */
export interface ProjectDocsPort {
  read(cwd: string): Promise<ProjectDocs>;
  /** Of one such file, read elsewhere, only the sections under a heading of the second level with these words. */
  sectionsOf(text: string, heading: string): string;
}
