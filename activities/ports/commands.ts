/** Commands, and the sandbox they run in. */
import type { CommandLimit } from '../../src/contract/index.ts';

export type SandboxMode = 'read-only' | 'workspace-write' | 'danger-full-access';

export interface SandboxPolicy {
  mode: SandboxMode;
  /** Absolute paths that may be written in mode `workspace-write`, besides the working directory and the temp folder. */
  writableRoots: string[];
  networkAccess: boolean;
}

export interface CommandSpec {
  /** Unique for this run of the command; names its process records. */
  commandId: string;
  /** Whose temporary folders it uses in a sandbox. */
  threadId: string;
  /** Run by `bash -c` where there is a bash, else `sh -c`. */
  command: string;
  /** Absolute. */
  cwd: string;
  /** Root of the workspace the command belongs to, absolute; the fence is kept per workspace. */
  workspace: string;
  /** The real path that `workspace` must have; left out, any. */
  root?: string;
  sandbox: SandboxPolicy;
  /** Milliseconds until the command is stopped with outcome `timedOut`. */
  timeoutMs: number;
  /** Bytes of output kept, split between head and tail. */
  maxOutputBytes: number;
}

export interface CommandReport {
  outcome: 'exited' | 'timedOut' | 'aborted';
  /** Null where a signal ended it. */
  exitCode: number | null;
  /** Standard output and error as they came, head and tail kept, the middle replaced by a line that says how much. */
  output: string;
  /** Bytes the command wrote in all. */
  outputBytes: number;
  truncated: boolean;
  durationMs: number;
  /** True if it was seen that no process of the command is left, those that hid included. */
  gone: boolean;
  /** The limit that ended it, if one did; the output says so, too. */
  limit?: CommandLimit;
}

export interface CommandPort {
  /**
   * Runs one command. When `signal` fires: SIGTERM to the whole process group, 100 ms, then SIGKILL to all that is
   * left, and a report with outcome `aborted` and the output so far. A command that fails is a report, not a failure.
   */
  run(spec: CommandSpec, io: { signal: AbortSignal; onOutput: (tail: string) => void }): Promise<CommandReport>;
  /**
   * Ends every process that earlier commands of this workspace left behind when the worker that ran them died, and says
   * how many. Safe to call at any time; commands of workers that are alive are left alone, except those in `commandIds`.
   */
  clean(workspace: string, commandIds?: string[]): Promise<{ ended: number }>;
  /** Removes what the commands of a thread left in its temporary folders. Twice is once. */
  forget(threadId: string): Promise<void>;
  /** Which sandbox works on this machine, or why none does. */
  sandbox(): Promise<{ available: true; name: string } | { available: false; reason: string }>;
}
