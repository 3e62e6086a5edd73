/**
 * The `thread` workflow: the thin shell around the machine. Messages and ends of actions become events for `reduce`;
 * what `decide` lists is started, what it no longer lists is stopped.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { ThreadResult } from '../../src/contract/index.ts';
import type { Action } from './actions.ts';
import { type CarryOver, carryOverBytes, toCarryOver } from './carry-over.ts';
import { type Links, run, toStepThread } from './effects.ts';
import { registerHandlers } from './handlers.ts';
import { itemCount } from './log.ts';
import type { Happening } from './machine-events.ts';
import { decide, reduce } from './machine.ts';
import { type Opened, openState } from './opening.ts';
import { toSummary } from './summaries.ts';
import { contexts, steps } from './sinks.ts';
import { treeSpent } from './spending.ts';
import { type ThreadState, decidesAnew } from './state.ts';
import { toCurrentDetails } from './current-details.ts';
import { isPublished, publishSearchAttributes } from '../search-attributes.ts';
import { isInFirstStep, toSearchValues } from './search-values.ts';
import { toContext } from './view.ts';
import { bytesOf } from './waiting.ts';

/** The one mutable place of a thread: its state, and the actions under way. */
export interface ThreadHost {
  /** Null until the thread is open. */
  state: ThreadState | null;
  /** The closed run that this one goes on from; null where there is none. */
  resumes: string | null;
  /** What happened before that, and when. */
  early: { happening: Happening; at: number }[];
  running: Map<string, CancellationScope>;
  /** Children that this run has started. */
  children: Links;
  /** Set by every event, cleared when the loop has seen it. */
  changed: boolean;
  /** Bytes of the history when the run began: what was carried over does not count against the run. */
  sizeAtStart: number;
  /** Grows when a run that should go on as a new one cannot. */
  patience: number;
  /** Items before this number have been offered to this worker, and will not change. */
  offered: number;
}

export async function thread(argument: unknown): Promise<ThreadResult> {
  const host: ThreadHost = {
    ...{ state: null, resumes: null, early: [], running: new Map(), children: new Map() },
    ...{ changed: false, patience: 1, offered: 0, sizeAtStart: workflowInfo().historySize },
  };
  registerHandlers(host, (happening) => dispatch(host, happening));
  closeWhenCancelled(host);
  return CancellationScope.nonCancellable(async () => {
    const refused = await open(host, argument);
    return refused ?? (await loop(host));
  });
}

/** Cancelling the workflow closes the thread in good order. */
function closeWhenCancelled(host: ThreadHost): void {
  CancellationScope.current().cancelRequested.catch(() =>
    dispatch(host, { type: 'closeRequested', close: { reason: 'the workflow was cancelled' } }),
  );
}

async function open(host: ThreadHost, argument: unknown): Promise<ThreadResult | null> {
  const opening = await openState(argument, (runId) => (host.resumes = runId));
  if (opening.type === 'refused') return { status: 'refused', reason: opening.reason };
  const { firstTurn, at } = opening;
  start(host, opening);
  if (firstTurn !== null) dispatch(host, { type: 'turnSubmitted', turn: firstTurn }, at);
  return null;
}

function start(host: ThreadHost, { state, first, at, openedAt }: Opened): void {
  host.state = state;
  dispatch(host, first, at);
  for (const early of host.early.splice(0)) dispatch(host, early.happening, openedAt ?? early.at);
}

/** Time never goes back: a thread may have been opened by another clock than the service's. */
function dispatch(host: ThreadHost, happening: Happening, given?: number): void {
  const at = given ?? Math.max(Date.now(), host.state?.updatedAt ?? 0);
  if (host.state === null) {
    host.early.push({ happening, at });
    return;
  }
  host.state = reduce(host.state, { ...happening, at, running: [...host.running.keys()] });
  host.changed = true;
}

async function loop(host: ThreadHost): Promise<ThreadResult> {
  for (;;) {
    if (isRolloverDue(host)) dispatch(host, { type: 'rolloverDue' });
    const state = current(host);
    host.changed = false;
    show(state);
    const actions = decide(state, [...host.running.keys()]);
    reconcile(host, actions);
    const end = actions.find(({ type }) => type === 'complete' || type === 'continueAsNew');
    if (end !== undefined && (await handlersFinished(host))) {
      if (end.type === 'complete') return toResult(state);
      await goOnAsNew(host, state);
    } else {
      await condition(() => host.changed);
    }
  }
}

