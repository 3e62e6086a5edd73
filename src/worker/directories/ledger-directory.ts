/** Reports runs to the entity workflow of a review target from activities. The first call starts it. */
import {
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Failure, type FailureCode } from '../../../activities/failures.ts';
import type { LedgerDirectory, LedgerTarget } from '../../../activities/ports.ts';
import type { RunRecord } from '../../../workflows/review-ledger/guards.ts';
import { beginRunUpdate, ledgerQuery, recordRunUpdate } from '../../../workflows/review-ledger/messages.ts';
import type { reviewLedger } from '../../../workflows/review-ledger/workflow.ts';
import { words } from '../../../workflows/sandbox/plain-text.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import {
  type BeginRun,
  LEDGER_WORKFLOW_TYPE,
  type RecordedRun,
  type TrackedFinding,
  toLedgerWorkflowId,
} from '../../contract/index.ts';
import { withoutSecrets } from '../../contract/plain/repository-address.ts';
import type { Service } from '../../client/service.ts';

/** A ledger that no worker has cached must be replayed first. */
const DEADLINE_MS = 30_000;

export function createLedgerDirectory(service: Service): LedgerDirectory {
  const { workflow } = service.client;
  const ask = async <T>(
    { targetId }: { targetId: string },
    signal: AbortSignal,
    question: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await service.untilAborted(signal, () => service.within(question, DEADLINE_MS));
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(error, targetId);
    }
  };
  const begin = (target: LedgerTarget, run: BeginRun, signal: AbortSignal) =>
    ask(target, signal, () =>
      workflow.executeUpdateWithStart(beginRunUpdate, {
        startWorkflowOperation: toStart(service, target),
        args: [run],
      }),
    );
  // No update ids: the ledger recognises a repeated message by its run.
  return {
    async begin(target, run, signal) {
      const beginning = await begin(target, run, signal);
      if (beginning.type !== 'busy') return beginning;
      const { workflowId } = beginning;
      const over = await ask(target, signal, () => isOver(service, workflowId));
      return over ? begin(target, { ...run, instead: workflowId }, signal) : beginning;
    },
    record: (target, run, signal) =>
      ask(target, signal, () =>
        workflow.executeUpdateWithStart(recordRunUpdate, {
          startWorkflowOperation: toStart(service, target),
          args: [toRunRecord(run)],
        }),
      ),
    read: (targetId, signal) =>
      ask({ targetId }, signal, async () => {
        try {
          return await workflow.getHandle(toLedgerWorkflowId(targetId)).query(ledgerQuery);
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return null;
          throw error;
        }
      }),
  };
}

/** A terminated workflow could not release its run. */
async function isOver(service: Service, workflowId: string): Promise<boolean> {
  try {
    return (await service.client.workflow.getHandle(workflowId).describe()).status.name !== 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

function toStart(service: Service, { targetId, target }: LedgerTarget) {
  return new WithStartWorkflowOperation<typeof reviewLedger>(LEDGER_WORKFLOW_TYPE, {
    workflowId: toLedgerWorkflowId(targetId),
    taskQueue: service.taskQueue,
    args: [{ targetId, target }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: words(
      `findings of ${withoutSecrets(target.repository)}${target.branch === undefined ? '' : ` ${target.branch}`}`,
      200,
    ),
    memo: { target },
  });
}

const PASSED_ON: readonly FailureCode[] = ['reviewRunLost'];

function toFailure(error: unknown, targetId: string): Failure {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const type = cause instanceof ApplicationFailure ? cause.type : null;
  if (type === 'malformed') {
    return new Failure('internal', `Ledger ${targetId} did not understand a run: ${message}`, { cause: error });
  }
  const code = PASSED_ON.find((known) => known === type) ?? 'ledgerUnavailable';
  return new Failure(code, `Ledger ${targetId}: ${message}`, { cause: error });
}

// ------------------------------------------------------------------------------------------------------------ bounds

/** In bytes of JSON; together well below the limit of a payload. */
const BOUNDS = { findings: 800_000, tracked: 300_000, now: 200_000, verdicts: 50_000, looked: 300_000 };

/** Omitted entries of `tracked` and `looked` lose no finding, because absence has no meaning there. */
function toRunRecord(run: RecordedRun): RunRecord {
  const findings = within(
    run.findings.toSorted((a, b) => (a.priority ?? 4) - (b.priority ?? 4)),
    BOUNDS.findings,
  );
  return {
    ...run,
    findings,
    tracked: within(withinNow(run.tracked), BOUNDS.tracked + BOUNDS.now),
    verdicts: within(run.verdicts, BOUNDS.verdicts),
    looked: run.looked === null ? null : within(run.looked, BOUNDS.looked),
    findingsLeftOut: (run.findingsLeftOut ?? 0) + run.findings.length - findings.length,
  };
}

/** If code is omitted, the ledger shows the earlier code. */
function withinNow(tracked: readonly TrackedFinding[]): TrackedFinding[] {
  let left = BOUNDS.now;
  return tracked.map(({ now, ...place }) => {
    left -= now === undefined ? 0 : Buffer.byteLength(JSON.stringify(now));
    return now === undefined || left < 0 ? place : { ...place, now };
  });
}

function within<T>(entries: readonly T[], bytes: number): T[] {
  let left = bytes;
  const beyond = entries.findIndex((entry) => (left -= Buffer.byteLength(JSON.stringify(entry)) + 1) < 0);
  return entries.slice(0, beyond === -1 ? entries.length : beyond);
}
