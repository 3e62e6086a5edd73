/** Lists threads: what the service knows of each, and on request what a worker knows of the open ones. */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import {
  type ThreadOpening,
  type ThreadSummary,
  type ThreadView,
  WORKFLOW_TYPE,
  toWorkflowId,
} from '../../contract/index.ts';
import { toHostWaitWords, toWaitingFor } from '../../contract/plain/words/waiting-words.ts';
import { askAll } from '../ask-all.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import { createOwnerReader } from './owners.ts';
import type { Service } from '../service.ts';
import { isOpening } from './opening.ts';
import { openHandle } from './thread-handle.ts';

export interface ListOptions {
  /** Only those that are not closed. */
  open?: boolean;
  /** Only those that wait for a person, themselves or below. */
  waiting?: boolean;
  /** Also the threads that other workflows started: agents, reviews, targets of batches. */
  agents?: boolean;
  /** Only those on the task queue of this client. */
  ownQueue?: boolean;
  limit?: number;
  /** Only threads of this owner; `StartOptions` says what that is. */
  owner?: string;
  /** Only threads that work in this folder, among the newest `MAX_READ` of the namespace. */
  cwd?: string;
  /**
   * Asks the open ones, in six seconds at most: their newest state, cost, and what they wait for. Needs a worker;
   * without an answer the summary has what the service knows.
   */
  ask?: boolean;
}

const STATUS = defineSearchAttributeKey('BobbinStatus', 'KEYWORD');
const REPOSITORY = defineSearchAttributeKey('BobbinRepository', 'KEYWORD');
const WAITS = defineSearchAttributeKey('BobbinWaitsForPerson', 'BOOL');
const COST = defineSearchAttributeKey('BobbinCostUsd', 'DOUBLE');

export async function listThreads(service: Service, options: ListOptions = {}): Promise<ThreadSummary[]> {
  const { waiting = false, ask = false } = options;
  const { summaries, filtered } = await find(service, options);
  // Without the attribute only the threads themselves know.
  if (!ask && filtered) return summaries;
  const asked = await withAnswers(service, summaries);
  return waiting && !filtered ? asked.filter(({ waitsForPerson }) => waitsForPerson === true) : asked;
}

/** @returns `filtered`: the service has selected those that wait for a person, if that is asked for */
async function find(
  service: Service,
  options: ListOptions,
): Promise<{ summaries: ThreadSummary[]; filtered: boolean }> {
  const { open = false, waiting = false, agents = false, ownQueue = false } = options;
  const conditions = [
    `WorkflowType = "${WORKFLOW_TYPE}"`,
    ...(open || waiting ? ['ExecutionStatus = "Running"'] : []),
    ...(agents ? [] : ['ParentWorkflowId IS NULL']),
    ...(ownQueue ? [`TaskQueue = "${service.taskQueue}"`] : []),
  ];
  if (!waiting) return { summaries: await query(service, conditions, options), filtered: true };
  try {
    const summaries = await query(service, [...conditions, `${WAITS.name} = true`], options);
    return { summaries, filtered: true };
  } catch (error) {
    if (grpcStatus(error) !== GRPC.INVALID_ARGUMENT) throw error;
    return { summaries: await query(service, conditions, options), filtered: false };
  }
}

const DEFAULT_LIMIT = 50;
/** Executions that a search for the threads of a folder reads: the service cannot select by folder. */
const MAX_READ = 10_000;

async function query(
  service: Service,
  conditions: readonly string[],
  { limit = DEFAULT_LIMIT, owner, cwd }: ListOptions,
): Promise<ThreadSummary[]> {
  const ownerOf = createOwnerReader(service);
  const found = new Map<string, ThreadSummary>();
  let read = 0;
  await service.within(async () => {
    for await (const info of service.client.workflow.list({ query: conditions.join(' AND ') })) {
      if (cwd !== undefined && ++read > MAX_READ) break;
      if (owner !== undefined && (await ownerOf(info)) !== owner) continue;
      const summary = toSummary(info);
      if (cwd !== undefined && summary.cwd !== cwd) continue;
      // A thread that continued as new is listed once, with its newest run.
      if (!found.has(info.workflowId)) found.set(info.workflowId, summary);
      if (found.size >= limit) break;
    }
  });
  return [...found.values()];
}

