/** Reads what an ended run left: by the only query that such runs answer, or from its start argument. */
import { WorkflowNotFoundError, defaultPayloadConverter } from '@temporalio/client';
import type { CarriedState } from '../../../activities/ports.ts';
import { Failure } from '../../../activities/failures.ts';
import { closedRunQuery } from '../../../workflows/thread/shell/messages.ts';
import type { ClosedPast, Handover } from '../../../workflows/thread/past/resume.ts';
import { type ArchiveSegment, toWorkflowId } from '../../contract/index.ts';
import { grpcStatus } from '../../client/grpc.ts';
import type { Service } from '../../client/service.ts';

export interface LeftBehind {
  runId: string;
  state: CarriedState;
  toArchive: ArchiveSegment[];
}

/** A run that was resumed and ended before it was open refers to the run that it should have continued. */
const LONGEST_CHAIN = 100;

/** Fails with `threadMissing` or `threadNotResumable`; other errors are thrown as they are. */
export async function readClosedRun(service: Service, threadId: string, runId: string): Promise<LeftBehind> {
  const ask = async (run: string) => toTold(await askForHandover(service, threadId, run));
  const { run, told } = await askInTurn(service, threadId, runId, ask);
  if (told.type === 'state') return { runId: run, state: told.state, toArchive: told.toArchive };
  const why = `left ${told.bytes} bytes that cannot be archived, more than can be carried over`;
  throw notResumable(threadId, run, why);
}

/** The past of a thread whose newest run has ended, for a fork. Fails in the same way. */
export async function readClosedPast(service: Service, threadId: string, runId: string) {
  const ask = async (run: string) =>
    toTold((await handleOf(service, threadId, run).query(closedRunQuery, { ask: 'past' })) as ClosedPast);
  const { run, told } = await askInTurn(service, threadId, runId, ask);
  return { runId: run, past: told.past };
}

/** The answer of a run, or the run to ask instead; null for one that never was open. */
type Told<T> = { told: T } | { next: string } | null;
type Redirected = Extract<Handover, { type: 'elsewhere' | 'nothing' }>;

function toTold<T extends { type: string }>(answer: T | Redirected): Told<Exclude<T, Redirected>> {
  if (answer.type === 'nothing') return null;
  if (answer.type === 'elsewhere') return { next: (answer as Extract<Redirected, { type: 'elsewhere' }>).runId };
  return { told: answer as Exclude<T, Redirected> };
}

async function askInTurn<T>(
  service: Service,
  threadId: string,
  runId: string,
  ask: (runId: string) => Promise<Told<T>>,
): Promise<{ run: string; told: T }> {
  let run = runId;
  for (let links = 0; links < LONGEST_CHAIN; links++) {
    await expectClosed(service, threadId, run);
    const answer = await ask(run);
    if (answer === null) throw notResumable(threadId, run, 'was never open, so there is nothing to continue from');
    if ('told' in answer) return { run, told: answer.told };
    run = answer.next;
  }
  throw notResumable(threadId, runId, 'was resumed too often without success');
}

function notResumable(threadId: string, runId: string, why: string): Failure {
  return new Failure('threadNotResumable', `Run ${runId} of thread ${threadId} ${why}; start a new thread.`);
}

export function threadMissing(threadId: string, cause: unknown): Failure {
  const message = `There is no thread ${threadId} in this namespace, or Temporal no longer keeps it: a closed workflow is kept for the namespace's retention time.`;
  return new Failure('threadMissing', message, { cause });
}

export function isMissing(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  const malformedId = error instanceof Error && /invalid ?(workflow)? ?runid/i.test(error.message);
  return malformedId || grpcStatus(error) === NOT_FOUND;
}

/** gRPC status codes. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

async function expectClosed(service: Service, threadId: string, runId: string): Promise<void> {
  const { status } = await handleOf(service, threadId, runId).describe();
  if (status.name === 'RUNNING') throw notResumable(threadId, runId, 'has not ended');
  if (status.name === 'CONTINUED_AS_NEW') throw notResumable(threadId, runId, 'has already continued in another run');
}

async function askForHandover(service: Service, threadId: string, runId: string): Promise<Handover> {
  try {
    return (await handleOf(service, threadId, runId).query(closedRunQuery, { ask: 'handover' })) as Handover;
  } catch (error) {
    // A run that ended before any worker had it answers no query; its start argument is all there is.
    const unheard = grpcStatus(error) === FAILED_PRECONDITION && /before WorkflowTaskStarted/i.test(messageOf(error));
    if (!unheard) throw error;
    return toHandover(await readStartArgument(service, threadId, runId));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : '';
}

function toHandover(argument: unknown): Handover {
  if (typeof argument !== 'object' || argument === null) return { type: 'nothing' };
  const { carriedOver, resume } = argument as { carriedOver?: unknown; resume?: { runId?: unknown } | null };
  if (typeof carriedOver === 'object' && carriedOver !== null) {
    return { type: 'state', state: carriedOver, toArchive: [] } as Extract<Handover, { type: 'state' }>;
  }
  return typeof resume?.runId === 'string' ? { type: 'elsewhere', runId: resume.runId } : { type: 'nothing' };
}

async function readStartArgument(service: Service, threadId: string, runId: string): Promise<unknown> {
  const { history } = await service.connection.workflowService.getWorkflowExecutionHistory({
    namespace: service.namespace,
    execution: { workflowId: toWorkflowId(threadId), runId },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return payload == null ? null : defaultPayloadConverter.fromPayload<unknown>(payload);
}

function handleOf(service: Service, threadId: string, runId: string) {
  return service.client.workflow.getHandle(toWorkflowId(threadId), runId);
}
