import { describe, expect, it } from 'vitest';
import type { ForkedPast } from '../../../activities/contract.ts';
import type { StartThread } from '../../../src/contract/index.ts';
import { forkedState, toPast } from './fork.ts';
import { readItems } from '../state/log.ts';
import { SETTINGS, testThread } from '../testing/fixtures.ts';
import { toContext, toThreadView } from '../view/view.ts';

const START: StartThread = { threadId: 'fork', workspace: { cwd: SETTINGS.cwd } };
const SEGMENTS = [{ segmentId: 's', items: { from: 0, to: 4 }, events: { from: 1, to: 1 } }];
const SETTINGS_OF_SOURCE = {
  ...SETTINGS,
  title: 'mine',
  model: 'large',
  parent: { threadId: 'p', path: ['p'], role: 'agent' as const },
};

function pastOf(more: Partial<ForkedPast> = {}): ForkedPast {
  return {
    ...{ settings: SETTINGS_OF_SOURCE, segments: SEGMENTS, itemCount: 4, compactions: [], warnings: [] },
    ...{ turns: [], turnIds: ['a', 'b'], lastTurnId: 'b' },
    ...more,
  };
}

describe('a forked thread', () => {
  it('has the settings of its source but for title and parent, and those that it is given', () => {
    const { settings } = forkedState({ ...START, sandbox: 'read-only' }, { threadId: 'source' }, pastOf(), 5);
    expect(settings).toEqual({ ...SETTINGS_OF_SOURCE, title: '', parent: null, sandbox: 'read-only' });
    const agentIdentity = { mode: 'strict', account: 'other' } as const;
    expect(forkedState({ ...START, agentIdentity }, { threadId: 'source' }, pastOf(), 5).settings).toMatchObject({
      agentIdentity,
    });
  });

  it('begins to count events and continues to count items, and finds its past in the archive', () => {
    const thread = testThread();
    thread.restart(forkedState(START, { threadId: 'source' }, pastOf(), 5));
    thread.dispatch({ type: 'threadOpened', warnings: ['mind this'] });
    expect(thread.events()).toMatchObject([
      { seq: 1, type: 'thread/started', forkedFrom: { threadId: 'source', turnId: 'b' } },
      { seq: 2, type: 'warning', message: 'mind this' },
    ]);
    thread.submit('b');
    expect(thread.state.active).toBeNull();
    thread.submit('c');
    expect(thread.state.log.items).toMatchObject([{ id: 'item_4', turnId: 'c' }]);
    expect(readItems(thread.state.log, 2, 100)).toMatchObject({ archived: SEGMENTS[0], more: true });
    expect(toContext(thread.state, 0)).toMatchObject({ archived: SEGMENTS, from: 4 });
    expect(thread.input('callModel').contextVersion).toBe(5);
  });

  it('has the budgets of its source for the scopes that it is not given', () => {
    const settings = { ...SETTINGS_OF_SOURCE, budget: { turn: { tokens: 1 }, thread: { tokens: 2 } } };
    const start = { ...START, budget: { thread: { steps: 3 } } };
    const { settings: forked } = forkedState(start, { threadId: 'source' }, pastOf({ settings }), 5);
    expect(forked.budget).toEqual({ turn: { tokens: 1 }, thread: { steps: 3 } });
  });

  it('remembers the newest 200 turns of its source and 1,000 of their ids', () => {
    const turns = Array.from({ length: 201 }, (_, index) => ({
      ...{ turnId: `turn-${index}`, kind: 'regular' as const, status: 'completed' as const },
      ...{ firstItem: index, endItem: index + 1, startedAt: index },
    })) as unknown as ForkedPast['turns'];
    const turnIds = Array.from({ length: 1_001 }, (_, index) => `turn-${index}`);
    const state = forkedState(START, { threadId: 'source' }, pastOf({ turns, turnIds }), 5);
    expect(state.turns).toEqual(turns.slice(1));
    expect(state.knownTurnIds).toEqual(turnIds.slice(1));
  });

  it('sees what its source sees of a compacted history, and knows nothing of its size', () => {
    const compactions = [{ item: 3, upTo: 2, firstItem: 1 }];
    const state = forkedState(START, { threadId: 'source' }, pastOf({ compactions }), 5);
    expect(toContext(state, 0)).toMatchObject({ first: 1, compaction: 3 });
    expect(toThreadView(state).context).toMatchObject({ tokens: null, compactions: 1 });
  });
});

describe('what a fork is told of its source', () => {
  it('names no turn of a thread in which none runs', () => {
    expect(toPast(testThread().state)).toMatchObject({ running: [], turns: [] });
  });

  it('names the turns that ended and those that have not, with the numbers of their items', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer('fine');
    thread.submit('b');
    thread.submit('s', 'git status', { kind: 'user_shell' });
    thread.submit('q', 'later', { onBusy: 'queue' });
    expect(toPast(thread.state)).toMatchObject({
      itemCount: 4,
      turns: [{ turnId: 'a', status: 'completed', firstItem: 0, endItem: 2 }],
      running: [
        { turnId: 'b', kind: 'regular', firstItem: 2 },
        { turnId: 's', kind: 'user_shell', firstItem: 3 },
      ],
    });
  });
});
