/** Commands, and the sandbox they run in. */
import type { CommandLimit, SandboxMode } from '../../src/contract/index.ts';

export type { SandboxMode };

export interface SandboxPolicy {
  mode: SandboxMode;
  /** Absolute paths that may be written in mode `workspace-write`, besides the working directory and the temp folder. */
  writableRoots: string[];
  networkAccess: boolean;
}

export interface CommandSpec {
  /** Unique for this run of the command. Names its process records. */
  commandId: string;
  /** The thread whose temporary folders it uses in a sandbox. */
  threadId: string;
  /** Run with `bash -c` if there is a bash, else `sh -c`. */
  command: string;
  /** Absolute. */
  cwd: string;
  /** Root of the workspace the command belongs to, absolute; the fence is kept per workspace. */
  workspace: string;
  /** The real path that `workspace` must have; any if undefined. */
  root?: string;
  sandbox: SandboxPolicy;
  /** Milliseconds until the command is stopped with outcome `timedOut`. */
  timeoutMs: number;
  /** Maximum bytes of output, split between head and tail. */
  maxOutputBytes: number;
  /** It gets a terminal, which reads what looks send; left out for one that has nothing to read. */
  terminal?: true;
  /** Nobody was asked, since it is known to only read; left out otherwise. */
  unasked?: true;
  /** It gets no network in a sandbox, whatever the setting of the worker; left out if the setting applies. */
  offline?: true;
}

export interface CommandReport {
  /** `yielded`: it still runs, and the output is what it has written since the last look. */
  outcome: 'exited' | 'timedOut' | 'aborted' | 'yielded';
  /** Null if a signal ended it. */
  exitCode: number | null;
  /** Standard output and error in their order. A line replaces the middle and says how much is left out. */
  output: string;
  /** If `output` is only what it has written since the last look, and it has ended: all of it, within its limit. */
  whole?: string;
  /** Total bytes that the command wrote; the same for `yielded`. */
  outputBytes: number;
  truncated: boolean;
  durationMs: number;
  /** True if it was verified that no process of the command is left, including those that tried to escape. */
  gone: boolean;
  /** Number of its processes that ignored SIGTERM and were killed; left out if there were none. The output also says so. */
  killed?: number;
  /** The limit that ended it, if one did; the output also says so. */
  limit?: CommandLimit;
}

/** `text` is the end of the output so far, `chars` the number of characters of all of it. */
export interface OutputTail {
  text: string;
  chars: number;
}

export interface CommandIo {
  signal: AbortSignal;
  onOutput: (tail: OutputTail) => void;
  /** For a command that may outlive this call, if the port has `attach`. */
  lasting?: {
    /** Identifies the command for `attach`. The same command of a thread that was reset has another one. */
    key: string;
    /** Lets the command run on, for another attempt; the call rejects with the signal's reason. */
    leave: AbortSignal;
    /** The call is a look: it returns with outcome `yielded` if the command still runs by then. */
    poll?: Poll;
  };
}

/** One look at a command that may run on. */
export interface Poll {
  /** A repeated look with the same id sends nothing, and gets the same answer. */
  id: string;
  /** Whether it is the look that starts the command. */
  isFirst: boolean;
  /** What is sent to its terminal first. Without one, U+0003 interrupts it, and nothing else has an effect. */
  chars: string;
  /** How long its end is waited for. */
  yieldMs: number;
  /** Maximum bytes of output, split between head and tail. */
  maxOutputBytes: number;
}

export interface CommandPort {
  /**
   * Runs one command. When `signal` fires: SIGTERM to the whole process group, 100 ms, then SIGKILL to all that is
   * left, and a report with outcome `aborted` and the output so far. A command that fails is a report, not a failure.
   */
  run(spec: CommandSpec, io: CommandIo): Promise<CommandReport>;
  /**
   * Waits for a command that an earlier call of `run` has started, or that has ended since, or looks at a session. Fails
   * with `commandLost` if it is not known. Left out if commands end with their worker.
   */
  attach?(
    command: { key: string; threadId: string; commandId: string },
    io: Required<CommandIo>,
  ): Promise<CommandReport>;
  /**
   * Ends every process that earlier commands of this workspace left behind when the process that ran them died, and says
   * how many. Safe to call at any time; other commands are left alone, except those in `commandIds`, where an id that ends
   * with `/*` names all that begin with what is before the star. `gone`: whether it is certain that nothing of those is left.
   */
  clean(workspace: string, commandIds?: string[]): Promise<{ ended: number; gone?: boolean }>;
  /** Removes the temporary folders of a thread, and what is kept of its commands. Idempotent. */
  forget(threadId: string): Promise<void>;
  /** Reports which sandbox works on this machine, or why none does. */
  sandbox(): Promise<{ available: true; name: string } | { available: false; reason: string }>;
  /** The worker stops. */
  close?(): Promise<void>;
}
