/** Questions that a workflow can answer in a moment: it is being opened, or changes its worker. */
import { setTimeout as delay } from 'node:timers/promises';
import { BobbinError } from './bobbin-error.ts';
import type { Service } from './service.ts';

/** A thread is opened in its first workflow task, within milliseconds once a worker has it. */
const PAUSE_MS = { first: 20, most: 250 };

export function isPassing(error: unknown): boolean {
  return error instanceof BobbinError && (error.code === 'threadOpening' || error.code === 'betweenWorkers');
}

/** Runs the body, again where that is all it takes, within the deadline of the service. */
export async function askAgain<T>({ deadlineMs }: Pick<Service, 'deadlineMs'>, body: () => Promise<T>): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.most)) {
    try {
      return await body();
    } catch (error) {
      if (!isPassing(error) || Date.now() > until) throw error;
      await delay(pause);
    }
  }
}
