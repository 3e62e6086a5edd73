/** Waits for the end of another thread's workflow. Idempotent: it only reads. */
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';

/** Long intervals, because nobody waits for its stop. */
const BEAT_MS = 5_000;

export async function watchThread(
  ports: Ports,
  input: { threadId: string; actionId: string; watched: string },
): Promise<null | { type: 'aborted' }> {
  const place = { ...ports, ...input, heartbeatEveryMs: BEAT_MS, maxTries: Infinity };
  return runStep<object, null>(place, {}, async ({ signal }) => {
    await ports.threads.ended(input.watched, signal);
    return null;
  });
}
