/** The life of a turn, the same for every kind: submitted, begun, aborted, ended. `tasks/` has what differs. */
import type {
  AbortReason,
  InputItem,
  Overrides,
  SubmitTurn,
  TurnCompletion,
  TurnError,
} from '../../../src/contract/index.ts';
import { addItem, completeItem, emit, isRunning, itemCount } from '../state/log.ts';
import { withBudget } from '../budget/budget.ts';
import { reportEnd } from './given-turns.ts';
import { report } from './outbox.ts';
import { withdrawRequests } from './requests.ts';
import { withoutTurn } from '../approvals/rules.ts';
import { withRecord } from '../state/turn-records.ts';
import { withCleanUpsBehind, withLeftBehind } from './left-behind.ts';
import { noteWritten } from './stored-files.ts';
import { needsLastSnapshot, settledSnapshot } from './ending.ts';
import { treeSpent, turnSpent, waitedBy } from '../state/spending.ts';
import {
  type ActiveTurn,
  KNOWN_TURNS,
  KNOWN_TURN_IDS,
  NO_USAGE,
  type QueuedTurn,
  type ThreadState,
  type TurnEnd,
  decidesAnew,
  isConversation,
} from '../state/state.ts';
import type { StepEnd } from '../state/steps.ts';
import { MOST_BYTES, newestWithin } from '../state/waiting.ts';
import { plus, NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';

/** Code units of an agent's last message that its parent's model sees. */
export const TOLD_CHARS = 20_000;

/** The note to the model that a turn was cut off. */
export const MARKER = `<turn_aborted>
The person stopped the previous turn on purpose. Commands and changes that were under way may have partly run: look at
the state of the workspace before you repeat any of them.
</turn_aborted>`;

const OVER_BUDGET = `<turn_aborted>
The previous turn was stopped because its budget was used up. Commands and changes that were under way may have partly
run: look at the state of the workspace before you repeat any of them.
</turn_aborted>`;

/** The notes to the model about an abort; none if another turn takes over, or if the thread ends. */
const MARKERS: Partial<Record<AbortReason, string>> = { interrupted: MARKER, budgetLimited: OVER_BUDGET };

/** Remembers the id, so that a repeated submission is the same turn. */
export function rememberTurn(state: ThreadState, turnId: string): ThreadState {
  const newest = [...state.knownTurnIds, turnId].slice(-KNOWN_TURN_IDS);
  return { ...state, knownTurnIds: decidesAnew(state) ? newestWithin(newest, MOST_BYTES.turnIds) : newest };
}

export function toQueuedTurn(turn: SubmitTurn): QueuedTurn {
  const { turnId, kind, input, overrides = {}, review, task } = turn;
  const own = { ...(review === undefined ? {} : { review }), ...(task === undefined ? {} : { task }) };
  return { turnId, kind, input, overrides, ...own };
}

export function addUserMessage(
  state: ThreadState,
  at: number,
  turnId: string,
  step: number,
  content: InputItem[],
): ThreadState {
  return addItem(state, at, { type: 'userMessage', turnId, step, content });
}

export function withTurn(state: ThreadState, turn: ActiveTurn): ThreadState {
  if (state.active?.turnId === turn.turnId) return { ...state, active: turn };
  // A turn keeps its kind.
  const beside = state.beside.map((other) => (other.turnId === turn.turnId ? (turn as typeof other) : other));
  return { ...state, beside };
}

export function findTurn(state: ThreadState, turnId: string): ActiveTurn | null {
  if (state.active?.turnId === turnId) return state.active;
  return state.beside.find((turn) => turn.turnId === turnId) ?? null;
}

/** Makes a turn without input the active one. `limited: false`: it costs nothing, and no budget stops it midway. */
export function beginActive(
  state: ThreadState,
  at: number,
  turn: QueuedTurn,
  own: OwnMembers<ActiveTurn> & { limited?: false },
): ThreadState {
  // The common members and those that the kind adds form a turn of that kind.
  const active = { ...newTurn(state, turn.turnId, at), ...own } as ActiveTurn;
  return emitStarted({ ...withOverrides(state, turn.overrides), active }, at, turn, null);
}

type OwnMembers<T extends ActiveTurn> = T extends ActiveTurn ? Omit<T, keyof ReturnType<typeof newTurn>> : never;

/** Applies the settings that a turn brings; they stay in force for later ones. */
export function withOverrides(state: ThreadState, overrides: Overrides): ThreadState {
  const { budget, ...others } = overrides;
  return withBudget({ ...state, settings: { ...state.settings, ...others } }, budget);
}

/** The members that every turn begins with. */
export function newTurn(state: ThreadState, turnId: string, at: number) {
  return {
    turnId,
    firstItem: itemCount(state.log),
    startedAt: at,
    usage: NO_USAGE,
    lastAgentMessage: null,
    aborting: null,
    snapshot: null,
    spent: NOTHING_SPENT,
    granted: NOTHING_SPENT,
    clock: null,
    waitedMs: 0,
    waitingSince: null,
    limited: true,
  };
}

export function emitStarted(
  state: ThreadState,
  at: number,
  turn: QueuedTurn,
  besideTurnId: string | null,
): ThreadState {
  const event = { type: 'turn/started', turnId: turn.turnId, kind: turn.kind, besideTurnId } as const;
  return emit(withCleanUpsBehind(state), at, event);
}

/**
 * Begins the end of a turn. Idempotent: a later reason does not replace the first.
 * @param running ids of this turn's running actions, whose end is waited for.
 */
export function abortTurn(
  state: ThreadState,
  at: number,
  turn: ActiveTurn,
  why: { reason: AbortReason; detail: string | null },
  running: readonly string[],
): ThreadState {
  if (turn.aborting !== null) return state;
  return withTurn(state, { ...turn, aborting: { ...why, since: at, awaiting: [...running], quiescent: true } });
}

/** One of the actions that an aborted turn waits for has ended. `proven`: none of its processes is left. */
export function onStepStopped(state: ThreadState, turn: ActiveTurn, actionId: string, proven: boolean): ThreadState {
  if (turn.aborting === null) return state;
  const awaiting = turn.aborting.awaiting.filter((id) => id !== actionId);
  return withTurn(state, {
    ...turn,
    aborting: { ...turn.aborting, awaiting, quiescent: turn.aborting.quiescent && proven },
  });
}

/** Warns of a step that did not end when it was told to. @param what names it. */
export function warnOfForce(state: ThreadState, at: number, turnId: string, what: string, how: 'killed' | 'left') {
  const then = {
    killed: 'was killed. What it was writing may be incomplete.',
    left: 'may still run in its worker.',
  }[how];
  const message = `${what} of turn ${turnId} did not end when it was told to, and ${then}`;
  return emit(state, at, { type: 'warning', message });
}

/**
 * The end of an aborted turn, in this order: unfinished items are marked, open requests are withdrawn, the kind tidies up,
 * the terminal event follows.
 * @param tidy gets the note to the model; null for an abort without one.
 */
export function finishAbort(
  state: ThreadState,
  at: number,
  turn: ActiveTurn,
  tidy: (state: ThreadState, marker: string | null) => ThreadState,
): ThreadState {
  if (turn.aborting === null || turn.ending !== undefined) return state;
  const { reason, detail, quiescent } = turn.aborting;
  const quiet = withdrawRequests(abortItems(state, at, turn), at, turn.turnId);
  return endTurn(tidy(quiet, MARKERS[reason] ?? null), at, turn, { status: 'aborted', reason, detail, quiescent });
}

/** Moves input that no model step has carried to the history, where the model of the next turn sees it. */
export function tellLeftOver(state: ThreadState, at: number, turn: ActiveTurn): ThreadState {
  if (!isConversation(turn)) return state;
  return turn.pendingInput.reduce(
    (current, input) => addUserMessage(current, at, turn.turnId, turn.step, input),
    state,
  );
}

function abortItems(state: ThreadState, at: number, turn: ActiveTurn): ThreadState {
  const seconds = ((at - turn.startedAt) / 1000).toFixed(1);
  return state.log.items.reduce((current, item, offset) => {
    if (item.turnId !== turn.turnId || !isRunning(item)) return current;
    const change = { status: 'aborted' as const, output: `aborted by user after ${seconds}s` };
    return completeItem(current, at, state.log.firstItem + offset, change);
  }, state);
}

/**
 * Ends a turn. A turn that may have changed files stays active with its outcome fixed until {@link concludeTurn}: a
 * snapshot of the files comes first.
 */
export function endTurn(state: ThreadState, at: number, turn: ActiveTurn, end: TurnEnd): ThreadState {
  if (!needsLastSnapshot(state, turn, end)) return complete(state, at, turn, end);
  return withTurn(withdrawRequests(state, at, turn.turnId), { ...turn, ending: end });
}

/** Ends a turn that waited for its snapshot. @param after the snapshot from its end; null if there is none. */
export function concludeTurn(state: ThreadState, at: number, turn: ActiveTurn, after: string | null): ThreadState {
  const { ending, ...rest } = turn;
  if (ending === undefined) return state;
  const { snapshot } = turn;
  const known = snapshot?.status === 'taken' ? { ...snapshot, after } : snapshot;
  return complete(state, at, { ...rest, snapshot: known }, ending);
}

function complete(state: ThreadState, at: number, turn: ActiveTurn, end: TurnEnd): ThreadState {
  const waitedMs = waitedBy(turn, at);
  const completion: TurnCompletion = {
    turnId: turn.turnId,
    kind: turn.kind,
    lastAgentMessage: turn.lastAgentMessage,
    startedAt: turn.startedAt,
    durationMs: at - turn.startedAt,
    ...(state.settings.waitingApart && waitedMs > 0 ? { waitedMs } : {}),
    usage: turn.usage,
    ...withLeftBehind(state, end),
  };
  const { turnId, kind, firstItem, limited } = turn;
  const snapshot = settledSnapshot(state, turn);
  const record = { turnId, kind, status: end.status, firstItem, endItem: itemCount(state.log), snapshot, endedAt: at };
  // The thread may have asked for more budget during a step that has ended the turn.
  const asked = withdrawRequests(state, at, turnId);
  const { wallMs } = turnSpent(turn, at);
  const own = limited ? plus(asked.budget.own, { ...NOTHING_SPENT, wallMs }) : asked.budget.own;
  const waits = limited ? false : asked.budget.waits;
  const rules = withoutTurn(asked.rules, turnId);
  const paid = { ...asked, rules, budget: { ...asked.budget, own, waits, waitedMs: asked.budget.waitedMs + waitedMs } };
  const ended: ThreadState =
    paid.active?.turnId === turn.turnId
      ? { ...paid, active: null }
      : { ...paid, beside: paid.beside.filter((other) => other.turnId !== turn.turnId) };
  return tellEnd(noteWritten(withRecord(ended, record, KNOWN_TURNS), at, record), at, completion);
}

function tellEnd(state: ThreadState, at: number, turn: TurnCompletion): ThreadState {
  const told = emit({ ...state, turnCount: state.turnCount + 1 }, at, { type: 'turn/completed', turn });
  const counted = report(told, { type: 'usage', spent: treeSpent(told, at), waits: told.budget.waits });
  return reportEnd(counted, toReported(state, turn));
}

/** The last message of an agent is cut where its parent would cut it. */
function toReported(state: ThreadState, turn: TurnCompletion): TurnCompletion {
  const { parent } = state.settings;
  const isCut = decidesAnew(state) && parent?.role === 'agent' && parent.reports !== 'result';
  return isCut ? { ...turn, lastAgentMessage: turn.lastAgentMessage?.slice(0, TOLD_CHARS) ?? null } : turn;
}

/** Why a step failed its turn. @param stopped the message for a step that this thread did not stop. */
export function toTurnError(end: Exclude<StepEnd, { type: 'done' }>, stopped: string): TurnError {
  if (end.type !== 'failed') return { code: 'internal', message: stopped };
  const { code, message } = end.failure;
  return { code, message };
}

export function failTurn(state: ThreadState, at: number, turn: ActiveTurn, error: TurnError): ThreadState {
  const told = emit(tellLeftOver(state, at, turn), at, { type: 'error', turnId: turn.turnId, error, willRetry: false });
  return endTurn(told, at, turn, { status: 'failed', error });
}

/** Ends a queued turn, which will never begin. */
export function dropQueued(
  state: ThreadState,
  at: number,
  turnId: string,
  reason: AbortReason,
  detail: string | null,
): ThreadState {
  const turn = state.queue.find((queued) => queued.turnId === turnId);
  if (turn === undefined) return state;
  const completion: TurnCompletion = {
    turnId,
    kind: turn.kind,
    lastAgentMessage: null,
    startedAt: null,
    durationMs: 0,
    usage: NO_USAGE,
    status: 'aborted',
    reason,
    detail,
    quiescent: true,
  };
  const queue = state.queue.filter((queued) => queued.turnId !== turnId);
  return tellEnd({ ...state, queue }, at, completion);
}
