/**
 * Shares one call between concurrent callers. A caller can leave without ending the call; the last one that leaves ends it.
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

/** Settles like the call, or rejects with the reason of the signal when it fires. */
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
