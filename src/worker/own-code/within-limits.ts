/**
 * Runs the operator's own code within limits. JavaScript cannot be stopped from outside: the code is told by its signal,
 * and if it has not ended after the grace, it is left and this says so.
 */
export type Ended<T> =
  | { type: 'returned'; value: T }
  | { type: 'threw'; error: unknown }
  /** Its time was up, or it was told to stop. `left`: it has not ended, and may still run. */
  | { type: 'timedOut' | 'stopped'; left: boolean };

/** Milliseconds; below the bound after which an aborted turn ends without proof. */
export const GRACE_MS = 2_000;

/** The longest timeout that a definition can set, in milliseconds. */
export const MAX_TIMEOUT_MS = 3_600_000;

export async function runWithinLimits<T>(
  run: (signal: AbortSignal) => T | PromiseLike<T>,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Ended<T>> {
  const own = new AbortController();
  const settled = Promise.resolve()
    .then(() => run(own.signal))
    .then(
      (value): Ended<T> => ({ type: 'returned', value }),
      (error: unknown): Ended<T> => ({ type: 'threw', error }),
    );
  const timer = (ms: number, reached: () => void) => void timers.push(setTimeout(reached, ms));
  const timers: NodeJS.Timeout[] = [];
  const told = new Promise<'timedOut' | 'stopped'>((resolve) => {
    own.signal.addEventListener('abort', () => resolve(signal.aborted ? 'stopped' : 'timedOut'), { once: true });
  });
  const onAbort = () => own.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  timer(timeoutMs, () => own.abort(new DOMException(`It has taken more than ${timeoutMs} ms`, 'TimeoutError')));
  try {
    const first = await Promise.race([settled, told]);
    if (typeof first !== 'string') return first;
    const graceOver = new Promise<null>((resolve) => timer(GRACE_MS, () => resolve(null)));
    return { type: first, left: (await Promise.race([settled, graceOver])) === null };
  } finally {
    for (const one of timers) clearTimeout(one);
    signal.removeEventListener('abort', onAbort);
  }
}