/** What the Temporal UI has of a thread that has come to rest. */
function show(state: ThreadState): void {
  setCurrentDetails(toCurrentDetails(state));
  const { searchAttributes, quietFirstStep } = state.settings;
  if (searchAttributes && !(quietFirstStep && isInFirstStep(state) && isPublished())) {
    publishSearchAttributes(toSearchValues(state));
  }
}

function current(host: ThreadHost): ThreadState {
  if (host.state === null) throw new Error('The thread is not open yet');
  return host.state;
}

/** False when something happened meanwhile, which comes first. */
async function handlersFinished(host: ThreadHost): Promise<boolean> {
  await condition(() => host.changed || allHandlersFinished());
  return !host.changed;
}

function isRolloverDue(host: ThreadHost): boolean {
  const { rollover, settings } = current(host);
  if (rollover !== null) return false;
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const { events, bytes } = settings.continueAsNewAfter;
  const grown = decidesAnew(current(host)) ? historySize - host.sizeAtStart : historySize;
  const long = historyLength >= events * host.patience || grown >= bytes * host.patience;
  return long || (continueAsNewSuggested && host.patience === 1);
}

async function goOnAsNew(host: ThreadHost, state: ThreadState): Promise<void> {
  const carried = toCarryOver(state);
  const bytes = bytesOf(carried);
  if (bytes > carryOverBytes(state)) {
    host.patience *= 2;
    dispatch(host, { type: 'rolloverPostponed', bytes });
    return;
  }
  await continueAsNew<(argument: CarryOver) => Promise<ThreadResult>>(carried);
}

function toResult(state: ThreadState): ThreadResult {
  const { threadId, turnCount, closeReason, settings, newest } = state;
  const closed = { status: 'closed' as const, threadId, turnCount, reason: closeReason };
  if (settings.parent?.reports !== 'result') return closed;
  return { ...closed, outcome: { turn: newest, spent: treeSpent(state, state.updatedAt) } };
}

/** Starts what is wanted and not under way, stops what is under way and not wanted. */
function reconcile(host: ThreadHost, wanted: readonly Action[]): void {
  const ids = new Set(wanted.map(({ id }) => id));
  for (const [id, scope] of host.running) {
    if (ids.has(id)) continue;
    // A timer is gone at once and may be wanted again; a step stays under way until its end is known.
    if (isTimer(id)) host.running.delete(id);
    if (scope.consideredCancelled) continue;
    scope.cancel();
    if (!isTimer(id)) steps.stop(id);
  }
  for (const action of wanted) {
    if (action.type === 'continueAsNew' || action.type === 'complete' || host.running.has(action.id)) continue;
    if (action.type === 'callModel' || action.type === 'compactContext') offerContext(host);
    begin(host, action);
  }
}

/** All that this worker was not offered yet, page by page. A replay offers nothing, so after one that is the whole live log. */
function offerContext(host: ThreadHost): void {
  if (workflowInfo().unsafe.isReplaying) return;
  const state = current(host);
  const count = itemCount(state.log);
  for (let after = host.offered; ;) {
    const context = toContext(state, after);
    contexts.offer(context);
    after = context.from + context.items.length;
    host.offered = Math.min(context.stable, after);
    if (after >= count) return;
  }
}

/** What waits and does nothing. Going on as a new run does not wait for it. */
const TIMERS = ['budget/', 'deadline/', 'quiescence/', 'wait/', 'watch/'];

function isTimer(id: string): boolean {
  return TIMERS.some((start) => id.startsWith(start));
}

function begin(host: ThreadHost, action: Exclude<Action, { type: 'continueAsNew' | 'complete' }>): void {
  const scope = new CancellationScope({ cancellable: true });
  host.running.set(action.id, scope);
  void scope
    .run(() =>
      run(toStepThread(current(host)), host.children, { ...action, summary: toSummary(current(host), action) }),
    )
    .then((happening) => {
      if (host.running.get(action.id) === scope) host.running.delete(action.id);
      if (happening !== null) dispatch(host, happening);
    });
}
