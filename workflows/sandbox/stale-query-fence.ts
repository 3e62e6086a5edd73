/**
 * Prevents a query from running ahead of the next workflow task.
 *
 * A worker without this workflow in its cache replays the whole history for a query, including events since the last
 * workflow task. No task has processed those events yet. The task that will may have more events, and in another order
 * (signals come before the ends of activities, wherever they are in the history), and it has its own time. So the state
 * computed here differs from the state of a replay. The SDK still answers from it, keeps it, and continues from it. The
 * next worker that replays the history then disagrees, and the workflow can never continue.
 *
 * So these early events are skipped here, and the query after them is refused: the error fails the query, and the
 * worker evicts this copy of the workflow. The caller retries, and the task begins from the history. A worker that
 * received the task meanwhile drops it, too, so it may begin only after the workflow task timeout. An answer would be
 * faster but wrong: the SDK would then complete the task with nothing done. Every real task has its own time and
 * history size, and so is never mistaken for early events.
 *
 * A task that another worker started and never completed looks like any other: it has a time and a size. The only signs
 * are that a query caused this copy, and that the task came last. So a copy that began with a replay and then had one
 * task refuses every query without a workflow task, unless the query names that task as one that the caller has seen
 * completed in the history, as readers of events do. Without that name, a real task costs another replay. (One case
 * remains: a query goes to a worker with an older copy, after a newer worker of the thread was killed in its first
 * task.)
 *
 * Some queries are answered in any case, from the state of the last task: those for runs that have ended, which get no
 * further task. Send them only to such runs.
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
  /** The early events; from then on this copy is invalid. */
  let ahead: Seen | null = null;
  /** Whether a replay made this copy, and no query has confirmed it since. */
  let isReplay = false;
  /** The first task that was not a replay, and whether another one followed. */
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
          // Early events may arrive in parts.
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

/** Whether the query says that this task was completed. Any client may write its argument. */
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

/** A query without a workflow task; core gives all of these one id. */
function isByItself({ queryWorkflow }: Job): boolean {
  return queryWorkflow?.queryId === 'legacy_query';
}

/** More history, but still the time and the size of the last task. A size of 0 means unknown. */
function isAheadOf(last: Seen, seen: Seen): boolean {
  const sameTask = seen.time === last.time && seen.historySize === last.historySize;
  return seen.historySize > 0 && sameTask && seen.historyLength > last.historyLength;
}
