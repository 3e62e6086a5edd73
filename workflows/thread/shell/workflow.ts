/**
 * The `thread` workflow: the thin shell around the machine. Messages and ends of actions become events for `reduce`;
 * the shell starts what `decide` lists, and stops what it no longer lists.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { HostWait, ThreadResult } from '../../../src/contract/index.ts';
import { type Action, isFirstModelStep, isModelCall, onlyWaits } from '../state/actions.ts';
import { type CarryOver, carryOverBytes, toCarryOver } from '../past/carry-over.ts';
import { run } from './effects.ts';
import { registerHandlers } from './handlers.ts';
import { itemCount } from '../state/log.ts';
import type { MachineInput } from '../state/inputs.ts';
import { decide, reduce } from '../machine/machine.ts';
import { moveThread } from './moving.ts';
import { type Opened, type Refused, openState } from './opening.ts';
import type { ThreadShell } from './thread-shell.ts';
import { contexts, looks, steps } from './sinks.ts';
import { treeSpent } from '../state/spending.ts';
import { type ThreadState, decidesAnew } from '../state/state.ts';
import { toCurrentDetails, toOpeningDetails } from '../view/current-details.ts';
import { isPublished, publishSearchAttributes, publishedStatus } from '../../sandbox/search-attributes.ts';
import { isInFirstStep, toSearchValues } from '../view/search-values.ts';
import { firstPrompt } from '../view/static-details.ts';
import { toContext } from '../view/view.ts';
import { bytesOf } from '../state/waiting.ts';

export async function thread(argument: unknown): Promise<ThreadResult> {
  const shell: ThreadShell = {
    state: null,
    start: null,
    opening: new CancellationScope({ cancellable: true }),
    waitsFor: null,
    interrupted: false,
    early: [],
    running: new Map(),
    children: new Map(),
    changed: false,
    patience: 1,
    offered: 0,
    sizeAtStart: workflowInfo().historySize,
  };
  registerHandlers(shell, (machineInput) => dispatch(shell, machineInput));
  closeWhenCancelled(shell);
  return CancellationScope.nonCancellable(async () => {
    const refused = await open(shell, argument);
    return refused ?? (await loop(shell));
  });
}

/** Cancelling the workflow closes the thread properly. */
function closeWhenCancelled(shell: ThreadShell): void {
  CancellationScope.current().cancelRequested.catch(() =>
    dispatch(shell, { type: 'closeRequested', close: { reason: 'the workflow was cancelled' } }),
  );
}

async function open(shell: ThreadShell, argument: unknown): Promise<ThreadResult | null> {
  const opening = await shell.opening.run(() =>
    openState(argument, {
      onRead: (start) => (shell.start = start),
      onWait: (waitsFor) => waitForHost(shell, waitsFor),
    }),
  );
  shell.waitsFor = null;
  if (opening.type === 'refused') return toRefused(opening);
  start(shell, opening);
  return null;
}

function toRefused({ reason, code }: Refused): ThreadResult {
  return { status: 'refused', reason, ...(code !== undefined && { code }) };
}

function start(shell: ThreadShell, { state, first, firstTurn, at, openedAt }: Opened): void {
  shell.state = state;
  dispatch(shell, first, at);
  const begin = () => firstTurn !== null && dispatch(shell, { type: 'turnSubmitted', turn: firstTurn }, at);
  const comesFirst = shell.interrupted || (firstTurn !== null && shell.early.some(followsTurn) && patched(FIRST_TURN));
  if (comesFirst) begin();
  for (const early of shell.early.splice(0)) dispatch(shell, early.machineInput, openedAt ?? early.at);
  if (!comesFirst) begin();
}

/** Earlier releases began that turn last, unless an update had interrupted it: signals about it found no turn. */
const FIRST_TURN = 'first turn before its messages';

/** What other threads send comes along with the first model step of the turn. */
const BEFORE_TURN: readonly MachineInput['type'][] = ['agentMessageReceived', 'treeBudgetTold', 'messageRejected'];

function followsTurn({ machineInput }: ThreadShell['early'][number]): boolean {
  return !BEFORE_TURN.includes(machineInput.type);
}

function waitForHost(shell: ThreadShell, waitsFor: HostWait): void {
  shell.waitsFor = waitsFor;
  setCurrentDetails(toOpeningDetails(waitsFor));
  if (shell.early.some(({ machineInput }) => machineInput.type === 'closeRequested')) stopOpening(shell);
}

/** Threads of earlier releases waited to the end, and closed then. */
const CLOSED_EARLY = 'close while waiting for a host';

function stopOpening({ opening, waitsFor }: ThreadShell): void {
  if (waitsFor !== null && !opening.consideredCancelled && patched(CLOSED_EARLY)) opening.cancel();
}

/** Time never goes back: the clock that opened a thread may differ from the service's. */
function dispatch(shell: ThreadShell, machineInput: MachineInput, given?: number): void {
  const at = given ?? Math.max(Date.now(), shell.state?.updatedAt ?? 0);
  if (shell.state === null) {
    shell.early.push({ machineInput, at });
    if (machineInput.type === 'closeRequested') stopOpening(shell);
    return;
  }
  shell.state = reduce(shell.state, { ...machineInput, at, running: [...shell.running.keys()] });
  shell.changed = true;
}