function toSummary(info: WorkflowExecutionInfo): ThreadSummary {
  const { typedSearchAttributes: attributes, parentExecution } = info;
  const memo = (info.memo ?? {}) as { title?: string; prompt?: string; cwd?: string };
  return {
    threadId: info.workflowId.slice(toWorkflowId('').length),
    title: memo.title || memo.prompt || '',
    status: toStatus(info.status.name, attributes.get(STATUS)),
    waitsFor: null,
    waitsForPerson: attributes.get(WAITS) ?? null,
    // A thread that a raw client started has no memo.
    cwd: memo.cwd ?? attributes.get(REPOSITORY) ?? '',
    createdAt: info.startTime,
    costUsd: attributes.get(COST) ?? null,
    parentId: toThreadId(parentExecution?.workflowId),
    runId: info.runId,
  };
}

function toThreadId(workflowId: string | null | undefined): string | null {
  const prefix = toWorkflowId('');
  return workflowId?.startsWith(prefix) === true ? workflowId.slice(prefix.length) : null;
}

function toStatus(workflow: string, known: string | undefined): ThreadSummary['status'] {
  switch (workflow) {
    case 'COMPLETED':
      return 'closed';
    case 'FAILED':
      return 'failed';
    case 'TERMINATED':
    case 'CANCELLED':
    case 'TIMED_OUT':
      return 'terminated';
    default:
      // Its turn waits: see `SEARCH_ATTRIBUTES`.
      if (known === 'waitingForHost') return 'active';
      return isOpenStatus(known) ? known : 'running';
  }
}

const OPEN = ['opening', 'idle', 'active', 'closing'] as const;

function isOpenStatus(status: string | undefined): status is (typeof OPEN)[number] {
  return OPEN.some((known) => known === status);
}

/** What a worker knows of the open ones; a thread without an answer stays as the service knows it. */
async function withAnswers(service: Service, summaries: readonly ThreadSummary[]): Promise<ThreadSummary[]> {
  const open = summaries.filter(isOpen);
  const views = await askAll(service, open, (quick, { threadId }) => viewOrOpening(quick, threadId));
  const found = new Map(open.map((summary, index) => [summary, views[index] ?? null]));
  return summaries.map((summary) => {
    const view = found.get(summary) ?? null;
    if (view === null) return summary;
    return 'settings' in view ? withView(summary, view) : withOpening(summary, view);
  });
}

async function viewOrOpening(service: Service, threadId: string): Promise<ThreadView | ThreadOpening | null> {
  const thread = openHandle(service, threadId);
  return thread.view({ wait: false }).catch((error: unknown) => {
    if (isOpening(error)) return thread.opening();
    throw error;
  });
}

function withOpening(summary: ThreadSummary, { status, waitsFor }: ThreadOpening): ThreadSummary {
  if (waitsFor === null) return { ...summary, status };
  return { ...summary, status, waitsFor: { who: 'bobbin', what: toHostWaitWords(waitsFor) }, waitsForPerson: false };
}

function isOpen({ status }: ThreadSummary): boolean {
  return status === 'running' || isOpenStatus(status);
}

function withView(summary: ThreadSummary, view: ThreadView): ThreadSummary {
  const waitsFor = toWaitingFor(view);
  return {
    ...summary,
    title: view.settings.title || summary.title,
    status: view.status,
    waitsFor,
    waitsForPerson: waitsFor?.who === 'person',
    cwd: view.settings.cwd,
    createdAt: new Date(view.createdAt),
    costUsd: view.budget.thread.spent.costMicroUsd / 1_000_000,
  };
}
