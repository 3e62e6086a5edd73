/** Commands. */
import type { SandboxMode } from '../../src/contract/index.ts';
import type { OnWorkspace } from './steps.ts';

export interface CommandStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by; unique, so it names the command's processes, too. */
  actionId: string;
  /** Number of the command's item; read from there when `command` is null because it is long. */
  index: number;
  command: string | null;
  cwd: string;
  workspace: string;
  sandbox: SandboxMode;
  timeoutMs: number;
}

/** What the last heartbeat of a running command held, for the person who watches and for a worker that is lost. */
export interface CommandProgress {
  type: 'command';
  output: string;
}

/** Details of the failure of a command that its worker ended because the worker itself was told to stop. */
export interface StoppedByWorker {
  output: string;
}
