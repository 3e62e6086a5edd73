/** Reads the ledgers of review targets, dismisses and reopens findings. */
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import {
  type BatchTarget,
  type DismissFinding,
  DismissFindingSchema,
  LEDGER_WORKFLOW_TYPE,
  type LedgerView,
  type ReopenFinding,
  ReopenFindingSchema,
  toLedgerWorkflowId,
} from '../../contract/index.ts';
import { withoutSecrets } from '../../contract/plain/repository-address.ts';
import { dismissFindingUpdate, ledgerQuery, reopenFindingUpdate } from '../../../workflows/review-ledger/messages.ts';
import { callsOf } from '../calls.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError, toNamespaceError } from '../errors.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import type { Service } from '../service.ts';

export interface LedgerSummary {
  targetId: string;
  target: BatchTarget;
  /** Time of its start, or of its last continue-as-new. */
  startedAt: Date;
}

export interface LedgerHandle {
  readonly targetId: string;
  readonly workflowId: string;
  /** Rejects with `ledgerNotFound` if no review of that target was ever started. */
  view(): Promise<LedgerView>;
  /**
   * Dismisses the finding from now on, however often it is found. Idempotent for the same reason. Rejects with
   * `findingDismissed` if it is already dismissed for another reason, and with `findingUnknown`.
   */
  dismiss(dismissal: DismissFinding): Promise<void>;
  /** Reverses a dismissal. Rejects with `findingNotDismissed` and `findingUnknown`. */
  reopen(reopening: ReopenFinding): Promise<void>;
}

export interface Ledgers {
  /** Returns a handle without checking that the ledger exists. */
  get(targetId: string): LedgerHandle;
  /** Sorted by the id of their targets. @param options `limit`: 1,000 by default */
  list(options?: { limit?: number }): Promise<LedgerSummary[]>;
}

export function openLedgers(service: Service): Ledgers {
  return { get: (targetId) => openLedger(service, targetId), list: ({ limit = 1_000 } = {}) => list(service, limit) };
}

function openLedger(service: Service, targetId: string): LedgerHandle {
  const workflowId = toLedgerWorkflowId(targetId);
  const handle = service.client.workflow.getHandle(workflowId);
  const { ask } = callsOf(service, (error, action) => toLedgerError(error, targetId, action));
  return {
    targetId,
    workflowId,
    view: () => ask('read the ledger', () => handle.query(ledgerQuery)),
    dismiss: (dismissal) =>
      ask('dismiss a finding', async () => {
        const args: [DismissFinding] = [DismissFindingSchema.parse(dismissal)];
        await handle.executeUpdate(dismissFindingUpdate, { args, updateId: randomUUID() });
      }),
    reopen: (reopening) =>
      ask('reopen a finding', async () => {
        const args: [ReopenFinding] = [ReopenFindingSchema.parse(reopening)];
        await handle.executeUpdate(reopenFindingUpdate, { args, updateId: randomUUID() });
      }),
  };
}

async function list(service: Service, limit: number): Promise<LedgerSummary[]> {
  const query = `WorkflowType = "${LEDGER_WORKFLOW_TYPE}" AND ExecutionStatus = "Running"`;
  const prefix = toLedgerWorkflowId('').length;
  const found: LedgerSummary[] = [];
  try {
    await service.within(async () => {
      for await (const info of service.client.workflow.list({ query })) {
        const { target } = (info.memo ?? {}) as { target?: BatchTarget };
        const targetId = info.workflowId.slice(prefix);
        const shown = { ...target, repository: withoutSecrets(target?.repository ?? '') };
        found.push({ targetId, target: shown, startedAt: info.startTime });
        if (found.length >= limit) break;
      }
    });
  } catch (error) {
    throw toBobbinError(error, { threadId: '-', action: 'list ledgers' });
  }
  return found.sort((a, b) => (a.targetId < b.targetId ? -1 : 1));
}

function toLedgerError(error: unknown, targetId: string, action: string): BobbinError {
  const unknownNamespace = toNamespaceError(error, action);
  if (unknownNamespace !== null) return unknownNamespace;
  if (error instanceof WorkflowNotFoundError || grpcStatus(error) === GRPC.NOT_FOUND) {
    const message = `${action}: there is no ledger ${targetId}: that target was never reviewed.`;
    return new BobbinError('ledgerNotFound', message, error);
  }
  return toBobbinError(error, { threadId: toLedgerWorkflowId(targetId), action });
}
