import { describe, expect, it } from 'vitest';
import type { Item, ThreadSettings } from '../../src/contract/index.ts';
import type { ThreadPast } from '../ports.ts';
import { cutPast } from './cut.ts';

const AT = { threadId: 'source', turnId: null, marker: '<turn_aborted>' };

const user = (turnId: string): Item => ({ id: 'x', type: 'userMessage', turnId, step: 0, content: [] });
const agent = (turnId: string): Item => ({ id: 'x', type: 'agentMessage', turnId, step: 1, text: turnId });
const shell = (turnId: string, status: 'completed' | 'inProgress' = 'completed'): Item => ({
  ...{ id: 'x', type: 'commandExecution', turnId, step: 2, callId: 'c', call: null, status, output: '' },
  ...{ command: 'ls', cwd: '/', source: 'agent', exitCode: null, durationMs: null },
});
const compaction = (turnId: string, upTo: number, keptItems: number[] = []): Item => ({
  ...{ id: 'x', type: 'contextCompaction', turnId, step: 0, trigger: 'manual', summary: '', userMessages: [] },
  ...{ provider: null, upTo, keptItems, tokensBefore: null, droppedEntries: 0, durationMs: 0 },
});

function record(turnId: string, firstItem: number, endItem: number): ThreadPast['turns'][number] {
  const snapshot = { status: 'taken' as const, commit: turnId };
  return { turnId, kind: 'regular', status: 'completed', firstItem, endItem, snapshot };
}

function past(items: readonly Item[], more: Partial<ThreadPast> = {}): ThreadPast {
  const settings = {} as ThreadSettings;
  return { settings, itemCount: items.length, turns: [], running: [], compactions: [], ...more };
}

const told = (items: readonly Item[] | undefined) => items?.map(({ type, turnId }) => `${type} ${turnId}`);

