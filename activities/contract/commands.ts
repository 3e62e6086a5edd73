/** Commands. */
import type { SandboxMode } from '../../src/contract/index.ts';
import type { OnWorkspace } from './steps.ts';

export interface CommandStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step; unique, so the command's processes are found by it, too. */
  actionId: string;
  /** Number of the command's item; read from there when `command` is null because it is long. */
  index: number;
  command: string | null;
  cwd: string;
  workspace: string;
  sandbox: SandboxMode;
  timeoutMs: number;
}

/** The last heartbeat of a running command, for the person who watches and in case the worker is lost. */
export interface CommandProgress {
  type: 'command';
  itemId: string;
  /** The end of the output so far. */
  output: string;
  /** Number of characters of all of it. */
  chars: number;
}

/** Details of the failure of a command whose end nobody has seen. */
export interface LostCommand {
  output: string;
}
