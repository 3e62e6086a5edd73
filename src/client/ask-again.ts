/** Repeats calls that only failed because a workflow is being opened, or because another worker takes it over. */
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';
import { BobbinError } from './bobbin-error.ts';

/** A thread is opened in its first workflow task, within milliseconds once a worker has it. */
const PAUSE_MS = { first: 20, most: 250 };

export function isPassing(error: unknown): boolean {
  return error instanceof BobbinError && (error.code === 'threadOpening' || error.code === 'betweenWorkers');
}

/**
 * Runs the body, and repeats it while its error is temporary.
 * @param until milliseconds since the epoch; no pause goes beyond it
 * @param pauseMs between two attempts: the first pause, doubled up to the longest
 */
export async function again<T>(
  body: () => Promise<T>,
  passes: (error: unknown) => boolean,
  { until, pauseMs = PAUSE_MS }: { until: number; pauseMs?: { first: number; most: number } },
): Promise<T> {
  const pauses = createBackoff(pauseMs);
  for (;;) {
    try {
      return await body();
    } catch (error) {
      const pause = pauses.next();
      if (!passes(error) || Date.now() + pause > until) throw error;
      await delay(pause);
    }
  }
}
