/**
 * Keeps a query from getting ahead of the workflow task that is to come.
 *
 * A query that reaches a worker without this workflow in its cache has the whole history replayed, and with it what came
 * since the last workflow task: no task has taken that up yet. The one that will may bring more, and in another order
 * (signals go before the ends of activities, wherever they stand in history), and it has a time of its own. So what would
 * be made of it here is not what a replay makes of it. The SDK answers from it all the same, keeps it, and goes on from it;
 * the next worker to replay the history then disagrees, and the workflow can never go on again.
 *
 * So what came ahead is passed over here, and the query that follows is refused: an error fails it and makes the worker drop
 * this copy of the workflow; whoever asked asks again, and the task begins from the history. A worker that was given the
 * task meanwhile drops it, too, so it may begin only after the workflow task timeout. To answer would be quicker and wrong:
 * the SDK then ends the task by itself, with nothing done. Every real task has a time and a history size of its own, and so
 * is never mistaken.
 *
 * A task that another worker took up and never ended looks like any other: it has a time, and a size. All there is to tell it
 * by is that a query had this copy made, and that the task came last. So a copy that began with a replay and then had one task
 * answers no query that comes to it by itself, unless the query names that task as one that whoever asks has seen completed in
 * the history, as readers of events do. Without that, a task that was real costs another replay. (What is left: a query that
 * goes to a worker with an older copy, while one that had the thread since was killed in the first task of its own.)
 *
 * Some queries are answered all the same, as the last task left the workflow: those for runs that have ended, for which no
 * task will ever come. They are to be asked of such runs only.
 */
import { type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow';
import { closedBatchQuery, closedLedgerQuery, closedRowsQuery } from '../batch-review/messages.ts';
import { CLOSED_RUN_QUERY, type PageRequest } from '../thread/shell/messages.ts';

const OF_CLOSED_RUNS = new Set<string | null | undefined>([
  CLOSED_RUN_QUERY,
  closedBatchQuery.name,
  closedRowsQuery.name,
  closedLedgerQuery.name,
]);

interface Seen {
  historyLength: number;
  historySize: number;
  /** Milliseconds since the epoch. */
  time: number;
}

export function interceptors(): WorkflowInterceptors {
  let last: Seen | null = null;
  /** What came ahead; from then on this copy is worth nothing. */
  let ahead: Seen | null = null;
  /** Made by a replay, and asked nothing yet while it was all there was to it. */
  let isReplay = false;
  /** The first task that was no replay, and whether there was another one after it. */
  let first: Seen | null = null;
  let hadSecond = false;
  return {
    internals: [
      {
        activate(input, next) {
          const { historyLength, historySize, unsafe } = workflowInfo();
          const seen: Seen = { historyLength, historySize, time: Date.now() };
          if (!unsafe.isReplaying && last !== null && isAheadOf(last, seen)) ahead = seen;
          const isFirst = last === null;
          last = seen;
          const jobs = input.activation.jobs ?? [];
          const queries = jobs.map((job) => job.queryWorkflow?.queryType);
          if (queries.includes(undefined)) {
            if (isFirst) isReplay = unsafe.isReplaying;
            if (!unsafe.isReplaying) {
              first ??= seen;
              hadSecond ||= seen.time !== first.time || seen.historySize !== first.historySize;
            }
          } else if (jobs.some(isByItself)) {
            const task = first;
            if (task === null || jobs.every((job) => namesTask(job, task))) isReplay = false;
            else if (isReplay && !hadSecond) ahead = seen;
          }
          // What came ahead may come in parts.
          if (ahead?.historyLength === historyLength && !queries.some((query) => query !== undefined)) return;
          if (ahead !== null && !queries.every((query) => OF_CLOSED_RUNS.has(query))) {
            throw new Error('taskToCome: this was asked while a workflow task was still to come; ask again.');
          }
          next(input);
        },
      },
    ],
  };
}

interface Job {
  queryWorkflow?: { queryId?: string | null; arguments?: readonly { data?: Uint8Array | null }[] | null } | null;
}

/** Whether the query says that this task was completed. Its argument is anybody's. */
function namesTask({ queryWorkflow }: Job, { historyLength }: Seen): boolean {
  try {
    const [payload] = queryWorkflow?.arguments ?? [];
    const asked = JSON.parse(new TextDecoder().decode(payload?.data ?? undefined)) as PageRequest | null;
    const task = asked?.completedTask;
    return task?.runId === workflowInfo().runId && task.startedEventId === historyLength;
  } catch {
    return false;
  }
}

/** A query that came without a workflow task; core gives all of these one id. */
function isByItself({ queryWorkflow }: Job): boolean {
  return queryWorkflow?.queryId === 'legacy_query';
}

/** More history, and still the time and the size that came with the last task. A size of 0 is one that nobody told. */
function isAheadOf(last: Seen, seen: Seen): boolean {
  const sameTask = seen.time === last.time && seen.historySize === last.historySize;
  return seen.historySize > 0 && sameTask && seen.historyLength > last.historyLength;
}
