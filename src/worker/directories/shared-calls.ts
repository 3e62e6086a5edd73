/**
 * Calls that several want at the same time and that are made once. A caller that leaves leaves alone; the call itself is
 * ended with the last of them.
 */
export type SharedCalls<T> = (
  key: string,
  call: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

interface Shared<T> {
  answer: Promise<T>;
  waiting: number;
  stop: AbortController;
}

/** Rejects with the reason of the signal once that fires, and otherwise as the call does. */
export function createSharedCalls<T>(): SharedCalls<T> {
  const underWay = new Map<string, Shared<T>>();

  const begin = (key: string, call: (signal: AbortSignal) => Promise<T>): Shared<T> => {
    const stop = new AbortController();
    const shared: Shared<T> = { answer: call(stop.signal), waiting: 0, stop };
    const forget = () => {
      if (underWay.get(key) === shared) underWay.delete(key);
    };
    shared.answer.then(forget, forget);
    stop.signal.addEventListener('abort', forget);
    underWay.set(key, shared);
    return shared;
  };

  return async (key, call, signal) => {
    signal.throwIfAborted();
    const shared = underWay.get(key) ?? begin(key, call);
    shared.waiting++;
    try {
      return await orAborted(shared.answer, signal);
    } finally {
      shared.waiting--;
      if (shared.waiting === 0) shared.stop.abort();
    }
  };
}

function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
