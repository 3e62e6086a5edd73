/** Asks many workflows: one that no worker serves must not hold up the others. */
import { type Service, withDeadline } from './service.ts';

/** Of one answer. */
const ANSWER_MS = 3_000;
/** After this time nobody else is asked. */
const BEGIN_MS = 3_000;
const AT_ONCE = 32;

/** The answers in the order of the input, within six seconds; null if there is none. @param ask gets a service with the deadline of one answer */
export async function askAll<T, R>(
  service: Service,
  all: readonly T[],
  ask: (service: Service, one: T) => Promise<R>,
): Promise<(R | null)[]> {
  const quick = withDeadline(service, ANSWER_MS);
  const until = Date.now() + BEGIN_MS;
  const answers = all.map((): R | null => null);
  const left = all.entries();
  const work = async (): Promise<void> => {
    for (const [index, one] of left) {
      if (Date.now() > until) return;
      answers[index] = await ask(quick, one).catch(() => null);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, work));
  return answers;
}
