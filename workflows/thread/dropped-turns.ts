/** Turns that are taken out of the conversation: their items stay in history, and no model is shown them again. */
import type { Item, RollbackTurns } from '../../src/contract/index.ts';
import type { Refusal } from './admission.ts';
import { withoutCompactionsOver } from './context.ts';
import { addItem, emit } from './log.ts';
import type { ThreadState } from './state.ts';
import { withoutRecords } from './turn-records.ts';

type Dropped = Omit<Extract<Item, { type: 'turnsDropped' }>, 'id' | 'type' | 'step'>;

/** Drops turns that have ended. @param said `turnId` is that of the turn that drops them. */
export function dropTurns(state: ThreadState, at: number, said: Dropped): ThreadState {
  const going = state.turns.filter(({ turnId }) => said.dropped.includes(turnId));
  const firstItem = Math.min(...going.map((record) => record.firstItem));
  const context = withoutCompactionsOver(state.context, firstItem);
  return addItem(withoutRecords({ ...state, context }, said.dropped), at, { type: 'turnsDropped', step: 0, ...said });
}

/** The newest regular turns and whatever else began after the first of them; null where there are not so many. */
function newestTurns(state: ThreadState, numTurns: number): string[] | null {
  const regular = state.turns.filter(({ kind }) => kind === 'regular');
  const first = regular.at(-numTurns);
  if (regular.length < numTurns || first === undefined) return null;
  return state.turns.filter(({ firstItem }) => firstItem >= first.firstItem).map(({ turnId }) => turnId);
}

/** Why a rollback cannot be done as things stand; null where it can. */
export function refuseDrop(state: ThreadState, { numTurns }: RollbackTurns): Refusal | null {
  if (state.active !== null) {
    const reason = `Turn ${state.active.turnId} is active; interrupt it, or wait for its end, and roll back then.`;
    return { code: 'threadBusy', reason };
  }
  if (newestTurns(state, numTurns) !== null) return null;
  const there = state.turns.filter(({ kind }) => kind === 'regular').length;
  return {
    code: 'notEnoughTurns',
    reason: `Thread ${state.threadId} has ${there} turns to roll back, not ${numTurns}.`,
  };
}

/** Takes a rollback that {@link refuseDrop} has nothing against. Files stay as they are. */
export function rollBack(state: ThreadState, at: number, { numTurns }: RollbackTurns): ThreadState {
  const dropped = newestTurns(state, numTurns) ?? [];
  const said = { turnId: '', dropped, cause: 'rollback', files: null, notUndone: [] } as const;
  return emit(dropTurns(state, at, { ...said, notUndone: [] }), at, { type: 'thread/rolledBack', numTurns, dropped });
}
