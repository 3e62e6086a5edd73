/** Starts, follows, stops and reads batches of reviews. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  QueryNotRegisteredError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  BATCH_WORKFLOW_TYPE,
  BatchIdSchema,
  type BatchRow,
  type BatchView,
  type ClosedLedger,
  type LedgerView,
  type RecordedTarget,
  type ReviewRecord,
  type StartBatch,
  StartBatchSchema,
} from '../../contract/index.ts';
import { BATCH_PREFIX } from '../../contract/plain/workflow-ids.ts';
import {
  batchQuery,
  closedBatchQuery,
  closedLedgerQuery,
  closedRowsQuery,
  rowsQuery,
} from '../../../workflows/batch-review/messages.ts';
import type { batchReview } from '../../../workflows/batch-review/workflow.ts';
import { words } from '../../../workflows/sandbox/plain-text.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { isPassing } from '../ask-again.ts';
import { toBatchError } from './batch-errors.ts';
import { callsOf } from '../calls.ts';
import { BobbinError } from '../bobbin-error.ts';
import { asOf } from '../ledgers/ledger-as-of.ts';
import { PASSING } from '../threads/event-stream.ts';
import { pause, watchHistory } from '../threads/history-changes.ts';
import type { Ledgers } from '../ledgers/ledgers.ts';
import type { Service } from '../service.ts';

export interface BatchSummary {
  batchId: string;
  /** Temporal's status of the workflow: RUNNING, COMPLETED, FAILED, CANCELLED, ... */
  status: string;
  startedAt: Date;
  closedAt: Date | null;
}

export interface BatchHandle {
  readonly batchId: string;
  readonly workflowId: string;
  view(): Promise<BatchView>;
  /** The result of each target, in the order of the list. */
  rows(): AsyncGenerator<BatchRow, void, undefined>;
  /**
   * Resolves when the batch has ended. Waits for workers and the service to come back. If the signal fires, resolves at once with
   * what was read last, and rejects with the signal's reason if that is nothing.
   * @param onView gets each new state
   */
  follow(options?: { signal?: AbortSignal; onView?: (view: BatchView) => void }): Promise<BatchView>;
  /** Starts no further review and stops the running ones. Finished reviews are kept. Durable as soon as it resolves. */
  cancel(): Promise<void>;
  /** Everything that reports are made from. For a batch that has ended it never changes. */
  record(): Promise<ReviewRecord>;
}

export interface Batches {
  /** Starts a batch, or returns the running one with that id. Rejects with `batchExists` if one with that id has ended. */
  start(batch: StartBatch, options?: { batchId?: string }): Promise<BatchHandle>;
  /** Returns a handle without checking that the batch exists. */
  get(batchId: string): BatchHandle;
  /** Newest first. */
  list(options?: { limit?: number }): Promise<BatchSummary[]>;
}

/** The ids of the reviews' threads begin with that of the batch, and their length is limited. */
const ID_CHARS = 150;
const PAGE = 500;
/** Interval at which a batch is read, in milliseconds. */
const LOOK_MS = 250;
/** The same if nobody answers. */
const RETRY_MS = 1_000;
const TRIES_AT_END = 3;
const LEDGERS_AT_A_TIME = 8;

export function openBatches(service: Service, ledgers: Ledgers): Batches {
  const { client } = service;
  const ledgerOf = (targetId: string) => readLedger(ledgers, targetId);
  return {
    async start(batch, { batchId = randomUUID() } = {}) {
      try {
        const id = BatchIdSchema.max(ID_CHARS).parse(batchId);
        const parsed = StartBatchSchema.parse(batch);
        await service.within(() =>
          client.workflow.start<typeof batchReview>(BATCH_WORKFLOW_TYPE, {
            workflowId: `${BATCH_PREFIX}${id}`,
            taskQueue: service.taskQueue,
            args: [parsed],
            workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
            workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
            workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
            staticSummary: toBatchSummary(parsed),
          }),
        );
      } catch (error) {
        throw toBatchError(error, batchId, 'start a batch');
      }
      return openBatch(service, batchId, ledgerOf);
    },
    get: (batchId) => openBatch(service, batchId, ledgerOf),
    list: ({ limit = 50 } = {}) => list(service, limit),
  };
}

/** Null for a target that was never reviewed. */
async function readLedger(ledgers: Ledgers, targetId: string): Promise<LedgerView | null> {
  try {
    return await ledgers.get(targetId).view();
  } catch (error) {
    if (error instanceof BobbinError && error.code === 'ledgerNotFound') return null;
    throw error;
  }
}

/** The line that the Temporal UI shows in lists. */
export function toBatchSummary({ targets }: Pick<StartBatch, 'targets'>): string {
  const [first] = targets;
  const more = targets.length === 1 ? '' : ` and ${targets.length - 1} more`;
  return words(`review: ${(first?.repository ?? '').slice(-100)}${more}`, 200);
}

