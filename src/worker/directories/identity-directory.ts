/** Calls the entity workflow of an account from activities. The first call starts it. */
import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, Failure, type FailureCode } from '../../../activities/failures.ts';
import type { AgentIdentity, IdentityDirectory } from '../../../activities/ports.ts';
import { toIdentityWorkflowId } from '../../contract/plain/workflow-ids.ts';
import {
  ensureIdentityUpdate,
  identityQuery,
  replaceIdentityUpdate,
} from '../../../workflows/agent-identity/messages.ts';
import type { agentIdentity } from '../../../workflows/agent-identity/workflow.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import type { Service } from '../../client/service.ts';
import { createSharedCalls } from './shared-calls.ts';

/** Long enough for the retries of the entity; see `workflows/agent-identity/`. */
const DEADLINE_MS = 50_000;

export function createIdentityDirectory(service: Service): IdentityDirectory {
  const ask = async <T>(account: string, signal: AbortSignal, question: () => Promise<T>): Promise<T> => {
    try {
      return await service.untilAborted(signal, () => service.within(question, DEADLINE_MS));
    } catch (error) {
      throw toFailure(error, account);
    }
  };
  const { workflow } = service.client;
  // Concurrent equal calls share one update: the service limits the updates of a workflow that are in flight.
  const share = createSharedCalls<AgentIdentity>();
  return {
    ensure(account, mode, signal) {
      const update = () =>
        workflow.executeUpdateWithStart(ensureIdentityUpdate, {
          startWorkflowOperation: toStart(service, account),
          args: [{ mode }],
        });
      return share(`ensure ${mode} ${account}`, (stopped) => ask(account, stopped, update), signal);
    },
    replace(account, agentRuntimeId, signal) {
      const update = () =>
        workflow.executeUpdateWithStart(replaceIdentityUpdate, {
          startWorkflowOperation: toStart(service, account),
          args: [{ agentRuntimeId, by: 'thread' }],
        });
      return share(`replace ${agentRuntimeId} of ${account}`, (stopped) => ask(account, stopped, update), signal);
    },
    // Never shared, because the caller needs the current value.
    current: (account, signal) =>
      ask(account, signal, () => workflow.getHandle(toIdentityWorkflowId(account)).query(identityQuery)),
  };
}

function toStart(service: Service, account: string) {
  return new WithStartWorkflowOperation<typeof agentIdentity>('agentIdentity', {
    workflowId: toIdentityWorkflowId(account),
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
