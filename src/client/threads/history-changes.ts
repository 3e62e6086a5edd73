/**
 * Wakes a reader when a workflow task adds to a thread's history: nothing else changes the answers of queries. The service
 * keeps the call open until there is something new. The reader then reads it by query.
 */
import type { CompletedTask } from '../../../workflows/thread/shell/messages.ts';
import { createBackoff } from '../backoff.ts';
import type { Service } from '../service.ts';

/** The service answers an idle long poll after about 20 seconds. A call that takes longer is dead. */
const LONG_POLL_DEADLINE_MS = 35_000;
const RETRY_MS = { first: 50, most: 2_000 };
/** For readers who wait for the end of work: how long changes are gathered before more are asked for, and before they are read. */
const GATHER_MS = 30;
const MAX_UNREAD_MS = 500;

export interface HistoryChanges {
  /**
   * Resolves when there may be something new since the last call returned: a workflow task was completed, or is at a worker
   * that has the workflow at hand, which may be asked ahead and answers when it is done; or the run has ended. At once where
   * the service cannot be asked, and once aborted.
   */
  next(): Promise<void>;
  /** Whether the workflow has ended, so that nothing new will come. */
  readonly over: boolean;
  /** The newest workflow task that is recorded as completed; null if none was seen yet. */
  readonly completedTask: CompletedTask | null;
}

interface StepEnd {
  scheduledEventId?: { toNumber(): number } | null;
}

/** The part of an event that is read. */
interface RecordedEvent {
  workflowExecutionStartedEventAttributes?: { originalExecutionRunId?: string | null } | null;
  workflowTaskScheduledEventAttributes?: object | null;
  workflowTaskStartedEventAttributes?: { identity?: string | null } | null;
  eventId?: { toNumber(): number } | null;
  activityTaskScheduledEventAttributes?: object | null;
  activityTaskCompletedEventAttributes?: StepEnd | null;
  activityTaskFailedEventAttributes?: StepEnd | null;
  activityTaskTimedOutEventAttributes?: StepEnd | null;
  activityTaskCanceledEventAttributes?: StepEnd | null;
  activityTaskCancelRequestedEventAttributes?: StepEnd | null;
  workflowTaskCompletedEventAttributes?: {
    identity?: string | null;
    startedEventId?: { toNumber(): number } | null;
  } | null;
}

/** @param options.untilRest for a reader who waits for the end of work: while steps run, `next` resolves only now and then */
export function watchHistory(
  service: Service,
  workflowId: string,
  signal: AbortSignal,
  { untilRest = false } = {},
): HistoryChanges {
  let token: Uint8Array | null = null;
  let polling: Promise<boolean> | null = null;
  const retries = createBackoff(RETRY_MS);
  let over = false;
  let runId: string | null = null;
  let startedEventId: number | null = null;
  let worker: string | null = null;
  /** Whether another task is to come, or at a worker; what it brings is waited for. */
  let isPending = false;
  /** Whether the worker that has begun a task is the one that completed the last one, and so has the workflow in its cache. */
  let isAtHand = false;
  const runningSteps = new Set<number | undefined>();

  const take = (event: RecordedEvent): void => {
    const run = event.workflowExecutionStartedEventAttributes;
    // After a reset this is the id of the run before, which matches no task.
    if (run) {
      [runId, startedEventId] = [run.originalExecutionRunId ?? null, null];
      runningSteps.clear();
    }
    if (event.activityTaskScheduledEventAttributes) runningSteps.add(event.eventId?.toNumber());
    const ended = endOfStep(event);
    if (ended) runningSteps.delete(ended.scheduledEventId?.toNumber());
    if (event.workflowTaskScheduledEventAttributes) isPending = true;
    const begun = event.workflowTaskStartedEventAttributes;
    isAtHand = Boolean(begun?.identity) && begun?.identity === worker;
    const done = event.workflowTaskCompletedEventAttributes;
    if (!done?.startedEventId) return;
    isPending = false;
    worker = done.identity ?? null;
    startedEventId = done.startedEventId.toNumber();
  };

  const poll = async (): Promise<boolean> => {
    const { workflowService } = service.connection;
    const request = {
      namespace: service.namespace,
      execution: { workflowId },
      waitNewEvent: true,
      ...(token === null ? {} : { nextPageToken: token }),
    };
    const answer = await service.untilAborted(signal, () =>
      service.connection.withDeadline(Date.now() + LONG_POLL_DEADLINE_MS, () =>
        workflowService.getWorkflowExecutionHistory(request),
      ),
    );
    // Without a token this run has ended; the next call finds the run that followed it.
    token = answer.nextPageToken.length > 0 ? answer.nextPageToken : null;
    const events = answer.history?.events ?? [];
    events.forEach(take);
    over = token === null && events.length > 0 && !events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
    const isCompleted = events.some((event) => event.workflowTaskCompletedEventAttributes);
    return events.length > 0 && (token === null || (isAtHand && !untilRest) || (isCompleted && !isPending));
  };
  const isRead = () => !untilRest || runningSteps.size === 0 || token === null;

  return {
    get over() {
      return over;
    },
    get completedTask() {
      return runId === null || startedEventId === null ? null : { runId, startedEventId };
    },
    async next() {
      let overdue: Promise<null> | null = null;
      while (!signal.aborted) {
        try {
          polling ??= poll().finally(() => (polling = null));
          const change = untilAborted(polling, signal);
          const news = await (overdue === null ? change : Promise.race([change, overdue]));
          retries.reset();
          if (news === null || (news && isRead())) return;
          if (news) overdue ??= pause(MAX_UNREAD_MS, signal).then(() => null);
          if (untilRest) await pause(GATHER_MS, signal);
        } catch {
          // If it lasts, the query that follows reports the error.
          token = null;
          await pause(retries.next(), signal);
          return;
        }
      }
    },
  };
}

/** A step that was told to stop is not waited for. */
function endOfStep(event: RecordedEvent): StepEnd | null | undefined {
  return (
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes ??
    event.activityTaskCancelRequestedEventAttributes
  );
}

/** The promise's value, or null as soon as the signal fires; the promise is then ignored. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  promise.catch(() => undefined);
  const ended = new AbortController();
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true, signal: ended.signal });
  });
  return Promise.race([promise, aborted]).finally(() => ended.abort());
}

/** Resolves after that time, or as soon as the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
