/** From a start argument to the state a run begins with. */
import {
  CancellationScope,
  patched,
  proxyActivities,
  scheduleActivity,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, Elsewhere, ForkRequest, ForkedPast } from '../../../activities/contract.ts';
import type { CarriedState } from '../../../activities/ports.ts';
import type { Fork, HostWait, StartThread, SubmitTurn } from '../../../src/contract/index.ts';
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import { toWorkflowId } from '../../../src/contract/plain/workflow-ids.ts';
import { isContinued } from '../../sandbox/carried-state.ts';
import { fromCarriedState, isCarryOver } from '../past/carry-over.ts';
import { toStepFailure } from '../../sandbox/step-failure.ts';
import { forkedState } from '../past/fork.ts';
import { parseStartThread } from '../guards/guards.ts';
import { NAMED_HOST_WAIT, isElsewhere, isRefused, openOnHost } from './host-choice.ts';
import type { MachineInput } from '../state/inputs.ts';
import { withBudget } from '../budget/budget.ts';
import { withChanges } from '../past/resume.ts';
import { ALL_DECISIONS, type Decisions } from '../../../src/contract/plain/decisions.ts';
import { type ThreadState, listsFolderAgain, newThreadState } from '../state/state.ts';
import { MARKER } from '../turns/turns.ts';
import { MOST_BYTES, bytesOf } from '../state/waiting.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../../src/contract/plain/heartbeat.ts';

