/** The entity workflow of an account, asked from activities: it is started by whoever asks first. */
import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, Failure, type FailureCode } from '../../activities/failures.ts';
import type { AgentIdentity, IdentityDirectory } from '../../activities/ports.ts';
import {
  ensureIdentityUpdate,
  replaceIdentityUpdate,
  type agentIdentity,
} from '../../workflows/agent-identity/workflow.ts';
import { type Service, WORKFLOW_TASK_TIMEOUT } from './service.ts';

/** Long enough for the entity's own tries; see `workflows/agent-identity/`. */
const DEADLINE_MS = 50_000;

export function createIdentityDirectory(service: Service): IdentityDirectory {
  const ask = async (
    account: string,
    signal: AbortSignal,
    update: (start: ReturnType<typeof toStart>) => Promise<AgentIdentity>,
  ): Promise<AgentIdentity> => {
    try {
      return await service.client.withAbortSignal(signal, () =>
        service.within(() => update(toStart(service, account)), DEADLINE_MS),
      );
    } catch (error) {
      throw toFailure(error, account);
    }
  };
  const { workflow } = service.client;
  return {
    ensure: (account, signal) =>
      ask(account, signal, (startWorkflowOperation) =>
        workflow.executeUpdateWithStart(ensureIdentityUpdate, { startWorkflowOperation }),
      ),
    replace: (account, agentRuntimeId, signal) =>
      ask(account, signal, (startWorkflowOperation) =>
        workflow.executeUpdateWithStart(replaceIdentityUpdate, { startWorkflowOperation, args: [agentRuntimeId] }),
      ),
  };
}

function toStart(service: Service, account: string) {
  return new WithStartWorkflowOperation<typeof agentIdentity>('agentIdentity', {
    workflowId: `agent-identity/${account}`,
    taskQueue: service.taskQueue,
    args: [{ account, identity: null }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: `agent identity of ${account}`,
  });
}

function toFailure(error: unknown, account: string): Failure {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code =
    cause instanceof ApplicationFailure && isFailureCode(cause.type) ? cause.type : 'agentIdentityUnavailable';
  return new Failure(code, `The identity of account ${account} could not be acquired: ${message}`, { cause: error });
}

function isFailureCode(type: string | null | undefined): type is FailureCode {
  return typeof type === 'string' && type in FAILURES;
}
