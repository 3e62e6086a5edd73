/** Usage of a turn, of a thread, and of a thread with all its descendants. Pure sums. */
import type { Spent } from '../../../src/contract/index.ts';
import { plus } from '../../../src/contract/plain/amounts.ts';
import type { ActiveTurn, ThreadState } from './state.ts';

export function turnSpent(turn: Pick<ActiveTurn, 'spent' | 'clock'>, at: number): Spent {
  const running = turn.clock === null ? 0 : Math.max(0, at - turn.clock);
  return { ...turn.spent, wallMs: turn.spent.wallMs + running };
}

/** Milliseconds that a turn waited for a person. */
export function waitedBy(
  { waitedMs, waitingSince }: Pick<ActiveTurn, 'waitedMs' | 'waitingSince'>,
  at: number,
): number {
  return waitedMs + (waitingSince === null ? 0 : Math.max(0, at - waitingSince));
}

/** The thread counts tokens of an active turn at once, and its time when the turn has ended. */
export function threadSpent({ active, budget }: ThreadState, at: number): Spent {
  const wallMs = active?.limited === true ? turnSpent(active, at).wallMs : 0;
  return { ...budget.own, wallMs: budget.own.wallMs + wallMs };
}

export function treeSpent(state: ThreadState, at: number): Spent {
  const own = plus(threadSpent(state, at), state.budget.forgotten);
  return state.children.reduce((sum, child) => plus(sum, child.spent), own);
}
