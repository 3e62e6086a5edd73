/** Commands. */
import type { SandboxMode } from '../../src/contract/index.ts';
import type { CommandReport } from '../ports.ts';
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
  /** Milliseconds until it is stopped. */
  timeoutMs: number;
  /** How long its end is waited for before it is left running. Left out for a command that is waited for to its end. */
  yields?: LookLimits;
  /** It gets a terminal; left out if not. */
  terminal?: true;
  /** Nobody was asked, although the policy is `untrusted`, since it is known to only read. Left out if not, and by earlier releases. */
  unasked?: true;
  /** The thread was told at its start that commands in a sandbox reach no network. Left out if not, and by earlier releases. */
  offline?: true;
}

/** Limits of one look at a command. */
export interface LookLimits {
  yieldMs: number;
  /** Null for the limit of the worker. */
  maxOutputBytes: number | null;
}

/** `key`: by which later steps find the command, if it still runs. */
export type CommandStepResult = Omit<CommandReport, 'whole'> & { key?: string };

/** A command that was left running. */
export interface OpenSession {
  /** Number of the item of its command. */
  id: number;
  key: string;
  /** By which its processes are found. */
  commandId: string;
}

export interface WriteStep extends LookLimits {
  threadId: string;
  actionId: string;
  /** Number of the item of this call. */
  index: number;
  session: OpenSession;
  chars: string;
}

/** `tail`: the end of all that the command has written, if it has ended. */
export type WriteStepResult = (Omit<CommandReport, 'whole'> & { tail?: string }) | { type: 'aborted' };

export interface SessionsStep {
  threadId: string;
  actionId: string;
  sessions: OpenSession[];
}

/** Null for a session whose end nobody has seen. Of the output only the end. */
export interface EndedSession {
  id: number;
  report: Omit<CommandReport, 'whole'> | null;
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

/** The last heartbeat of a wait for commands that were left running: the end of what each has written, if it has. */
export interface SessionsProgress {
  type: 'sessions';
  sessions: SessionTail[];
}

/** Of the session whose command is item `id`; `chars` as in {@link CommandProgress}. */
export interface SessionTail {
  id: number;
  output: string;
  chars: number;
}

/** Details of the failure of a command whose end nobody has seen. */
export interface LostCommand {
  output: string;
}
