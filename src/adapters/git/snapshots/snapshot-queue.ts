/** Work on the store of a workspace, one after the other. */

const queues = new Map<string, Promise<unknown>>();
/** Work that ends as soon as other work is there. */
const yielding = new Map<string, AbortController>();

/** For two threads on one workspace, which would do the same work twice. */
export function oneAtATime<T>(key: string, body: () => Promise<T>): Promise<T> {
  yielding.get(key)?.abort(new Error('other work waits'));
  return enqueue(key, body);
}

/**
 * Work that nobody waits for.
 * @param keys all of them are held, in this order.
 * @returns whether it was done: it is stopped if other work comes.
 */
export async function whileIdle(
  [key = '', ...others]: readonly string[],
  body: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  yielding.set(key, stop);
  try {
    return await enqueue(key, async () => {
      if (others.length > 0) return whileIdle(others, body, until);
      await body(until);
      return true;
    });
  } catch (error) {
    if (!stop.signal.aborted || signal.aborted) throw error;
    return false;
  } finally {
    if (yielding.get(key) === stop) yielding.delete(key);
  }
}

async function enqueue<T>(key: string, body: () => Promise<T>): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const own = before.then(body, body);
  const settled = own.catch(() => undefined);
  queues.set(key, settled);
  try {
    return await own;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}
