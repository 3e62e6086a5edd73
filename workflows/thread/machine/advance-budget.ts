/** Budgets as the machine advances: a thread keeps the clock, asks for more or stops, and notifies its children. */
import type { LimitName, ThreadRequest, TreeBudget } from '../../../src/contract/index.ts';
import { toCounted, toUnit, NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { type Excess, allowanceOf, findExcess, grant, isHeld, isTreeUsedUp, limitedTurn } from '../budget/budget.ts';
import { reportUsage } from '../turns/charging.ts';
import { send } from '../turns/outbox.ts';
import { closeRequest, openBudgetRequest } from '../turns/requests.ts';
import { turnSpent, waitedBy } from '../state/spending.ts';
import { type ActiveTurn, type Child, type ThreadState } from '../state/state.ts';
import { isBusy, isOver, stopAgents } from '../agents/sub-threads.ts';
import { tasks } from '../tasks/index.ts';
import { withTurn } from '../turns/turns.ts';

/** Aborts the active turn with reason `budgetLimited`. */
export type Abort = (state: ThreadState, detail: string) => ThreadState;

type BudgetRequest = Extract<ThreadRequest, { type: 'budget' }>;

/** What the turn that budgets apply to is about to do. */
interface Outlook {
  /** A model call is to begin. */
  step: boolean;
  /** Nothing of it runs, and it waits for nobody: whatever comes next is to begin. */
  stands: boolean;
}

/** One step of advancing. */
export function settleBudget(state: ThreadState, at: number, { step, stands }: Outlook, abort: Abort): ThreadState {
  const ticking = keepClock(state, at);
  if (ticking !== state) return ticking;
  const told = tellChildren(state, at);
  if (told !== state) return told;
  if (state.budget.stopping && !state.children.some(isBusy)) return withFlags(state, { stopping: false });
  if (isHeld(state)) return settleHold(state, at, step || stands);
  const agents = isWorkBelow(state);
  const excess = findExcess(state, at, { step, agents });
  return excess === null ? state : meetLimit(state, at, excess, abort);
}

/** Whether agents continue without this thread: not those that were asked to stop. */
function isWorkBelow({ children, budget }: ThreadState): boolean {
  return !budget.stopping && children.some(isBusy);
}

function withFlags(state: ThreadState, flags: Partial<ThreadState['budget']>): ThreadState {
  return { ...state, budget: { ...state.budget, ...flags } };
}

/** The clock of a turn runs while it is active, and stops while the thread is held or the turn waits for a person. */
function keepClock(state: ThreadState, at: number): ThreadState {
  const turn = limitedTurn(state);
  if (turn === null) return state;
  const still = isHeld(state) || (state.settings.waitingApart && waitsForPerson(state, turn));
  if (still && turn.clock !== null)
    return withTurn(state, { ...turn, spent: turnSpent(turn, at), clock: null, waitingSince: at });
  if (still || turn.clock !== null) return state;
  return withTurn(state, { ...turn, clock: at, waitedMs: waitedBy(turn, at), waitingSince: null });
}

/** A request is open and nothing of the turn runs meanwhile: no step, and no agent without a request of its own. */
function waitsForPerson(state: ThreadState, turn: ActiveTurn): boolean {
  const asked = state.requests.filter(({ type, origin }) => type !== 'budget' || origin !== null);
  if (asked.length === 0 || tasks.desiredActions(state, turn).some(({ type }) => type !== 'awaitTime')) return false;
  if (asked.some(({ turnId, origin }) => origin === null && turnId === turn.turnId)) return true;
  const isAsked = ({ threadId }: Child) =>
    asked.some(({ origin }) => origin !== null && `${origin.threadId}/`.startsWith(`${threadId}/`));
  const busy = state.children.filter(isBusy);
  return busy.length > 0 && busy.every(isAsked);
}

// --------------------------------------------------------------------------------------------------------- a limit

/**
 * Handles a limit that was reached: the thread above is notified if the limit is that thread's, a person is asked, or
 * the turn is aborted.
 */
function meetLimit(state: ThreadState, at: number, excess: Excess, abort: Abort): ThreadState {
  if (excess.scope === 'tree' && state.settings.parent !== null) return waitForWord(state, at);
  if (state.settings.unattended !== null) return stop(state, excess.scope === 'tree', describe(excess), abort);
  const { scope, limit, spent, max } = excess;
  const grants = state.settings.budget[scope]?.[limit] ?? 0;
  // Agents may be at work after the turn that started them has ended.
  const turnId = limitedTurn(state)?.turnId ?? state.children.find(isBusy)?.turnId ?? '';
  const amounts = { spent: toUnit(limit, spent), max: toUnit(limit, max), grants };
  return openBudgetRequest(state, at, { turnId, scope, limit, ...amounts, reason: describe(excess) });
}

function waitForWord(state: ThreadState, at: number): ThreadState {
  return reportUsage(withFlags(state, { waits: true }), at);
}

/** Aborts the active turn. Without one, the agents are interrupted, as they would be with a turn. */
function stop(state: ThreadState, tree: boolean, detail: string, abort: Abort): ThreadState {
  if (limitedTurn(state) !== null) return abort(state, detail);
  return tree ? withFlags(stopAgents(state, detail), { stopping: true }) : state;
}

/**
 * While the thread is held: withdraws requests that have lost their purpose, and reports to the thread above whether it
 * waits.
 */
function settleHold(state: ThreadState, at: number, begins: boolean): ThreadState {
  const agents = isWorkBelow(state);
  const idle = limitedTurn(state) === null && !agents;
  const request = state.requests.find(({ type, origin }) => type === 'budget' && origin === null);
  if (request !== undefined) return idle ? closeRequest(state, at, request.requestId, 'cancel', 'abort') : state;
  const { held, waits } = state.budget;
  if (waits) return idle ? reportUsage(withFlags(state, { waits: false }), at) : state;
  return held && (begins || agents) ? waitForWord(state, at) : state;
}

// --------------------------------------------------------------------------------------------------------- answers

/** Handles the answer of a person, or of the deadline, to a request for more. */
export function answerBudget(
  state: ThreadState,
  at: number,
  request: BudgetRequest,
  answer: { decision: BudgetRequest['default']; by: 'person' | 'deadline' | 'policy' | 'abort' },
  abort: Abort,
): ThreadState {
  const { scope, limit } = request;
  const closed = closeRequest(state, at, request.requestId, answer.decision, answer.by);
  if (answer.decision === 'accept' || answer.decision === 'acceptForSession') return grant(closed, at, scope, limit);
  const { spent, max } = request;
  const excess = { scope, limit, spent: toCounted(limit, spent), max: toCounted(limit, max) };
  return stop(closed, scope === 'tree', describe(excess), abort);
}

// -------------------------------------------------------------------------------------------------------- the tree

/** Holds the children while this thread is held because of the tree, and then sends them the rest of the budget. */
function tellChildren(state: ThreadState, at: number): ThreadState {
  if (state.children.length === 0) return state;
  const { held, waits } = state.budget;
  const hold = held || waits || isTreeUsedUp(state, at);
  const untold = state.children.filter((child) => isReached(child) && (child.held !== hold || (child.waits && !hold)));
  return untold.reduce((current, child) => {
    const payload: TreeBudget = { held: hold, limits: allowanceOf(state, at, child) };
    return withToldChild(send(current, child.threadId, { signal: 'treeBudget', payload }), {
      ...child,
      held: hold,
      waits: child.waits && hold,
    });
  }, state);
}

function isReached(child: Child): boolean {
  return child.status !== 'pendingInit' && !isOver(child) && !child.closing;
}

function withToldChild(state: ThreadState, child: Child): ThreadState {
  return { ...state, children: state.children.map((one) => (one.threadId === child.threadId ? child : one)) };
}

/** Handles a message of the thread above: what this one and its descendants may use up, and whether they are held. */
export function onTreeBudget(state: ThreadState, { held, limits }: TreeBudget): ThreadState {
  const settings = { ...state.settings, budget: { ...state.settings.budget, tree: limits } };
  const granted = { ...state.budget.granted, tree: NOTHING_SPENT };
  return withFlags({ ...state, settings }, { held, waits: false, granted });
}

// ----------------------------------------------------------------------------------------------------------- words

const WHOSE = { turn: 'This turn', thread: 'This thread', tree: 'This thread with its agents' };

function describe({ scope, limit, spent, max }: Excess): string {
  return `${WHOSE[scope]} has used up its budget of ${amount(limit, max)}: ${amount(limit, spent)}.`;
}

function amount(limit: LimitName, counted: number): string {
  switch (limit) {
    case 'tokens':
      return `${counted} tokens`;
    case 'steps':
      return `${counted} model steps`;
    case 'costUsd':
      return `$${toUnit(limit, counted)}`;
    case 'wallMs':
      return `${(counted / 1000).toFixed(1)} s`;
  }
}
