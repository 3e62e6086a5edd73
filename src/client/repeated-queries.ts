/**
 * Asks queries so that each is answered.
 *
 * A worker forgets queries that wait for its copy of a workflow while it evicts that copy, as it does with each query of one that
 * has ended (https://github.com/temporalio/sdk-rust/issues/438, and "leftover buffered tasks" in its core). Nobody answers them then: of
 * two readers of a closed batch one waited until its deadline. So the queries of a client for one thread or one batch come one after
 * the other, and one that has no answer is asked again. Other workflows never end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { BATCH_PREFIX, toWorkflowId } from '../contract/plain/workflow-ids.ts';

/** Prefixes of the ids of workflows that end. */
const ENDING = [toWorkflowId(''), BATCH_PREFIX];

/** Each further pause is twice as long, so that a long replay is not asked for many times. */
const FIRST_PAUSE_MS = 1_500;
/** The longest wait for the query before: it may wait itself, for a worker. */
const LONGEST_TURN_MS = 250;

export function repeatedQueries(): WorkflowClientInterceptor {
  const inTurn = createTurns();
  return {
    query(input, next) {
      const ask = () => firstAnswer(() => next(input), FIRST_PAUSE_MS);
      const { workflowId } = input.workflowExecution;
      return ENDING.some((prefix) => workflowId.startsWith(prefix)) ? inTurn(workflowId, ask) : ask();
    },
  };
}

/** @param ask is repeated until a call of it ends; the deadline of the calls ends all of them */
export async function firstAnswer<T>(ask: () => Promise<T>, firstPauseMs: number): Promise<T> {
  const asked: Promise<{ answer: T }>[] = [];
  for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
    const one = ask().then((answer) => ({ answer }));
    // If another one is faster, nobody asks how it ends.
    one.catch(() => undefined);
    asked.push(one);
    const end = await within(pauseMs, Promise.race(asked));
    if (end !== null) return end.answer;
  }
}

/** Runs the bodies of a key one after the other, but lets none wait for long. */
export function createTurns(longestMs = LONGEST_TURN_MS) {
  const newest = new Map<string, Promise<void>>();
  return async <T>(key: string, body: () => Promise<T>): Promise<T> => {
    const before = newest.get(key);
    let end: () => void = () => undefined;
    const own = new Promise<void>((resolve) => (end = resolve));
    newest.set(key, own);
    try {
      if (before !== undefined) await within(longestMs, before);
      return await body();
    } finally {
      end();
      if (newest.get(key) === own) newest.delete(key);
    }
  };
}

/** Null if it has not ended by then. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const ended = new AbortController();
  const pause = delay(ms, null, { signal: ended.signal });
  pause.catch(() => undefined);
  try {
    return await Promise.race([work, pause]);
  } finally {
    ended.abort();
  }
}
