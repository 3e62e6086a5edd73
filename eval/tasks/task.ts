/** A task: a repository, what is asked in it, and how the result is judged. Each task is one file of this folder. */
import type { Left } from '../check/left.ts';

/** Text by path; null removes the file. */
export type Files = Record<string, string | Uint8Array | null>;

export interface Commit {
  message: string;
  files: Files;
}

export interface Repository {
  git: (...args: string[]) => string;
  commit: (commit: Commit) => void;
}

/** What the offline model does instead of thinking. */
export type Step =
  | { run: string }
  | { write: string; text: string }
  /** Looks at a picture. */
  | { look: string }
  /** Leaves a command running in a terminal. */
  | { leave: string }
  /** Types into the terminal of the command that was left running last, and waits for its end that long. */
  | { type: string; waitMs: number }
  /** A patch in the form of `apply_patch`; only the last step may be one. */
  | { patch: string }
  /** An agent of that name, its task, and what it does. */
  | { spawn: string; message: string; steps: Step[] }
  /** Waits for the agents that have been started. */
  | { wait: 'agents' };

export interface Turn {
  prompt: string;
  /** A shell command by which the person changes the workspace before this turn. Idempotent. */
  before?: string;
  solution: Step[];
  /** Nearly the solution, and wrong: the check must refuse it. Left out for a turn that is not spoilt. */
  spoilt?: Step[];
}

export interface Task {
  name: string;
  /** One line, for lists. */
  about: string;
  /** The history of the repository, oldest first. */
  commits: readonly Commit[];
  /** Changes the repository further. Trusted: no agent has been there yet. */
  prepare?: (repository: Repository) => void;
  turns: readonly Turn[];
  /**
   * Throws if the result is not what was asked for; the message says what is wrong. Runs outside of the sandbox, so it
   * reads nothing of the workspace: it runs commands there, and judges by what they print.
   */
  check(left: Left): Promise<void>;
}