function openBatch(
  service: Service,
  batchId: string,
  ledgerOf: (targetId: string) => Promise<LedgerView | null>,
): BatchHandle {
  const workflowId = `${BATCH_PREFIX}${batchId}`;
  const handle = service.client.workflow.getHandle(workflowId);
  const { ask } = callsOf(service, (error, action) => toBatchError(error, batchId, action));
  /** Nothing handles messages that arrived after the last workflow task of a terminated batch. */
  const askEither = async <T>(action: string, open: () => Promise<T>, closed: () => Promise<T>): Promise<T> => {
    try {
      return await ask(action, open);
    } catch (error) {
      if (!isPassing(error) || (await ask(action, () => handle.describe())).status.name === 'RUNNING') throw error;
      return ask(action, closed);
    }
  };
  const view = () =>
    askEither(
      'read the batch',
      () => handle.query(batchQuery),
      () => handle.query(closedBatchQuery),
    );

  /** Null while it runs. A batch that was terminated does not know its own end. */
  const readCloseTime = async (): Promise<number | null> => {
    const { status, closeTime } = await ask('read the batch', () => handle.describe());
    return status.name === 'RUNNING' ? null : (closeTime?.getTime() ?? null);
  };

  async function* rows(): AsyncGenerator<BatchRow, void, undefined> {
    for (let after = 0; ;) {
      const asked = { after, limit: PAGE };
      const page = await askEither(
        'read the rows',
        () => handle.query(rowsQuery, asked),
        () => handle.query(closedRowsQuery, asked),
      );
      yield* page.rows;
      if (!page.more) return;
      after = page.next;
    }
  }

  return {
    batchId,
    workflowId,
    view,
    rows,
    async follow({ signal = new AbortController().signal, onView = () => undefined } = {}) {
      const changes = watchHistory(service, workflowId, signal);
      let last: BatchView | null = null;
      try {
        for (;;) {
          await changes.next();
          signal.throwIfAborted();
          const { over } = changes;
          last = await lastingly(() => service.untilAborted(signal, view), over, signal);
          onView(last);
          if (last.endedAt !== null) return last;
          if (over) throw new BobbinError('batchEnded', await describeEnd(service, batchId));
          await delay(LOOK_MS);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
        if (last !== null) return last;
        throw signal.reason;
      }
    },
    cancel: async () => {
      await ask('cancel the batch', () => handle.cancel());
    },
    async record() {
      const closedAt = await readCloseTime();
      const batch = await view();
      const all: BatchRow[] = [];
      for await (const row of rows()) all.push(row);
      const endedAt = batch.endedAt ?? closedAt;
      const ledgerThen = async (row: BatchRow): Promise<LedgerView | null> => {
        const closed = await readClosed(service, ask, { batchId, isOver: endedAt !== null }, row);
        if (closed !== null) return closed.ledger;
        const ledger = await ledgerOf(row.targetId);
        return ledger === null || endedAt === null ? ledger : asOf(ledger, endedAt);
      };
      return { version: 1, at: endedAt ?? Date.now(), batch, targets: await withLedgers(all, ledgerThen) };
    },
  };
}

type Ask = ReturnType<typeof callsOf>['ask'];

/**
 * The part of its ledger that the review of a row stored when it ended; null if it has not ended or stored nothing. The
 * reviews of a terminated batch end after it, and their rows stay as running.
 */
async function readClosed(
  service: Service,
  ask: Ask,
  { batchId, isOver }: { batchId: string; isOver: boolean },
  { index, outcome: { status } }: BatchRow,
): Promise<ClosedLedger | null> {
  if (status === 'waiting' || (status === 'running' && !isOver)) return null;
  const review = service.client.workflow.getHandle(`${BATCH_PREFIX}${batchId}/${index}`);
  return ask('read the record', async () => {
    try {
      return await review.query(closedLedgerQuery);
    } catch (error) {
      // Reviews of earlier releases stored nothing; a row without budget was never reviewed.
      if (error instanceof QueryNotRegisteredError || error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  });
}

/** A long batch outlives its workers, so a follower waits for the next one. Nothing may answer for a batch that has ended. */
async function lastingly<T>(ask: () => Promise<T>, over: boolean, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = error instanceof BobbinError && PASSING.has(error.code);
      if (!mayPass || signal.aborted || (over && tries === TRIES_AT_END)) throw error;
      await pause(RETRY_MS, signal);
    }
  }
}

/** A target that is listed twice, or was never reviewed, has no ledger. */
async function withLedgers(
  rows: readonly BatchRow[],
  ledgerOf: (row: BatchRow) => Promise<LedgerView | null>,
): Promise<RecordedTarget[]> {
  const targets: RecordedTarget[] = rows.map((row) => ({ row, ledger: null }));
  const left = targets.filter(
    ({ row: { outcome } }) => !(outcome.status === 'skipped' && outcome.reason === 'duplicate'),
  );
  const readers = Array.from({ length: LEDGERS_AT_A_TIME }, async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) next.ledger = await ledgerOf(next.row);
  });
  await Promise.all(readers);
  return targets;
}

async function describeEnd(service: Service, batchId: string): Promise<string> {
  const { status } = await service.within(() =>
    service.client.workflow.getHandle(`${BATCH_PREFIX}${batchId}`).describe(),
  );
  return `Batch ${batchId} has ended without a result: its workflow is ${status.name}. The Temporal UI shows why.`;
}

async function list(service: Service, limit: number): Promise<BatchSummary[]> {
  const found = new Map<string, BatchSummary>();
  try {
    await service.within(async () => {
      for await (const info of service.client.workflow.list({ query: `WorkflowType = "${BATCH_WORKFLOW_TYPE}"` })) {
        const batchId = info.workflowId.slice(BATCH_PREFIX.length);
        // A batch that continued as new is listed once, with its newest run.
        if (found.has(batchId)) continue;
        const { startTime: startedAt, closeTime: closedAt = null } = info;
        found.set(batchId, { batchId, status: info.status.name, startedAt, closedAt });
        if (found.size >= limit) break;
      }
    });
  } catch (error) {
    throw toBatchError(error, '-', 'list batches');
  }
  return [...found.values()];
}
