/** Calls that are made again where that is all it takes: a workflow is being opened, or changes its worker. */
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';
import { BobbinError } from './bobbin-error.ts';

/** A thread is opened in its first workflow task, within milliseconds once a worker has it. */
const PAUSE_MS = { first: 20, most: 250 };

export function isPassing(error: unknown): boolean {
  return error instanceof BobbinError && (error.code === 'threadOpening' || error.code === 'betweenWorkers');
}

/**
 * Runs the body, again while what it throws passes by itself.
 * @param until milliseconds since the epoch; no pause goes beyond it.
 * @param pauseMs between two tries: the first, doubled up to the longest.
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
