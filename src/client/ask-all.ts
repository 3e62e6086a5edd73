/** Asks many workflows: one that no worker serves must not hold up the others. */
import { type Service, withDeadline } from './service.ts';

/** Of one answer. */
const ANSWER_MS = 3_000;
/** After this time nobody else is asked. */
const BEGIN_MS = 3_000;
const AT_ONCE = 32;

/**
 * The answers in the order of the input, within six seconds; null if there is none.
 * @param ask gets a service with the deadline of one answer
 * @param queueOf the task queue of one, if known: those of a queue that has answered come first, then one of each other queue, so that queues without a worker cost the others no answer
 */
export async function askAll<T, R>(
  service: Service,
  all: readonly T[],
  ask: (service: Service, one: T) => Promise<R>,
  queueOf: (one: T) => string = () => '',
): Promise<(R | null)[]> {
  const quick = withDeadline(service, ANSWER_MS);
  const until = Date.now() + BEGIN_MS;
  const answers = all.map((): R | null => null);
  const left = all.map((one, index) => ({ one, index, queue: queueOf(one) }));
  /** Whether it has answered, by each queue that was asked. */
  const queues = new Map<string, boolean>();
  const take = () => {
    const best = [true, undefined, false].map((known) => left.findIndex(({ queue }) => queues.get(queue) === known));
    return left.splice(best.find((index) => index >= 0) ?? 0, 1)[0];
  };
  const work = async (): Promise<void> => {
    for (let next = take(); next !== undefined && Date.now() <= until; next = take()) {
      const { one, index, queue } = next;
      if (!queues.has(queue)) queues.set(queue, false);
      answers[index] = await ask(quick, one).catch(() => null);
      if (answers[index] !== null) queues.set(queue, true);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, work));
  return answers;
}
