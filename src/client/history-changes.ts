/**
 * Wakes a reader when something has been added to a thread's history. The service holds the call open until there is
 * something new, so nobody polls in vain; what is new is then read by query.
 */
import type { Service } from './service.ts';

/** The service answers an idle long poll after about 20 seconds; a little more, and the call has died. */
const LONG_POLL_DEADLINE_MS = 35_000;
const RETRY_MS = { first: 50, most: 2_000 };

export interface HistoryChanges {
  /** Resolves when there may be something new since the last call returned; at once the first time, and once aborted. */
  next(): Promise<void>;
  /** Whether the workflow has ended, so that nothing new will come. */
  readonly over: boolean;
}

export function watchHistory(service: Service, workflowId: string, signal: AbortSignal): HistoryChanges {
  let token: Uint8Array | null = null;
  let retryMs = RETRY_MS.first;
  let over = false;

  const poll = async (): Promise<boolean> => {
    const { workflowService } = service.connection;
    const request = {
      namespace: service.namespace,
      execution: { workflowId },
      waitNewEvent: true,
      ...(token === null ? {} : { nextPageToken: token }),
    };
    const answer = await service.connection.withAbortSignal(signal, () =>
      service.connection.withDeadline(Date.now() + LONG_POLL_DEADLINE_MS, () =>
        workflowService.getWorkflowExecutionHistory(request),
      ),
    );
    // Without a token this run has ended; the next call finds the run that followed it.
    token = answer.nextPageToken.length > 0 ? answer.nextPageToken : null;
    const events = answer.history?.events ?? [];
    over = token === null && events.length > 0 && !events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
    return events.length > 0;
  };

  return {
    get over() {
      return over;
    },
    async next() {
      while (!signal.aborted) {
        try {
          const news = await untilAborted(poll(), signal);
          retryMs = RETRY_MS.first;
          if (news !== false) return;
        } catch {
          // The query that follows tells what is wrong, if it lasts.
          token = null;
          await pause(retryMs, signal);
          retryMs = Math.min(retryMs * 2, RETRY_MS.most);
          return;
        }
      }
    },
  };
}

/** The promise's value, or null as soon as the signal fires: what then becomes of the promise concerns nobody. */
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
