/** Usage of model calls, added to the turn and to the thread. */
import type { TokenUsage } from '../../../src/contract/index.ts';
import { emit } from '../state/log.ts';
import { report } from './outbox.ts';
import { treeSpent } from '../state/spending.ts';
import { type ActiveTurn, type ThreadState, addUsage } from '../state/state.ts';
import type { StepEvent } from '../state/steps.ts';
import { onStepStopped, withTurn } from './turns.ts';
import { plus } from '../../../src/contract/plain/amounts.ts';

/** Usage of one answer of a model. */
export interface ModelSpending {
  usage: TokenUsage;
  /** Null for a model without a price; histories from before prices have none. */
  costMicroUsd?: number | null;
}

/** Adds the usage to the given turn, which is in the state, and to the thread. */
export function charge<T extends ActiveTurn>(
  state: ThreadState,
  at: number,
  turn: T,
  model: string,
  spending: ModelSpending,
): { state: ThreadState; turn: T } {
  const { usage, used } = toAmounts(spending);
  const charged = { ...turn, usage: addUsage(turn.usage, usage), spent: plus(turn.spent, used) };
  const spent = withTurn(addToThread(state, spending), charged);
  const counted = state.settings.budget.tree === undefined ? spent : reportUsage(spent, at);
  return { state: spending.costMicroUsd === null ? warnOfPrice(counted, at, model) : counted, turn: charged };
}

/** Adds usage that came too late for any turn to the thread alone. */
export function chargeThread(state: ThreadState, at: number, spending: ModelSpending): ThreadState {
  return reportUsage(addToThread(state, spending), at);
}

function addToThread(state: ThreadState, spending: ModelSpending): ThreadState {
  const { usage, used } = toAmounts(spending);
  const budget = { ...state.budget, own: plus(state.budget.own, used) };
  return { ...state, usage: addUsage(state.usage, usage), budget };
}

function toAmounts({ usage, costMicroUsd = null }: ModelSpending) {
  const used = { tokens: usage.totalTokens, costMicroUsd: costMicroUsd ?? 0, steps: 1, wallMs: 0 };
  return { usage: { ...usage, costMicroUsd }, used };
}

/** Reports to the thread above what this one and its descendants have used up. */
export function reportUsage(state: ThreadState, at: number): ThreadState {
  return report(state, { type: 'usage', spent: treeSpent(state, at), waits: state.budget.waits });
}

/**
 * The end of a model call that an aborted turn waited for. If there is an answer, it is dropped, but its usage is
 * counted and charged.
 */
export function quietenAndCharge(
  state: ThreadState,
  turn: ActiveTurn,
  { id, at }: StepEvent,
  { model, answer }: { model: string; answer: ModelSpending | null },
): ThreadState {
  if (answer === null) return onStepStopped(state, turn, id, true);
  const counters = { ...state.counters, droppedResults: state.counters.droppedResults + 1 };
  const charged = charge({ ...state, counters }, at, turn, model, answer);
  return onStepStopped(charged.state, charged.turn, id, true);
}

/** Models whose warning is remembered. */
const WARNED = 100;

/** Once per model and thread. */
function warnOfPrice(state: ThreadState, at: number, model: string): ThreadState {
  if (state.unpriced.includes(model)) return state;
  const message = `Model ${model} has no price, so what it costs is not known. Give it one in models.json.`;
  return emit({ ...state, unpriced: [...state.unpriced, model].slice(-WARNED) }, at, { type: 'warning', message });
}
