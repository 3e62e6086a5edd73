/** Turns that are taken out of the conversation, and put back. */
import { describe, expect, it } from 'vitest';
import type { CountedCompaction } from '../state/context.ts';
import type { Redo, ThreadState, TurnRecord } from '../state/state.ts';
import { testThread } from '../testing/fixtures.ts';
import { forgetUndos, refuseDrop, restoreTurns, rollBack, undoTurns } from './dropped-turns.ts';

/** Each turn has ten items. */
const turn = (turnId: string, number: number, kind: TurnRecord['kind'] = 'regular'): TurnRecord => ({
  ...{ turnId, kind, status: 'completed', firstItem: number * 10, endItem: number * 10 + 10 },
  snapshot: { status: 'taken', commit: `commit-${turnId}` },
});
const compactedAt = (item: number): CountedCompaction => ({ item, upTo: item - 1, firstItem: item - 1 });

const TURNS = [turn('a', 0), turn('b', 1), turn('shell', 2, 'user_shell'), turn('c', 3)];
const COMPACTIONS = [5, 15, 35].map(compactedAt);

function conversation(more: Partial<ThreadState> = {}): ThreadState {
  const { state } = testThread({ snapshots: true });
  const context = { ...state.context, compactions: COMPACTIONS, tokens: 70, floor: 30 };
  return { ...state, turns: TURNS, context, ...more };
}

const DROP = { turnId: 'undo', dropped: ['b', 'c'], cause: 'undo', files: null, notUndone: [] } as const;
const said = { ...DROP, dropped: ['b', 'c'], notUndone: [] };
const FILES = { before: 'c1', after: 'c2' };
const ids = ({ turns }: ThreadState) => turns.map(({ turnId }) => turnId);
const REDONE = { files: { restored: 1, deleted: 0, merged: 0, kept: 0 }, paths: [], morePaths: 0, notRedone: [] };

describe('an undo', () => {
  it('takes the turns out, with the compactions that cover them, and remembers both', () => {
    const undone = undoTurns(conversation(), 5, said, FILES);
    expect(ids(undone)).toEqual(['a', 'shell']);
    expect(undone.context).toMatchObject({ compactions: COMPACTIONS.slice(0, 1), tokens: null, floor: null });
    expect(undone.redo).toEqual([
      { turnId: 'undo', records: [TURNS[1], TURNS[3]], compactions: COMPACTIONS.slice(1), files: FILES },
    ]);
    expect(undone.log.items.at(-1)).toMatchObject({
      type: 'turnsDropped',
      turnId: 'undo',
      dropped: ['b', 'c'],
      step: 0,
    });
  });

  it.each([
    [FILES, false, true],
    [null, true, true],
    [null, false, false],
    [FILES, true, true],
  ])(
    'keeps the snapshots of its turns, and its own if it changed files (%j, kept before: %s)',
    (files, kept, keeps) => {
      const state = conversation();
      const before = { ...state, snapshots: { ...state.snapshots, kept, release: ['old'] } };
      expect(undoTurns(before, 5, said, files).snapshots).toMatchObject({ kept: keeps, release: ['old'] });
    },
  );

  it('comes after those that can be taken back already', () => {
    const first = undoTurns(conversation(), 5, { ...said, dropped: ['c'] }, null);
    const second = undoTurns(first, 6, { ...said, turnId: 'second', dropped: ['b'] }, null);
    expect(second.redo?.map(({ turnId }) => turnId)).toEqual(['undo', 'second']);
  });
});

describe('taking an undo back', () => {
  it('puts turns and compactions back where they were, and sizes are not known', () => {
    const undone = undoTurns(conversation(), 5, said, FILES);
    const [target] = undone.redo!;
    const other: Redo = { ...target!, turnId: 'other' };
    const state = { ...undone, redo: [other, target!], context: { ...undone.context, tokens: 7, floor: 3 } };
    const restored = restoreTurns(state, 6, 'redo', target!, REDONE);
    expect(restored.turns).toEqual(TURNS);
    expect(restored.context).toEqual({ ...undone.context, compactions: COMPACTIONS, tokens: null, floor: null });
    expect(restored.redo).toEqual([other]);
    expect(restored.log.items.at(-1)).toMatchObject({
      type: 'turnsRestored',
      turnId: 'redo',
      restored: ['b', 'c'],
      step: 0,
    });
    expect(restored.snapshots.release).toHaveLength(2);
  });

  it('adds no compaction twice that an earlier release has kept, and releases nothing if no file changed', () => {
    const target: Redo = { turnId: 'undo', records: [TURNS[3]!], compactions: COMPACTIONS, files: null };
    const state = conversation({ turns: TURNS.slice(0, 3), redo: [target] });
    const context = { ...state.context, compactions: COMPACTIONS.slice(0, 2) };
    const restored = restoreTurns({ ...state, context }, 6, 'redo', target, REDONE);
    expect(restored.context.compactions).toEqual(COMPACTIONS);
    expect(restored.snapshots.release).toEqual([]);
    const { redo: _, ...without } = state;
    expect(restoreTurns(without, 6, 'redo', target, REDONE).redo).toEqual([]);
  });

  it('is no longer possible once the conversation has continued: what it needs is released', () => {
    const undone = undoTurns(conversation(), 5, said, FILES);
    const { redo, snapshots } = forgetUndos(undone);
    expect(redo).toEqual([]);
    expect(snapshots.release).toHaveLength(4);
    expect(snapshots.release.slice(0, 2)).toEqual(['b', 'c']);
    const none = conversation({ redo: [] });
    expect(forgetUndos(none)).toBe(none);
    const { redo: _, ...without } = none;
    expect(forgetUndos(without)).toBe(without);
  });
});

describe('a rollback', () => {
  it.each([
    [1, ['c']],
    [2, ['b', 'shell', 'c']],
    [3, ['a', 'b', 'shell', 'c']],
  ])('of %d counts the turns of the conversation, and takes those between them along', (numTurns, dropped) => {
    const state = conversation();
    expect(refuseDrop(state, { numTurns })).toBeNull();
    const rolled = rollBack(state, 5, { numTurns });
    expect(ids(rolled)).toEqual(ids(state).filter((id) => !dropped.includes(id)));
    expect(rolled.log.items.at(-1)).toMatchObject({ type: 'turnsDropped', cause: 'rollback', dropped, notUndone: [] });
    expect(rolled.log.events.at(-1)).toMatchObject({ type: 'thread/rolledBack', numTurns, dropped });
  });

  it('of more turns than there are is refused, with their number', () => {
    expect(refuseDrop(conversation(), { numTurns: 4 })).toEqual({
      code: 'notEnoughTurns',
      reason: 'Thread t1 has 3 turns to roll back, not 4.',
    });
    expect(refuseDrop(conversation({ turns: [] }), { numTurns: 1 })?.reason).toContain('has 0 turns');
  });

  it('is refused while a turn is active', () => {
    const thread = testThread();
    thread.submit('a');
    expect(refuseDrop(thread.state, { numTurns: 1 })).toMatchObject({ code: 'threadBusy' });
  });
});