/** Retried without limit: a thread that waits for its archive or its service is better than none. */
const options = {
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;
const { restoreThread } = proxyActivities<Activities>(options);

/** `at`: milliseconds since the epoch. A start argument that cannot be used is refused; the workflow does not fail. */
export type Opening = Opened | Refused;

export interface Opened {
  type: 'open';
  state: ThreadState;
  first: MachineInput;
  /** A turn that came with the start argument. */
  firstTurn: SubmitTurn | null;
  at: number;
  /** The time of everything before; if left out, every event has its own time. */
  openedAt?: number;
}

export interface Refused {
  type: 'refused';
  reason: string;
  /** Of the failure; left out if it has none. */
  code?: string;
}

/** For threads that an earlier release has begun; the opening of newer ones contains it. */
const LAST_SNAPSHOTS = 'snapshots at the end of turns';

/** A thread that was begun with longer ones continues. */
const BOUNDED_INSTRUCTIONS = 'bounded instructions';

/** The same for a workflow whose id differs from its thread's: every step that addresses the thread fails. */
const SAME_ID = 'workflow id of the thread';

function asOfThisRelease(state: ThreadState): ThreadState {
  const kept = keepAfter(state, state.snapshots.after === true || patched(LAST_SNAPSHOTS));
  const known = state.decisions ?? 0;
  return decide(
    kept,
    ALL_DECISIONS.find((one) => known >= one || patched(`decisions ${one}`)),
  );
}

function decide(state: ThreadState, decisions: Decisions | undefined): ThreadState {
  return decisions === undefined ? state : { ...state, decisions };
}

function keepAfter(state: ThreadState, after: boolean): ThreadState {
  return { ...state, snapshots: { ...state.snapshots, after } };
}

export interface OpeningReports {
  /** Called before every wait. */
  onRead: (start: StartThread) => void;
  /** Called before the wait for one host. */
  onWait: (waitsFor: HostWait) => void;
}

/** Stops waiting for a host if its scope is cancelled. @throws UnknownStateVersion */
export async function openState(argument: unknown, { onRead, onWait }: OpeningReports): Promise<Opening> {
  // Read before any wait: the time right after a local activity may be another one in a replay.
  const at = Date.now();
  if (isContinued() && isCarryOver(argument)) {
    const state = asOfThisRelease(fromCarriedState(argument.carriedOver));
    if (mayHaveAnotherFolder(state)) listFolder(state);
    return { type: 'open', state, first: { type: 'runContinued' }, firstTurn: null, at };
  }
  const parsed = parseStartThread(argument);
  if (!parsed.ok) return { type: 'refused', reason: `The start argument cannot be used: ${parsed.reason}` };
  const { value: start } = parsed;
  const { instructions = '' } = start;
  if (bytesOf(instructions) > MOST_BYTES.instructions && patched(BOUNDED_INSTRUCTIONS)) {
    const reason = `The instructions have ${bytesOf(instructions)} bytes, and at most ${MOST_BYTES.instructions} are taken.`;
    return { type: 'refused', reason: `The start argument cannot be used: ${reason}` };
  }
  const workflowId = toWorkflowId(start.threadId);
  if (workflowInfo().workflowId !== workflowId && patched(SAME_ID)) {
    const reason = `thread ${start.threadId} has to be the workflow ${workflowId}, and this one is ${workflowInfo().workflowId}.`;
    return { type: 'refused', reason: `The start argument cannot be used: ${reason}` };
  }
  onRead(start);
  if (start.resume !== undefined) return resume(start, start.resume.runId, at);
  if (start.fork !== undefined) return fork(start, start.fork, { at, onWait });
  const opened = await openOnHost(start, onWait);
  if (isRefused(opened)) {
    const refusal = toRefusal(start.threadId, 'be opened', whyNot(opened.reason));
    return isStopped() ? refusal : { ...refusal, code: opened.code };
  }
  const { openedAt, keepsAfter = false, decisions, ...settings } = opened;
  const stamp = stampOf(openedAt, at);
  const begun = keepAfter(newThreadState(start.threadId, settings, stamp), keepsAfter);
  const state = decide(begun, decisions);
  if (settings.managed !== undefined) listFolder(state);
  const first: MachineInput = { type: 'threadOpened', warnings: [], joins: start.workspace.cwd !== undefined };
  return { type: 'open', state, first, firstTurn: start.firstTurn ?? null, at: stamp, openedAt: stamp };
}

/**
 * The one time that is the same live and in a replay. A query during a local activity ends the workflow task, and a
 * replay merges the two tasks and uses the time of the second. So the time on either side of the wait is not reliable.
 * The time of a worker whose clock is wrong by more than a little is ignored.
 */
function stampOf(openedAt: number | undefined, at: number): number {
  return openedAt !== undefined && Math.abs(openedAt - at) <= CLOCKS_DIFFER_MS ? openedAt : at;
}

const CLOCKS_DIFFER_MS = 2_000;

/** A wait that was stopped ends like one that was in vain. */
function whyNot(reason: string): string {
  return isStopped() ? 'it was closed while it waited for its host.' : reason;
}

function isStopped(): boolean {
  return CancellationScope.current().consideredCancelled;
}

async function fork(
  start: StartThread,
  source: Fork,
  { at, onWait }: Pick<OpeningReports, 'onWait'> & { at: number },
): Promise<Opening> {
  const { threadId, workspace, firstTurn = null } = start;
  try {
    // The guard of the start argument has refused a fork without a folder.
    const { cwd: folder = '', host } = workspace;
    const request = { threadId, source, cwd: folder, ...(host === undefined ? {} : { host }), marker: MARKER };
    const past = await forkOnHost(request, onWait);
    const begun = keepAfter(forkedState(start, source, past, at), past.keepsAfter === true);
    const state = decide(begun, past.decisions);
    if (state.settings.cwd !== workspace.cwd) listFolder(state);
    return {
      type: 'open',
      state,
      first: { type: 'threadOpened', warnings: past.warnings, joins: true },
      firstTurn,
      at,
    };
  } catch (error) {
    const { message } = toStepFailure(error);
    return toRefusal(threadId, `be a fork of ${source.threadId}`, whyNot(message));
  }
}

/** Each run begins with the folder of the first one in the lists. */
function mayHaveAnotherFolder(state: ThreadState): boolean {
  return state.settings.moved !== undefined || (state.forkedFrom !== null && listsFolderAgain(state));
}

/** For lists: a thread may have another folder than its start argument says. */
function listFolder({ settings: { title, cwd } }: ThreadState): void {
  if (cwd !== workflowInfo().memo?.['cwd']) upsertMemo({ title, cwd });
}

/** The files of the source are on its host, which only its state says. */
async function forkOnHost(request: ForkRequest, onWait: OpeningReports['onWait']): Promise<ForkedPast> {
  const summary = `fork: ${request.source.threadId}`;
  const ask = (place: object) =>
    scheduleActivity<ForkedPast | Elsewhere>('forkHistory', [request], { ...options, ...place, summary });
  const answer = await ask({});
  if (!isElsewhere(answer)) return answer;
  const [host = ''] = answer.ask;
  const taskQueue = toHostQueue(workflowInfo().taskQueue, host);
  onWait({ host, since: Date.now() });
  const there = await ask({ taskQueue, scheduleToStartTimeout: NAMED_HOST_WAIT });
  if (isElsewhere(there)) throw new Error(`host ${host} has the id of another host.`);
  return there;
}

function toRefusal(threadId: string, to: string, why: string): Refused {
  return { type: 'refused', reason: `Thread ${threadId} cannot ${to}: ${why}` };
}

async function resume(start: StartThread, runId: string, at: number): Promise<Opening> {
  const left = await restored(start.threadId, runId);
  if ('reason' in left) return toRefusal(start.threadId, `go on from run ${runId}`, left.reason);
  const state = asOfThisRelease(fromCarriedState(left.state as ThreadState));
  const changed = withBudget({ ...state, settings: withChanges(state.settings, start) }, start.budget);
  if (mayHaveAnotherFolder(changed)) listFolder(changed);
  const firstTurn = start.firstTurn ?? null;
  return { type: 'open', state: changed, first: { type: 'threadResumed' }, firstTurn, at };
}

async function restored(threadId: string, runId: string): Promise<{ state: CarriedState } | { reason: string }> {
  try {
    const summarised = { ...options, summary: `restore: run ${runId}` };
    return { state: await restoreThread.executeWithOptions(summarised, [{ threadId, runId }]) };
  } catch (error) {
    return { reason: toStepFailure(error).message };
  }
}
