/** Runs one action and reports its end. Every error becomes an event: this never throws. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  TimeoutFailure,
  type Workflow,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  scheduleActivity,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { toStepFailure } from '../../sandbox/step-failure.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../sandbox/task-timeout.ts';
import { toWorkflowId } from '../../../src/contract/plain/workflow-ids.ts';
import type { ThreadSettings } from '../../../src/contract/index.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { type Action, onlyWaits } from '../state/actions.ts';
import type { MachineInput } from '../state/inputs.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import { boundOf, hostOf, placeOf, waitOf } from '../state/places.ts';
import type { ThreadState } from '../state/state.ts';
import {
  type StepAction,
  type StepActivity,
  type StepEnded,
  type StepResult,
  retried,
  toSummary,
} from '../state/steps.ts';
import { toStaticTexts } from '../view/static-details.ts';

/** Failure types of a step whose end nobody has seen; see `activities/shell/exec-command.ts`, `activities/step.ts`. */
const LOST = ['commandLost', 'commandStoppedByWorker', 'stepStoppedByWorker'];

/** It waits for as long as the child lives, in attempts of an hour, so that a lost attempt is noticed. */
const WATCH_OPTIONS = { ...retried('1h'), heartbeatTimeout: '30s' } as const;

type Runnable = Exclude<Action, { type: 'continueAsNew' | 'complete' | 'relocate' }>;

/** Children that this run has started: the service reports their end to it. */
export type Links = Map<string, ChildWorkflowHandle<Workflow>>;

export async function run(
  { threadId, settings }: ThreadState,
  links: Links,
  action: Runnable,
): Promise<MachineInput | null> {
  const { id } = action;
  switch (action.type) {
    case 'step':
      return runStep(action, settings);
    case 'startChild':
      return { type: 'childStarted', id, failure: await startChildThread(links, action) };
    case 'watchChild':
      return (await watchChild(threadId, links, action)) ? { type: 'childGone', id, threadId: action.threadId } : null;
    case 'sendMessage':
      return { type: 'messageSent', id, delivered: await sendMessage(action) };
    case 'awaitTime':
      return awaitTime(action);
  }
}

type Of<T extends Runnable['type']> = Extract<Runnable, { type: T }>;

/** Rejects as the activity does. */
export function runActivity<A extends StepActivity>(
  step: StepAction & { activity: A },
  settings: ThreadSettings,
): Promise<StepResult<A>> {
  const { activity, input, options, summary } = step;
  const place = placeOf(activity, boundOf(step, settings), workflowInfo().taskQueue);
  return scheduleActivity<StepResult<A>>(activity, [input], { ...place, ...options, summary });
}

async function runStep(step: StepAction, settings: ThreadSettings): Promise<MachineInput> {
  const { id, activity } = step;
  // The compiler cannot see that an end is one of this activity; the contract of the activities says so.
  return { type: 'stepEnded', id, activity, end: await toEnd(step, settings) } as StepEnded;
}

type End =
  | { type: 'done'; value: unknown }
  | { type: 'aborted' }
  | { type: 'lost'; lastBeat: object }
  | { type: 'failed'; failure: StepFailure };

async function toEnd(step: StepAction, settings: ThreadSettings): Promise<End> {
  try {
    const value: unknown = await runActivity(step, settings);
    return isAborted(value) ? ABORTED : { type: 'done', value };
  } catch (error) {
    if (isCancellation(error) && (step.turnId !== undefined || onlyWaits(step.id))) return ABORTED;
    const bound = boundOf(step, settings);
    const host = hostOf(step.activity, bound);
    const isLosable = 'losable' in step;
    if (host !== undefined && isNotTaken(error, isLosable))
      return toFailed(step, toHostAway(host, waitOf(step.activity, bound)));
    const lastBeat = isLosable ? toLastBeat(error) : null;
    return lastBeat === null ? toFailed(step, toStepFailure(error)) : { type: 'lost', lastBeat };
  }
}

const ABORTED = { type: 'aborted' } as const;

function isAborted(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'aborted';
}

/** A turn reports why its step failed; for a step of the thread itself the log may be the only place. */
function toFailed({ id, turnId }: StepAction, failure: StepFailure) {
  if (turnId === undefined) log.warn('A step of the thread failed', { step: id, ...failure });
  return { type: 'failed' as const, failure };
}

/** No worker has taken it in time; none has begun it either, if a step that was begun is lost. */
function isNotTaken(error: unknown, isLosable: boolean): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof TimeoutFailure) || cause.timeoutType !== 'SCHEDULE_TO_START') return false;
  return !isLosable || cause.lastHeartbeatDetails == null;
}

function toHostAway(host: string, waitedMs: number): StepFailure {
  const message = `No worker of host ${host} has taken this step within ${waitedMs / 1_000} seconds. Start a worker there, or look at \`bobbin host show ${host}\`.`;
  return { code: WORKFLOW_CODES.hostAway, message, details: { host } };
}

/** The last heartbeat, if the error says that the step was lost; else null. */
function toLastBeat(error: unknown): object | null {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof TimeoutFailure) return (cause.lastHeartbeatDetails as object | undefined) ?? {};
  if (!(cause instanceof ApplicationFailure) || !LOST.includes(cause.type ?? '')) return null;
  const [details] = (cause.details ?? []) as object[];
  return details ?? {};
}

/**
 * Null once the child is started. The child survives the end or cancellation of this run: any other policy would also
 * apply whenever a thread continues as new. A message closes it.
 */
async function startChildThread(links: Links, { start }: Of<'startChild'>): Promise<StepFailure | null> {
  try {
    const child = await startChild<Workflow>('thread', {
      workflowId: toWorkflowId(start.threadId),
      args: [start],
      parentClosePolicy: 'ABANDON',
      cancellationType: 'ABANDON',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      ...toStaticTexts(start),
      memo: { title: start.title ?? '', cwd: start.workspace.cwd },
    });
    links.set(start.threadId, child);
    return null;
  } catch (error) {
    return toStepFailure(error);
  }
}

/** True once the child's workflow has ended; false if the wait was cancelled. */
async function watchChild(threadId: string, links: Links, action: Of<'watchChild'>): Promise<boolean> {
  const child = links.get(action.threadId);
  const ended = child === undefined ? watchFromOutside(threadId, action) : child.result().catch(() => null);
  try {
    await Promise.race([ended, CancellationScope.current().cancelRequested]);
    return true;
  } catch (error) {
    if (isCancellation(error)) return false;
    throw error;
  }
}

/** An earlier run has started it, so the service does not report its end to this one. */
async function watchFromOutside(threadId: string, { id, threadId: watched }: Of<'watchChild'>): Promise<void> {
  const options = { ...WATCH_OPTIONS, summary: toSummary('watch', watched) };
  await scheduleActivity('watchThread', [{ threadId, actionId: id, watched }], options);
}

/** False if there is no receiver. */
async function sendMessage({ to, message }: Of<'sendMessage'>): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(toWorkflowId(to)).signal(message.signal, message.payload);
    return true;
  } catch (error) {
    log.warn('A message could not be delivered', { to, signal: message.signal, reason: toStepFailure(error).message });
    return false;
  }
}

/** Null when the timer was cancelled. */
async function awaitTime(action: Of<'awaitTime'>): Promise<MachineInput | null> {
  try {
    await sleep(Math.max(1, action.at - Date.now()), { summary: action.summary });
    return { type: 'timeCame', id: action.id, about: action.about };
  } catch (error) {
    if (isCancellation(error)) return null;
    throw error;
  }
}
