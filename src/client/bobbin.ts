/** Starts, finds and lists threads. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import {
  type SearchAttributeState,
  type RepositoryRules,
  type StartThread,
  StartThreadSchema,
  type SubmitTurn,
  SubmitTurnSchema,
  type TurnSubmission,
  WORKFLOW_TYPE,
  toWorkflowId,
} from '../contract/index.ts';
import type { thread } from '../../workflows/thread/shell/workflow.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../workflows/sandbox/task-timeout.ts';
import { toStaticTexts } from '../../workflows/thread/view/static-details.ts';
import { submitTurnSignal } from '../../workflows/thread/shell/messages.ts';
import { type Batches, openBatches } from './batches/batches.ts';
import { BobbinError } from './bobbin-error.ts';
import { toBobbinError } from './errors.ts';
import { listSearchAttributes, registerSearchAttributes } from './search-attributes.ts';
import { type Service, type ServiceOptions, connectService } from './service.ts';
import { type ForkOptions, forkThread } from './threads/fork.ts';
import { type ResumeChanges, type ResumedThread, resumeThread } from './threads/resume.ts';
import { type Ledgers, openLedgers } from './ledgers/ledgers.ts';
import { type Schedules, schedulesOver } from './schedules/schedules.ts';
import { askRepositoryRules } from './threads/repository-rules.ts';
import { type ThreadHandle, openHandle } from './threads/thread-handle.ts';

const REPOSITORY = defineSearchAttributeKey('BobbinRepository', 'KEYWORD');

export interface ThreadSummary {
  threadId: string;
  /** Temporal's status of the workflow: RUNNING, COMPLETED, TERMINATED, ... */
  status: string;
  title: string;
  /** Empty if the service does not know it. */
  cwd: string;
  startedAt: Date;
  runId: string;
}

export interface Bobbin {
  readonly threads: {
    /** Starts a thread, or returns the open one with that id. The id of a closed thread is refused. */
    start(start: Omit<StartThread, 'threadId'> & { threadId?: string }): Promise<ThreadHandle>;
    /** Starts the thread if necessary and submits a turn, in one durable call that needs no worker. */
    startWith(start: StartThread, turn: TurnSubmission): Promise<ThreadHandle>;
    /**
     * Opens a closed thread again, with everything it had, and waits until it is open. A running thread stays as it is.
     * Works as long as Temporal keeps the closed workflow. Idempotent.
     */
    resume(threadId: string, changes?: ResumeChanges): Promise<ResumedThread>;
    /**
     * Starts a thread with the past of another one, running or closed, up to and including a turn, and waits until it
     * is open. The source is only read. Rejects with `threadRefused` if it has no such turn, or if its files are not
     * known.
     */
    fork(source: string, options?: ForkOptions): Promise<ThreadHandle>;
    /** Returns a handle without checking that the thread exists. */
    get(threadId: string): ThreadHandle;
    /** Newest first. */
    list(options?: { open?: boolean; limit?: number }): Promise<ThreadSummary[]>;
  };
  /** The known findings of review targets. */
  readonly ledgers: Ledgers;
  readonly batches: Batches;
  readonly searchAttributes: {
    /** The state of each at the service. */
    list(): Promise<SearchAttributeState[]>;
    /** Registers the missing ones. Idempotent. Rejects with `searchAttributeTaken` or `notPermitted`. */
    register(): Promise<SearchAttributeState[]>;
  };
  readonly schedules: Schedules;
  /** The remembered answers of a repository. `cwd` is any folder in it, as an absolute path. Needs a worker. */
  readonly repositoryRules: {
    list(cwd: string): Promise<RepositoryRules>;
    /** Resolves with the remaining rules. Rejects with `ruleUnknown` if there is no such rule. */
    revoke(cwd: string, ruleId: string): Promise<RepositoryRules>;
  };
  /** @internal */
  readonly service: Service;
  close(): Promise<void>;
}

