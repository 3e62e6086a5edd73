/** Starts, finds and lists threads. */
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import {
  type OpenRequests,
  type SearchAttributeState,
  type RepositoryRules,
  type StartThread,
  StartThreadSchema,
  type SubmitTurn,
  SubmitTurnSchema,
  type ThreadSummary,
  type TurnSubmission,
  WORKFLOW_TYPE,
  toWorkflowId,
} from '../contract/index.ts';
import type { thread } from '../../workflows/thread/shell/workflow.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../workflows/sandbox/task-timeout.ts';
import { toPromptLine, toStaticTexts } from '../../workflows/thread/view/static-details.ts';
import { submitTurnSignal } from '../../workflows/thread/shell/messages.ts';
import { type Batches, openBatches } from './batches/batches.ts';
import { BobbinError } from './bobbin-error.ts';
import { toBobbinError } from './errors.ts';
import { listSearchAttributes, registerSearchAttributes } from './search-attributes.ts';
import { type ImageArchive, type Images, imagesIn } from './images.ts';
import { type Service, type ServiceOptions, connectService } from './service.ts';
import { type ForkOptions, forkThread, toForkMemo } from './threads/fork.ts';
import { type ListOptions, listThreads } from './threads/list.ts';
import { openRequests } from './threads/open-requests.ts';
import { type NewThread, findThreadId, newThreadId } from './threads/thread-ids.ts';
import { type ResumeChanges, type ResumedThread, resumeThread } from './threads/resume.ts';
import { type Hosts, openHosts } from './hosts/hosts.ts';
import { type Identities, openIdentities } from './identities/identities.ts';
import { type Ledgers, openLedgers } from './ledgers/ledgers.ts';
import { type Schedules, schedulesOver } from './schedules/schedules.ts';
import { type ThreadDescription, describeThread } from './threads/owners.ts';
import { type WorkerSummary, workersOf } from './workers.ts';
import { askRepositoryRules } from './rules/repository-rules.ts';
import { type StoreCleaningSchedule, storeCleaningSchedule } from './store/cleaning-schedule.ts';
import { type ThreadFolders, openThreadFolders } from './threads/thread-folders.ts';
import { type ThreadLifetimes, threadLifetimes } from './threads/thread-lifetimes.ts';
import { type ThreadHandle, openHandle } from './threads/thread-handle.ts';

export interface StartOptions {
  /**
   * A name for servers with several users, which Bobbin stores and compares. Forks and sub-threads keep it, and so does a
   * resumed thread.
   */
  owner?: string | null;
}

export interface BobbinOptions extends ServiceOptions {
  /** The archive of the workers, to put images into. Without it, images can only be files on their machine. */
  archive?: ImageArchive;
}

export interface Bobbin {
  readonly threads: {
    /**
     * Starts a thread, or returns the open one with that id. The id of a closed thread is refused. The default id is
     * `<name of the workspace>-<five letters>`.
     */
    start(start: NewThread, options?: StartOptions): Promise<ThreadHandle>;
    /** Starts the thread if necessary and submits a turn, in one durable call that needs no worker. */
    startWith(start: NewThread, turn: TurnSubmission): Promise<ThreadHandle>;
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
    /**
     * Returns the id of the one thread that has this id, or whose id begins with it. Rejects with `threadNotFound` or
     * `threadAmbiguous`.
     */
    find(idOrBeginning: string): Promise<string>;
    /** Reads the owner and the status. Rejects with `threadNotFound`. Needs no worker. */
    describe(threadId: string): Promise<ThreadDescription>;
    /** Newest first. */
    list(options?: ListOptions): Promise<ThreadSummary[]>;
    /** All requests that wait for a person, whole. Needs a worker. */
    requests(): Promise<OpenRequests>;
  };
  /** The workers that serve the task queue. Empty: what is sent is kept until one does. */
  workers(): Promise<WorkerSummary[]>;
  /** Images for inputs. */
  readonly images: Images;
  /** The hosts of the task queue. */
  readonly hosts: Hosts;
  /** The known findings of review targets. */
  readonly ledgers: Ledgers;
  /** The agent identities of accounts. */
  readonly identities: Identities;
  readonly batches: Batches;
  readonly searchAttributes: {
    /** The state of each at the service. */
    list(): Promise<SearchAttributeState[]>;
    /** Registers the missing ones. Idempotent. Rejects with `searchAttributeTaken` or `notPermitted`. */
    register(): Promise<SearchAttributeState[]>;
  };
  /** @internal */
  threadFolders(): Promise<ThreadFolders>;
  /** @internal */
  readonly threadLifetimes: ThreadLifetimes;
  readonly schedules: Schedules;
  /** The schedule by which the workers of this task queue clean the store that hosts share. */
  readonly storeCleaning: StoreCleaningSchedule;
  /** The remembered answers of a repository. `cwd` is any folder in it, as an absolute path. Needs a worker: of the host, or any. */
  readonly repositoryRules: {
    list(cwd: string, on?: { host?: string }): Promise<RepositoryRules>;
    /** Resolves with the remaining rules. Rejects with `ruleUnknown` if there is no such rule. */
    revoke(cwd: string, ruleId: string, on?: { host?: string }): Promise<RepositoryRules>;
  };
  /** @internal */
  readonly service: Service;
  close(): Promise<void>;
}

