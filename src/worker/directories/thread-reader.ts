/** Queries a thread from activities. */
import { WorkflowFailedError, WorkflowNotFoundError, isGrpcDeadlineError } from '@temporalio/client';
import type { PastReader, ThreadReader } from '../../../activities/ports.ts';
import { Failure } from '../../../activities/failures.ts';
import {
  closedRunQuery,
  contextQuery,
  eventsQuery,
  itemsQuery,
  pastQuery,
} from '../../../workflows/thread/shell/messages.ts';
import { type EventsPage, type ItemsPage, LIMITS, toWorkflowId } from '../../contract/index.ts';
import { isMissing, readClosedPast, readClosedRun, threadMissing } from './closed-runs.ts';
import type { Service } from '../../client/service.ts';

/** No worker has cached a run that has ended, so it must be replayed. */
const CLOSED_RUN_DEADLINE_MS = 30_000;

export function createThreadReader(service: Service): ThreadReader {
  const ask = async <T>(
    threadId: string,
    signal: AbortSignal,
    body: () => Promise<T>,
    deadlineMs?: number,
  ): Promise<T> => {
    try {
      return await service.untilAborted(signal, () => service.within(body, deadlineMs));
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (isMissing(error)) throw threadMissing(threadId, error);
      const message = error instanceof Error ? error.message : String(error);
      throw new Failure('threadUnreadable', `Thread ${threadId} did not answer a query: ${message}`, { cause: error });
    }
  };

  return {
    async awaits({ workflowId, runId, activityId }) {
      const handle = service.client.workflow.getHandle(workflowId, runId);
      const { status, raw } = await service.within(() => handle.describe());
      // A run that was terminated still lists them.
      return (
        status.name === 'RUNNING' &&
        raw.pendingActivities?.some((pending) => pending.activityId === activityId) === true
      );
    },
    async continues({ workflowId, runId }) {
      const statusOf = async (run?: string) =>
        (await service.within(() => service.client.workflow.getHandle(workflowId, run).describe())).status.name;
      const status = await statusOf(runId);
      return status === 'CONTINUED_AS_NEW' ? (await statusOf()) === 'RUNNING' : status === 'RUNNING';
    },
    ended: (threadId, signal) => waitForEnd(service, threadId, signal),
    context: (threadId, after, signal) =>
      ask(threadId, signal, () => handleOf(service, threadId).query(contextQuery, { after })),
    items: (threadId, after, signal) =>
      ask(threadId, signal, () => handleOf(service, threadId).query(itemsQuery, { after, limit: LIMITS.pageSize })),
    segment: (threadId, segment, signal, closedRunId) =>
      ask(threadId, signal, async () => {
        const pages = pagesOf(service, threadId, closedRunId);
        return {
          items: await readAll(segment.items, async (after, limit) => (await pages.items(after, limit)).items),
          events: await readAll(segment.events, async (after, limit) => (await pages.events(after - 1, limit)).events),
        };
      }),
    past: async (threadId, signal) => {
      const { past, pages } = await ask(threadId, signal, () => pastOf(service, threadId), CLOSED_RUN_DEADLINE_MS);
      const items: PastReader['items'] = (after) => ask(threadId, signal, () => pages.items(after, LIMITS.pageSize));
      return { past, items };
    },
    closedRun: (threadId, runId, signal) =>
      ask(threadId, signal, () => readClosedRun(service, threadId, runId), CLOSED_RUN_DEADLINE_MS),
  };
}

/** Repeats long polls, each as long as a call may take. */
async function waitForEnd(service: Service, threadId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const handle = handleOf(service, threadId);
      await service.untilAborted(signal, () => service.within(() => handle.result(), WATCH_CALL_MS));
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError) return;
      if (isGrpcDeadlineError(error)) continue;
      const message = error instanceof Error ? error.message : String(error);
      throw new Failure('threadUnreadable', `Thread ${threadId} cannot be watched: ${message}`, { cause: error });
    }
  }
}

const WATCH_CALL_MS = 60_000;

async function pastOf(service: Service, threadId: string) {
  const { status, runId } = await handleOf(service, threadId).describe();
  if (status.name === 'RUNNING') {
    const past = await handleOf(service, threadId).query(pastQuery);
    return { past, pages: pagesOf(service, threadId, undefined) };
  }
  const left = await readClosedPast(service, threadId, runId);
  return { past: left.past, pages: pagesOf(service, threadId, left.runId) };
}

interface Pages {
  items(after: number, limit: number): Promise<ItemsPage>;
  events(after: number, limit: number): Promise<EventsPage>;
}

function pagesOf(service: Service, threadId: string, closedRunId: string | undefined): Pages {
  const handle = handleOf(service, threadId, closedRunId);
  if (closedRunId === undefined) {
    return {
      items: (after, limit) => handle.query(itemsQuery, { after, limit }),
      events: (after, limit) => handle.query(eventsQuery, { after, limit }),
    };
  }
  return {
    items: async (after, limit) => (await handle.query(closedRunQuery, { ask: 'items', after, limit })) as ItemsPage,
    events: async (after, limit) => (await handle.query(closedRunQuery, { ask: 'events', after, limit })) as EventsPage,
  };
}

function handleOf(service: Service, threadId: string, runId?: string) {
  return service.client.workflow.getHandle(toWorkflowId(threadId), runId);
}

/** Reads a half-open range page by page. */
async function readAll<T>(
  range: { from: number; to: number },
  page: (after: number, limit: number) => Promise<T[]>,
): Promise<T[]> {
  const all: T[] = [];
  while (range.from + all.length < range.to) {
    const limit = Math.min(LIMITS.pageSize, range.to - range.from - all.length);
    const found = await page(range.from + all.length, limit);
    if (found.length === 0)
      throw new Error(`nothing was given from ${range.from + all.length} on, up to ${range.to} was asked for`);
    all.push(...found);
  }
  return all;
}
