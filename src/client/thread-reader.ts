/** What activities ask of a thread, by query. */
import { WorkflowFailedError, WorkflowNotFoundError, isGrpcDeadlineError } from '@temporalio/client';
import type { ThreadReader } from '../../activities/ports.ts';
import { Failure } from '../../activities/failures.ts';
import { contextQuery, eventsQuery, itemsQuery } from '../../workflows/thread/messages.ts';
import { LIMITS, toWorkflowId } from '../contract/index.ts';
import type { Service } from './service.ts';

export function createThreadReader(service: Service): ThreadReader {
  const ask = async <T>(
    threadId: string,
    signal: AbortSignal,
    body: (handle: ReturnType<typeof handleOf>) => Promise<T>,
  ): Promise<T> => {
    try {
      return await service.client.withAbortSignal(signal, () =>
        service.within(() => body(handleOf(service, threadId))),
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Failure('threadUnreadable', `Thread ${threadId} did not answer a query: ${message}`, { cause: error });
    }
  };

  return {
    ended: (threadId, signal) => waitForEnd(service, threadId, signal),
    context: (threadId, after, signal) => ask(threadId, signal, (handle) => handle.query(contextQuery, { after })),
    items: (threadId, after, signal) =>
      ask(threadId, signal, (handle) => handle.query(itemsQuery, { after, limit: LIMITS.pageSize })),
    segment: (threadId, segment, signal) =>
      ask(threadId, signal, async (handle) => ({
        items: await readAll(
          segment.items,
          async (after, limit) => (await handle.query(itemsQuery, { after, limit })).items,
        ),
        events: await readAll(
          segment.events,
          async (after, limit) => (await handle.query(eventsQuery, { after: after - 1, limit })).events,
        ),
      })),
  };
}

/** The service is asked again and again, each time for as long as a call may take. */
async function waitForEnd(service: Service, threadId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const handle = handleOf(service, threadId);
      await service.client.withAbortSignal(signal, () => service.within(() => handle.result(), WATCH_CALL_MS));
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

function handleOf(service: Service, threadId: string) {
  return service.client.workflow.getHandle(toWorkflowId(threadId));
}

/** Everything of a half-open range, page by page. */
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
