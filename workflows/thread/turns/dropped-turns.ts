/**
 * Turns that are removed from the conversation: their items stay in history, but no model sees them. Taking an undo
 * back restores its turns.
 */
import type { Item, RollbackTurns } from '../../../src/contract/index.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import type { RedoneFiles } from '../../../activities/contract.ts';
import { actionIds } from '../state/actions.ts';
import type { Refusal } from '../state/refusal.ts';
import { type ContextState, withoutCompactionsOver } from '../state/context.ts';
import { addItem, emit } from '../state/log.ts';
import type { Redo, ThreadState } from '../state/state.ts';
import { releaseLater, withoutRecords } from '../state/turn-records.ts';
import { plural } from '../../../src/contract/plain/plural.ts';

type Dropped = Omit<Extract<Item, { type: 'turnsDropped' }>, 'id' | 'type' | 'step'>;

/** Removes turns that have ended. @param said `turnId` is that of the turn that removes them. */
export function dropTurns(state: ThreadState, at: number, said: Dropped): ThreadState {
  const going = state.turns.filter(({ turnId }) => said.dropped.includes(turnId));
  const firstItem = Math.min(...going.map((record) => record.firstItem));
  const context = withoutCompactionsOver(state.context, firstItem);
  return addItem(withoutRecords({ ...state, context }, said.dropped), at, { type: 'turnsDropped', step: 0, ...said });
}

/** Removes the turns of an undo, and remembers how to take it back. */
export function undoTurns(state: ThreadState, at: number, said: Dropped, files: Redo['files']): ThreadState {
  const records = state.turns.filter(({ turnId }) => said.dropped.includes(turnId));
  const dropped = dropTurns(state, at, said);
  const compactions = state.context.compactions.filter((one) => !dropped.context.compactions.includes(one));
  const undone = { turnId: said.turnId, records, compactions, files };
  // Their snapshots are needed until the undo can no longer be taken back.
  const { snapshots } = state;
  const kept = files !== null || snapshots.kept;
  return {
    ...dropped,
    snapshots: { ...dropped.snapshots, kept, release: snapshots.release },
    redo: [...(state.redo ?? []), undone],
  };
}

/** Takes back an undo. */
export function restoreTurns(
  state: ThreadState,
  at: number,
  turnId: string,
  target: Redo,
  done: RedoneFiles,
): ThreadState {
  const { records } = target;
  const compactions = union(state.context.compactions, target.compactions);
  const turns = [...state.turns, ...records].sort((a, b) => a.firstItem - b.firstItem);
  const context = { ...state.context, compactions, tokens: null, floor: null };
  const redo = (state.redo ?? []).filter((one) => one.turnId !== target.turnId);
  const restored = records.map((record) => record.turnId);
  const next = releaseLater({ ...state, turns, context, redo }, namesOf(target));
  return addItem(next, at, { type: 'turnsRestored', turnId, step: 0, restored, ...done });
}

/** Earlier releases kept all compactions from before the undo, and not only those that it removed. */
function union(some: ContextState['compactions'], others: ContextState['compactions']): ContextState['compactions'] {
  const known = new Set(some.map(({ item }) => item));
  return [...some, ...others.filter(({ item }) => !known.has(item))].sort((a, b) => a.item - b.item);
}

/** Undos can no longer be taken back: the conversation has continued differently. */
export function forgetUndos(state: ThreadState): ThreadState {
  const { redo = [], ...rest } = state;
  if (redo.length === 0) return state;
  const names = redo.flatMap((one) => [...one.records.map(({ turnId }) => turnId), ...namesOf(one)]);
  return releaseLater({ ...rest, redo: [] }, names);
}

/** The names of the snapshots before and after an undo; see `activities/git/undo-files.ts`. */
function namesOf({ turnId: undoTurnId, files }: Pick<Redo, 'turnId' | 'files'>): string[] {
  if (files === null) return [];
  return ['start', 'end'].map((when) => `${actionIds.undo(undoTurnId)}-${when}`);
}

/** The newest regular turns and every other turn that began after the first of them; null if there are fewer. */
function newestTurns(state: ThreadState, numTurns: number): string[] | null {
  const regular = state.turns.filter(({ kind }) => kind === CONVERSATION);
  const first = regular.at(-numTurns);
  if (regular.length < numTurns || first === undefined) return null;
  return state.turns.filter(({ firstItem }) => firstItem >= first.firstItem).map(({ turnId }) => turnId);
}

/** The reason why a rollback cannot be done now; null if it can. */
export function refuseDrop(state: ThreadState, { numTurns }: RollbackTurns): Refusal | null {
  if (state.active !== null) {
    const reason = `Turn ${state.active.turnId} is active; interrupt it, or wait for its end, and roll back then.`;
    return { code: 'threadBusy', reason };
  }
  if (newestTurns(state, numTurns) !== null) return null;
  const there = state.turns.filter(({ kind }) => kind === CONVERSATION).length;
  return {
    code: 'notEnoughTurns',
    reason: `Thread ${state.threadId} has ${plural(there, 'turn')} to roll back, not ${numTurns}.`,
  };
}

/** Performs a rollback that {@link refuseDrop} allows. Files stay as they are. */
export function rollBack(state: ThreadState, at: number, { numTurns }: RollbackTurns): ThreadState {
  const dropped = newestTurns(state, numTurns) ?? [];
  const said = { turnId: '', dropped, cause: 'rollback', files: null, notUndone: [] } as const;
  return emit(dropTurns(forgetUndos(state), at, { ...said, notUndone: [] }), at, {
    type: 'thread/rolledBack',
    numTurns,
    dropped,
  });
}
