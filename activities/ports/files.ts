/** Files of a work tree. */
import type { SandboxPolicy } from './commands.ts';

export interface PatchChange {
  /** Relative to the working directory if inside it, else absolute. */
  path: string;
  kind: 'add' | 'update' | 'delete' | 'move';
  movePath?: string;
  linesAdded: number;
  linesRemoved: number;
  /** Nothing had to be written, because the files already are like that. */
  unchanged?: true;
}

/** A path that leads elsewhere through a symbolic link; both absolute. */
export interface PathLead {
  path: string;
  to: string;
}

export interface PatchPlace {
  /** Absolute. */
  cwd: string;
  root?: string;
  sandbox: SandboxPolicy;
  /** The same for each try: a later one removes the drafts that a lost one left. */
  actionId?: string;
  retried?: boolean;
  leads?: readonly PathLead[];
}

export interface PatchPort {
  /**
   * Applies a patch in the `*** Begin Patch` form. Every hunk is checked against the files before the first one is
   * written. With `retried`, what an earlier attempt may have written counts as applied (idempotent).
   * With full access, a path that leads out of the workspace, or into a protected folder of it, is written only if it was
   * named as what it is or is one of `leads`. Fails with `workspaceMoved` if the real path of `cwd` is not `root`.
   */
  apply(patch: string, where: PatchPlace, signal: AbortSignal): Promise<{ changes: PatchChange[] }>;
  /** Where its paths lead that are no real ones, for who is asked about it; none if it is not well-formed. */
  leads(patch: string, cwd: string): PathLead[];
}

export interface ProjectDocs {
  text: string;
  /** One line for each omission, with the reason. */
  warnings: string[];
}

/** AGENTS.md and similar files, from the root of the repository down to the working directory, 32 KiB in total. */
export interface ProjectDocsPort {
  read(cwd: string): Promise<ProjectDocs>;
  /** Of one such file, read elsewhere, only the sections under a heading of the second level with these words. */
  sectionsOf(text: string, heading: string): string;
}