export async function connectBobbin({ archive, ...options }: BobbinOptions): Promise<Bobbin> {
  const service = await connectService(options).catch((error: unknown) => {
    const where = options.connection.address ?? '127.0.0.1:7233';
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError(
      'serviceUnavailable',
      `The Temporal service at ${where} cannot be reached: ${reason}. Check the address and whether the service is running.`,
      error,
    );
  });
  return bobbinOver(service, archive);
}

export function bobbinOver(service: Service, archive?: ImageArchive): Bobbin {
  const startOptions = (start: StartThread, prompt: string, owner?: string | null) => ({
    workflowId: toWorkflowId(start.threadId),
    taskQueue: service.taskQueue,
    args: [start] as [StartThread],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    ...toStaticTexts(start, prompt),
    memo: {
      title: start.title ?? '',
      // The folder of a repository is not known yet; the thread adds it.
      ...(start.workspace.cwd === undefined ? {} : { cwd: start.workspace.cwd }),
      ...(prompt === '' ? {} : { prompt }),
      ...(owner == null ? {} : { owner }),
      ...(start.fork === undefined ? {} : { forkOf: toForkMemo(start.fork) }),
    },
  });

  const startThread = async (
    given: NewThread,
    conflict: WorkflowIdConflictPolicy,
    { owner }: StartOptions = {},
  ): Promise<ThreadHandle> => {
    const start = await withId(given);
    const { threadId } = start;
    try {
      const parsed = StartThreadSchema.parse(start);
      const options = {
        ...startOptions(parsed, toPromptLine(parsed.firstTurn?.input), owner),
        workflowIdConflictPolicy: conflict,
      };
      await service.within(() => service.client.workflow.start<typeof thread>(WORKFLOW_TYPE, options));
    } catch (error) {
      throw toBobbinError(error, { threadId, action: 'start a thread' });
    }
    return openHandle(service, threadId);
  };

  const withId = async (given: NewThread): Promise<StartThread> => {
    const { threadId = await listing('start a thread', () => newThreadId(service, given.workspace)) } = given;
    return { ...given, threadId };
  };

  const startWith: Bobbin['threads']['startWith'] = async (given, turn) => {
    const start = await withId(given);
    const { threadId } = start;
    try {
      const parsed = StartThreadSchema.parse(start);
      const signalArgs: [SubmitTurn] = [SubmitTurnSchema.parse(turn)];
      await service.within(() =>
        service.client.workflow.signalWithStart<typeof thread, [SubmitTurn]>(WORKFLOW_TYPE, {
          ...startOptions(parsed, toPromptLine(signalArgs[0].input)),
          signal: submitTurnSignal,
          signalArgs,
        }),
      );
    } catch (error) {
      throw toBobbinError(error, { threadId, action: 'start a thread with a turn' });
    }
    return openHandle(service, threadId);
  };

  const listing = async <T>(action: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      throw toBobbinError(error, { threadId: '-', action });
    }
  };

  const ledgers = openLedgers(service);
  return {
    service,
    batches: openBatches(service, ledgers),
    hosts: openHosts(service),
    identities: openIdentities(service),
    images: imagesIn(archive),
    threads: {
      start: (given, options) => startThread(given, WorkflowIdConflictPolicy.USE_EXISTING, options),
      startWith,
      describe: (threadId) => describeThread(service, threadId),
      find: (given) => listing('find a thread', () => findThreadId(service, given)),
      list: (options) => listing('list threads', () => listThreads(service, options)),
      requests: () => listing('list requests', () => openRequests(service)),
      fork: (source, options) =>
        forkThread(
          service,
          (argument, more) => startThread(argument, WorkflowIdConflictPolicy.FAIL, more),
          source,
          options,
        ),
      resume: (threadId, changes) => resumeThread(service, threadId, changes),
      get: (threadId) => openHandle(service, threadId),
    },
    workers: () => listing('list workers', () => workersOf(service)),
    ledgers,
    searchAttributes: {
      list: () => listSearchAttributes(service),
      register: () => registerSearchAttributes(service),
    },
    threadFolders: () => openThreadFolders(service),
    threadLifetimes: threadLifetimes(service),
    schedules: schedulesOver(service),
    storeCleaning: storeCleaningSchedule(service),
    repositoryRules: {
      list: (cwd, { host } = {}) => askRepositoryRules(service, { cwd, host }),
      revoke: (cwd, ruleId, { host } = {}) => askRepositoryRules(service, { cwd, host, revoke: ruleId }),
    },
    close: () => service.close(),
  };
}