describe('a fork', () => {
  const items = [user('a'), agent('a'), user('b'), agent('b'), user('c'), agent('c')];
  const turns = [record('a', 0, 2), record('b', 2, 4), record('c', 4, 6)];

  it('takes over everything that has ended, numbered from 0, and of turns what is said of them', () => {
    const cut = cutPast(past(items, { turns }), items, AT);
    expect(cut).toMatchObject({ lastTurnId: 'c', turnIds: ['a', 'b', 'c'], end: 6, cutOff: null });
    expect(cut?.items).toEqual(items.map((item, index) => ({ ...item, id: `item_${index}` })));
    const snapshot = { status: 'missing', reason: 'the turn was taken over from thread source, which has its files.' };
    expect(cut?.turns).toEqual(turns.map((turn) => ({ ...turn, snapshot })));
  });

  it('leaves sessions to the source, and ends the items of those that run', () => {
    const session = (status: 'inProgress' | 'completed' | 'failed', more: object = {}): Item => ({
      ...{ id: 'x', type: 'commandSession', turnId: '', step: 0, sessionId: 1, command: 'npm start', cwd: '/' },
      ...{ status, output: '', exitCode: null, durationMs: null, ...more },
    });
    const some = [
      user('a'),
      session('completed', { continuesAs: 'item_4' }),
      session('failed'),
      user('b'),
      session('inProgress'),
    ];
    const ends = [record('a', 0, 3), record('b', 3, 5)];
    const left = { status: 'aborted', output: 'It is a session of the thread that was forked.' };
    const all = cutPast(past(some, { turns: ends }), some, AT)?.items;
    expect(all?.slice(1, 3)).toMatchObject([{ status: 'completed', continuesAs: 'item_4' }, { status: 'failed' }]);
    expect(all?.[4]).toMatchObject(left);
    const first = cutPast(past(some, { turns: ends }), some, { ...AT, turnId: 'a' })?.items;
    expect(first?.slice(1)).toMatchObject([left, { status: 'failed' }]);
    expect(first?.[1]).not.toHaveProperty('continuesAs');
  });

  it('ends with the turn that is named', () => {
    const cut = cutPast(past(items, { turns }), items, { ...AT, turnId: 'b' });
    expect(told(cut?.items)).toEqual(told(items.slice(0, 4)));
    expect(cut).toMatchObject({ lastTurnId: 'b', turnIds: ['a', 'b'], turns: [{ turnId: 'a' }, { turnId: 'b' }] });
  });

  it('finds a turn that is remembered no more by what it left, and knows no other', () => {
    expect(told(cutPast(past(items), items, { ...AT, turnId: 'a' })?.items)).toEqual(told(items.slice(0, 2)));
    expect(cutPast(past(items, { turns }), items, { ...AT, turnId: 'nowhere' })).toBeNull();
  });

  it('takes over dropped turns with the item that says so, and without it where it comes later', () => {
    const dropping: Item = {
      ...{ id: 'x', type: 'turnsDropped', turnId: '', step: 0, dropped: ['b'], cause: 'rollback', files: null },
      notUndone: [],
    };
    const rolledBack = [...items.slice(0, 4), dropping, user('c'), agent('c')];
    const known = past(rolledBack, { turns: [record('a', 0, 2), record('c', 5, 7)] });
    expect(cutPast(known, rolledBack, AT)?.items).toHaveLength(7);
    expect(told(cutPast(known, rolledBack, { ...AT, turnId: 'b' })?.items)).toEqual(told(items.slice(0, 4)));
  });

  it('leaves out a turn beside that went on after the named one, and closes the gap', () => {
    const mixed = [user('a'), shell('beside'), agent('a'), user('b'), agent('b')];
    const known = past(mixed, { turns: [record('a', 0, 3), record('beside', 1, 4), record('b', 3, 5)] });
    const cut = cutPast(known, mixed, { ...AT, turnId: 'a' });
    expect(told(cut?.items)).toEqual(['userMessage a', 'agentMessage a']);
    expect(cut?.items.map(({ id }) => id)).toEqual(['item_0', 'item_1']);
    expect(cut?.turns).toMatchObject([{ turnId: 'a', firstItem: 0, endItem: 2 }]);
  });

  it('cuts off a turn in progress, with a marker, and leaves out others that are', () => {
    const going = [...items.slice(0, 4), user('c'), shell('c', 'inProgress'), shell('beside', 'inProgress')];
    const running = [
      { turnId: 'c', kind: 'regular' as const, firstItem: 4, snapshot: null },
      { turnId: 'beside', kind: 'user_shell' as const, firstItem: 6, snapshot: null },
    ];
    const known = past(going, { turns: turns.slice(0, 2), running });
    const cut = cutPast(known, going, AT);
    expect(cut).toMatchObject({ lastTurnId: 'c', cutOff: 'c' });
    expect(cut?.items.slice(4)).toMatchObject([
      { id: 'item_4', type: 'userMessage', turnId: 'c' },
      { id: 'item_5', type: 'commandExecution', status: 'aborted' },
      { id: 'item_6', type: 'turnAborted', turnId: 'c', step: 2, text: '<turn_aborted>' },
    ]);
    expect(cut?.turns.at(-1)).toMatchObject({ turnId: 'c', status: 'aborted', firstItem: 4, endItem: 7 });
    expect(cutPast(known, going, { ...AT, turnId: 'c' })?.items).toEqual(cut?.items);
    expect(told(cutPast(known, going, { ...AT, turnId: 'b' })?.items)).toEqual(told(items.slice(0, 4)));
  });

  it('keeps the compactions among what it takes over, by their new numbers', () => {
    const compacted = [user('a'), shell('beside'), agent('a'), compaction('m', 3, [1, 2]), user('b'), agent('b')];
    const known = past(compacted, {
      turns: [record('a', 0, 3), record('m', 3, 4), record('b', 4, 6), record('beside', 1, 6)],
      running: [],
      compactions: [{ item: 3, upTo: 3, firstItem: 1 }],
    });
    const cut = cutPast(known, compacted, { ...AT, turnId: 'm' });
    expect(cut?.items[2]).toMatchObject({ type: 'contextCompaction', upTo: 2, keptItems: [1] });
    expect(cut?.compactions).toEqual([{ item: 2, upTo: 2, firstItem: 1 }]);
    expect(cutPast(known, compacted, { ...AT, turnId: 'a' })?.compactions).toEqual([]);
  });
});
