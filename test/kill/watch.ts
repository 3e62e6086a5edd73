/** A reader of a thread's events that outlives every kill, with what a round asks of it. */
import type { ThreadHandle } from '../../src/client/index.ts';
import type { ThreadEvent } from '../../src/contract/index.ts';

export interface Watch {
  /** As they came, from the first one on. */
  readonly events: readonly ThreadEvent[];
  /** The first event that fits, at once or when it comes. Rejects where the reading fails, or after `boundMs`. */
  waitFor(fits: (event: ThreadEvent) => boolean, what: string, boundMs?: number): Promise<ThreadEvent>;
  stop(): Promise<void>;
}

interface Waiter {
  fits: (event: ThreadEvent) => boolean;
  resolve: (event: ThreadEvent) => void;
  reject: (error: Error) => void;
}

/** Far beyond any recovery: what takes longer than this is stuck. */
const STUCK_MS = 90_000;

export function watchThread(thread: ThreadHandle): Watch {
  const stop = new AbortController();
  const events: ThreadEvent[] = [];
  const waiters = new Set<Waiter>();
  let failure: Error | undefined;

  const read = async (): Promise<void> => {
    for await (const event of thread.events({ signal: stop.signal })) {
      events.push(event);
      for (const waiter of [...waiters]) if (waiter.fits(event)) waiter.resolve(event);
    }
  };
  const reading = read().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    for (const waiter of [...waiters]) waiter.reject(failure);
  });

  return {
    events,
    waitFor(fits, what, boundMs = STUCK_MS) {
      const known = events.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { fits, resolve: settle(resolve), reject: settle(reject) };
        const timer = setTimeout(
          () => waiter.reject(new Error(`Thread ${thread.threadId}: no ${what} within ${boundMs / 1000} s`)),
          boundMs,
        );
        waiters.add(waiter);
        function settle<T>(then: (value: T) => void): (value: T) => void {
          return (value) => {
            clearTimeout(timer);
            waiters.delete(waiter);
            then(value);
          };
        }
      });
    },
    async stop() {
      stop.abort();
      await reading;
    },
  };
}
