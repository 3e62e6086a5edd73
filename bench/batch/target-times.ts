/** When the steps of a target's review were recorded, by the service's clock, from its history. */
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { Service } from '../../src/client/service.ts';
import { type Span, coveredMs } from '../clock.ts';

/** Milliseconds, one after the other, which together are the whole of it. */
export interface TargetTimes {
  begin: number;
  /** `openTarget`, with its way to a worker. */
  opens: number;
  toThread: number;
  threadStarts: number;
  thread: number;
  toConclude: number;
  concludes: number;
  end: number;
  whole: number;
  /** Of the thread: while a workflow task of it was under way, and while a step was. */
  threadTasks: number;
  threadSteps: number;
}

/** Throws where it has another history than a review by one thread. */
export async function readTargetTimes(service: Service, runId: string): Promise<TargetTimes> {
  const [target, thread] = await Promise.all(
    [`batch-review/${runId}`, `thread/${runId}`].map((workflowId) => read(service, workflowId)),
  );
  const { begun, childBegins, childStarted, childEnded, steps, ended } = timesOf(target ?? []);
  const [open, conclude] = steps;
  if (open === undefined || conclude === undefined || steps.length !== 2 || ended === 0 || childEnded === 0)
    throw new Error(`The review ${runId} of the bench has another history than expected`);
  const within = timesOf(thread ?? []);
  const window: Span = { start: within.begun, end: within.ended };
  return {
    begin: open.scheduled - begun,
    opens: open.end - open.scheduled,
    toThread: childBegins - open.end,
    threadStarts: childStarted - childBegins,
    thread: childEnded - childStarted,
    toConclude: conclude.scheduled - childEnded,
    concludes: conclude.end - conclude.scheduled,
    end: ended - conclude.end,
    whole: ended - begun,
    threadTasks: coveredMs(window, within.tasks),
    threadSteps: coveredMs(window, within.steps),
  };
}

type HistoryEvent = NonNullable<History['events']>[number];

async function read(service: Service, workflowId: string): Promise<HistoryEvent[]> {
  const { events } = await service.within(() => service.client.workflow.getHandle(workflowId).fetchHistory());
  return events ?? [];
}

interface Times {
  begun: number;
  /** The last child. */
  childBegins: number;
  childStarted: number;
  childEnded: number;
  ended: number;
  /** Workflow tasks, from their start on. */
  tasks: Span[];
  /** Activities; all of those here are done at the first attempt. */
  steps: (Span & { scheduled: number })[];
}

function timesOf(events: readonly HistoryEvent[]): Times {
  const times: Times = { begun: 0, childBegins: 0, childStarted: 0, childEnded: 0, ended: 0, tasks: [], steps: [] };
  const at = new Map(events.map((event) => [String(event.eventId), toMs(event.eventTime)]));
  const when = (id: unknown) => at.get(String(id)) ?? 0;
  for (const event of events) {
    const now = toMs(event.eventTime);
    if (event.workflowExecutionStartedEventAttributes) times.begun = now;
    if (event.startChildWorkflowExecutionInitiatedEventAttributes) times.childBegins = now;
    if (event.childWorkflowExecutionStartedEventAttributes) times.childStarted = now;
    if (event.childWorkflowExecutionCompletedEventAttributes) times.childEnded = now;
    if (event.workflowExecutionCompletedEventAttributes) times.ended = now;
    const task = event.workflowTaskCompletedEventAttributes;
    if (task) times.tasks.push({ start: when(task.startedEventId), end: now });
    const step = event.activityTaskCompletedEventAttributes;
    if (step) times.steps.push({ scheduled: when(step.scheduledEventId), start: when(step.startedEventId), end: now });
  }
  return times;
}

function toMs(time: HistoryEvent['eventTime']): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
