/**
 * Activities as steps of a thread: the action that requests one, its options, and how it ends. The contract of the
 * activities types all three; the kind or the tool that requests it knows the meaning of an input or a result.
 */
import type { CommandProgress, McpProgress, StepActivities } from '../../../activities/contract.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../../src/contract/plain/heartbeat.ts';
import { firstLine } from '../../sandbox/plain-text.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import type { ThreadState } from './state.ts';

export type StepActivity = keyof StepActivities;
export type StepInput<A extends StepActivity> = Parameters<StepActivities[A]>[0];
export type StepResult<A extends StepActivity> = Awaited<ReturnType<StepActivities[A]>>;
/** The result of an activity that was not stopped. */
export type StepValue<A extends StepActivity> = Exclude<StepResult<A>, { type: 'aborted' }>;

/** Steps that are not retried, since they may have had effects, with the form of their heartbeats. */
interface LosableSteps {
  execCommand: CommandProgress;
  callMcpTool: McpProgress;
}

export type StepAction<A extends StepActivity = StepActivity> = {
  [K in A]: {
    type: 'step';
    id: string;
    /** Left out for a step of the thread itself. */
    turnId?: string;
    activity: K;
    input: StepInput<K>;
    options: StepOptions;
    /** The line that the Temporal UI shows. A replay does not compare it. */
    summary: string;
    /** If it is not the host of the thread. */
    host?: string;
    /** It waits until the workspace is clean. */
    onWorkspace?: boolean;
  } & (K extends keyof LosableSteps ? { losable: true } : object);
}[A];

export type StepEnd<A extends StepActivity = StepActivity> =
  | { type: 'done'; value: StepValue<A> }
  /** Stopped by its thread. */
  | { type: 'aborted' }
  /** The worker that ran it was lost. The last heartbeat is empty if there was none. */
  | (A extends keyof LosableSteps ? { type: 'lost'; lastBeat: Partial<LosableSteps[A]> } : never)
  | { type: 'failed'; failure: StepFailure };

export type StepEnded<A extends StepActivity = StepActivity> = {
  [K in A]: { type: 'stepEnded'; id: string; activity: K; end: StepEnd<K> };
}[A];

/** The same as an input of the machine. `at`: milliseconds since the epoch. */
export type StepEvent<A extends StepActivity = StepActivity> = StepEnded<A> & { at: number };

// --------------------------------------------------------------------------------------------------------- options

type Duration = number | `${number}${'s' | 'm' | 'h'}`;

export interface StepOptions {
  cancellationType: 'WAIT_CANCELLATION_COMPLETED';
  startToCloseTimeout: Duration;
  scheduleToStartTimeout?: Duration;
  scheduleToCloseTimeout?: Duration;
  heartbeatTimeout: Duration;
  retry: typeof BACKOFF & { maximumAttempts?: number };
}

const BACKOFF = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Heartbeats distinguish a lost worker from a slow step; how soon a stop is noticed depends on the worker's throttle. */
const COMMON = { cancellationType: 'WAIT_CANCELLATION_COMPLETED', heartbeatTimeout: HEARTBEAT_TIMEOUT_MS } as const;

/**
 * Retried until it is done, or `maximumAttempts` times. Most activities count their attempts themselves, so that a
 * worker's restart does not use up one.
 */
export function retried(startToCloseTimeout: Duration, maximumAttempts?: number): StepOptions {
  const retry = maximumAttempts === undefined ? BACKOFF : { ...BACKOFF, maximumAttempts };
  return { ...COMMON, startToCloseTimeout, retry };
}

/** Never retried: a step that may have run is not run again automatically. */
export function once(startToCloseTimeout: Duration): StepOptions {
  return retried(startToCloseTimeout, 1);
}

// ---------------------------------------------------------------------------------------------------------- inputs

/** Characters of a command, or of the arguments of a call. A longer one is passed by reference to its item. */
export const INLINE_CHARS = 2_000;

/** Members of the input of a step that can be stopped. */
export function stepIds({ threadId }: ThreadState, actionId: string): { threadId: string; actionId: string } {
  return { threadId, actionId };
}

/** The same for a step that works in the workspace: with the real path that it must have. */
export function workspaceIds({ threadId, settings: { root } }: ThreadState, actionId: string) {
  return { threadId, ...(root === undefined ? {} : { root }), actionId };
}

/** UTF-16 units of foreign text. With the word before it a summary stays below 400 bytes, which is the limit. */
const SUMMARY_CHARS = 100;

export function toSummary(verb: string, text: string): string {
  return `${verb}: ${firstLine(text, SUMMARY_CHARS)}`;
}