export async function connectBobbin(options: ServiceOptions): Promise<Bobbin> {
  const service = await connectService(options).catch((error: unknown) => {
    const where = options.connection.address ?? '127.0.0.1:7233';
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError(
      'serviceUnavailable',
      `The Temporal service at ${where} cannot be reached: ${reason}. Check the address and whether the service is running; \`bobbin doctor\` helps.`,
      error,
    );
  });
  return bobbinOver(service);
}

export function bobbinOver(service: Service): Bobbin {
  const startOptions = (start: StartThread) => ({
    workflowId: toWorkflowId(start.threadId),
    taskQueue: service.taskQueue,
    args: [start] as [StartThread],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    ...toStaticTexts(start),
    memo: { title: start.title ?? '', cwd: start.workspace.cwd },
  });

  const start: Bobbin['threads']['start'] = async (given) => {
    const threadId = given.threadId ?? randomUUID();
    try {
      const parsed = StartThreadSchema.parse({ ...given, threadId });
      await service.within(() => service.client.workflow.start<typeof thread>(WORKFLOW_TYPE, startOptions(parsed)));
    } catch (error) {
      throw toBobbinError(error, { threadId, action: 'start a thread' });
    }
    return openHandle(service, threadId);
  };

  const startWith: Bobbin['threads']['startWith'] = async (given, turn) => {
    try {
      const parsed = StartThreadSchema.parse(given);
      const signalArgs: [SubmitTurn] = [SubmitTurnSchema.parse(turn)];
      await service.within(() =>
        service.client.workflow.signalWithStart<typeof thread, [SubmitTurn]>(WORKFLOW_TYPE, {
          ...startOptions(parsed),
          signal: submitTurnSignal,
          signalArgs,
        }),
      );
    } catch (error) {
      throw toBobbinError(error, { threadId: given.threadId, action: 'start a thread with a turn' });
    }
    return openHandle(service, given.threadId);
  };

  const list: Bobbin['threads']['list'] = async (options = {}) => {
    const query = `WorkflowType = "${WORKFLOW_TYPE}"${options.open === true ? ' AND ExecutionStatus = "Running"' : ''}`;
    const limit = options.limit ?? 50;
    const found: ThreadSummary[] = [];
    const seen = new Set<string>();
    try {
      await service.within(async () => {
        for await (const info of service.client.workflow.list({ query })) {
          // A thread that continued as new is listed once, with its newest run.
          if (seen.has(info.workflowId)) continue;
          seen.add(info.workflowId);
          const memo = (info.memo ?? {}) as { title?: string; cwd?: string };
          found.push({
            threadId: info.workflowId.slice(toWorkflowId('').length),
            status: info.status.name,
            title: memo.title ?? '',
            // A thread that a raw client started has no memo, so the thread itself is asked for its workspace.
            cwd: memo.cwd ?? info.typedSearchAttributes.get(REPOSITORY) ?? '',
            startedAt: info.startTime,
            runId: info.runId,
          });
          if (found.length >= limit) break;
        }
      });
    } catch (error) {
      throw toBobbinError(error, { threadId: '-', action: 'list threads' });
    }
    return found;
  };

  const ledgers = openLedgers(service);
  return {
    service,
    batches: openBatches(service, ledgers),
    threads: {
      start,
      startWith,
      list,
      fork: (source, options) => forkThread(service, start, source, options),
      resume: (threadId, changes) => resumeThread(service, threadId, changes),
      get: (threadId) => openHandle(service, threadId),
    },
    ledgers,
    searchAttributes: {
      list: () => listSearchAttributes(service),
      register: () => registerSearchAttributes(service),
    },
    schedules: schedulesOver(service),
    repositoryRules: {
      list: (cwd) => askRepositoryRules(service, { cwd }),
      revoke: (cwd, ruleId) => askRepositoryRules(service, { cwd, revoke: ruleId }),
    },
    close: () => service.close(),
  };
}
