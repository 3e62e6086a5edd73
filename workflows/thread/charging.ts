/** What model calls use up, added to the turn and to the thread. */
import type { TokenUsage } from '../../src/contract/index.ts';
import { emit } from './log.ts';
import { type ActiveTurn, type ThreadState, addUsage } from './state.ts';
import { quieten, withTurn } from './turns.ts';

/** What one answer of a model used up. */
export interface ModelSpending {
  usage: TokenUsage;
  /** Null for a model without a price; histories of before there were prices have none. */
  costMicroUsd?: number | null;
}

/** Adds it to the turn, which is in the state as it is given, and to the thread. */
export function charge<T extends ActiveTurn>(
  state: ThreadState,
  at: number,
  turn: T,
  model: string,
  spending: ModelSpending,
): { state: ThreadState; turn: T } {
  const usage = { ...spending.usage, costMicroUsd: spending.costMicroUsd ?? null };
  const charged = { ...turn, usage: addUsage(turn.usage, usage) };
  const counted = withTurn({ ...state, usage: addUsage(state.usage, usage) }, charged);
  return { state: spending.costMicroUsd === null ? warnOfPrice(counted, at, model) : counted, turn: charged };
}

/**
 * The end of a model call that an aborted turn waited for. The answer, where there is one, is dropped and counted, and paid
 * for all the same.
 */
export function quietenAndCharge(
  state: ThreadState,
  at: number,
  turn: ActiveTurn,
  actionId: string,
  model: string,
  answer: ModelSpending | null,
): ThreadState {
  if (answer === null) return quieten(state, turn, actionId, true);
  const counters = { ...state.counters, droppedResults: state.counters.droppedResults + 1 };
  const charged = charge({ ...state, counters }, at, turn, model, answer);
  return quieten(charged.state, charged.turn, actionId, true);
}

/** Once for each model in the life of a thread. */
function warnOfPrice(state: ThreadState, at: number, model: string): ThreadState {
  if (state.unpriced.includes(model)) return state;
  const message = `Model ${model} has no price, so what it costs is not known. Give it one in the file that BOBBIN_PRICES names.`;
  return emit({ ...state, unpriced: [...state.unpriced, model] }, at, { type: 'warning', message });
}