async function loop(shell: ThreadShell): Promise<ThreadResult> {
  for (;;) {
    if (isRolloverDue(shell)) dispatch(shell, { type: 'rolloverDue' });
    const state = current(shell);
    shell.changed = false;
    show(state);
    const actions = decide(state, [...shell.running.keys()]);
    reconcile(shell, actions);
    const end = actions.find(({ type }) => type === 'complete' || type === 'continueAsNew');
    if (end !== undefined && (await handlersFinished(shell))) {
      if (end.type === 'complete') return toResult(state);
      await goOnAsNew(shell, state);
    } else {
      await condition(() => shell.changed);
    }
  }
}

/** Publishes an idle thread in the Temporal UI and in lists. */
function show(state: ThreadState): void {
  if (state.settings.promptInMemo) rememberPrompt(state);
  setCurrentDetails(toCurrentDetails(state));
  if (state.settings.searchAttributes && !isQuiet(state)) publishSearchAttributes(toSearchValues(state));
}

/** Earlier releases left the status of a host that was away in the lists, until the first step was over. */
const STATUS_AFTER_WAIT = 'status after the wait for a host';

function isQuiet(state: ThreadState): boolean {
  if (!state.settings.quietFirstStep || !isInFirstStep(state) || !isPublished()) return false;
  return publishedStatus() !== 'waitingForHost' || !patched(STATUS_AFTER_WAIT);
}

/** Clients that know the first turn when they start a thread have put its prompt there. */
function rememberPrompt(state: ThreadState): void {
  const { memo = {} } = workflowInfo();
  if (state.settings.title !== '' || 'prompt' in memo) return;
  const prompt = firstPrompt(state);
  if (prompt !== null) upsertMemo({ prompt });
}

function current(shell: ThreadShell): ThreadState {
  if (shell.state === null) throw new Error('The thread is not open yet');
  return shell.state;
}

/** False if something happened meanwhile, which must be handled first. */
async function handlersFinished(shell: ThreadShell): Promise<boolean> {
  await condition(() => shell.changed || allHandlersFinished());
  return !shell.changed;
}

function isRolloverDue(shell: ThreadShell): boolean {
  const { rollover, settings } = current(shell);
  if (rollover !== null) return false;
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const { events, bytes } = settings.continueAsNewAfter;
  const grown = decidesAnew(current(shell)) ? historySize - shell.sizeAtStart : historySize;
  const long = historyLength >= events * shell.patience || grown >= bytes * shell.patience;
  return long || (continueAsNewSuggested && shell.patience === 1);
}

async function goOnAsNew(shell: ThreadShell, state: ThreadState): Promise<void> {
  const carried = toCarryOver(state);
  const bytes = bytesOf(carried);
  if (bytes > carryOverBytes(state)) {
    shell.patience *= 2;
    dispatch(shell, { type: 'rolloverPostponed', bytes });
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

/** Starts requested actions that are not running, stops running ones that are not requested. */
function reconcile(shell: ThreadShell, wanted: readonly Action[]): void {
  const ids = new Set(wanted.map(({ id }) => id));
  for (const [id, scope] of shell.running) {
    if (ids.has(id)) continue;
    // A wait ends at once and may be requested again; a step is under way until its end is known.
    if (onlyWaits(id)) shell.running.delete(id);
    if (scope.consideredCancelled) continue;
    scope.cancel();
    if (!onlyWaits(id)) steps.stop(id);
  }
  for (const action of wanted) {
    if (action.type === 'continueAsNew' || action.type === 'complete' || shell.running.has(action.id)) continue;
    if (isModelCall(action)) offerContext(shell);
    if (isFirstModelStep(action)) beginLook(shell, action.id);
    begin(shell, action);
  }
}

/**
 * Offers all items that this worker has not seen, page by page. A replay offers nothing, so the first offer after one
 * is the whole live log.
 */
function offerContext(shell: ThreadShell): void {
  if (workflowInfo().unsafe.isReplaying) return;
  const state = current(shell);
  const count = itemCount(state.log);
  for (let after = shell.offered; ;) {
    const context = toContext(state, after);
    contexts.offer(context);
    after = context.from + context.items.length;
    shell.offered = Math.min(context.stable, after);
    if (after >= count) return;
  }
}

function beginLook(shell: ThreadShell, actionId: string): void {
  if (workflowInfo().unsafe.isReplaying) return;
  const { cwd, root, host } = current(shell).settings;
  looks.begin(actionId, { cwd, ...(root !== undefined && { root }), ...(host !== undefined && { host }) });
}

function begin(shell: ThreadShell, action: Exclude<Action, { type: 'continueAsNew' | 'complete' }>): void {
  const scope = new CancellationScope({ cancellable: true });
  shell.running.set(action.id, scope);
  void scope
    .run(() => (action.type === 'relocate' ? relocate(shell) : run(current(shell), shell.children, action)))
    .then((machineInput) => {
      if (shell.running.get(action.id) === scope) shell.running.delete(action.id);
      if (machineInput !== null) dispatch(shell, machineInput);
    });
}

/** Its end, of either kind, is an event already. */
async function relocate(shell: ThreadShell): Promise<null> {
  const mover = {
    dispatch: (input: MachineInput) => dispatch(shell, input),
    current: () => current(shell),
    isLost: true,
  };
  return moveThread(current(shell), {}, mover).then(
    () => null,
    () => null,
  );
}
