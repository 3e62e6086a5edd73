/** Budgets as a thread advances: its clock, what it asks, what it says to the threads below and above. */
import { describe, expect, it } from 'vitest';
import type { Budget, ThreadRequest } from '../../../src/contract/index.ts';
import { everyRequest } from '../../../src/contract/test-every-type.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import type { ActiveTurn, Child, ThreadState } from '../state/state.ts';
import { testThread } from '../testing/fixtures.ts';
import { onTreeBudget, settleBudget } from './advance-budget.ts';

const PARENT = { threadId: 'p', path: ['p'], role: 'agent' as const };
const child = (threadId: string, more: Partial<Child> = {}): Child => ({
  ...{ threadId, name: threadId, role: 'agent', turnId: 'old', status: 'running', lastAgentMessage: null },
  ...{ start: null, openTurns: 1, closing: false, news: null, spent: NOTHING_SPENT, held: false, waits: false },
  ...more,
});
const request = (type: ThreadRequest['type'], more: object = {}) =>
  ({
    ...everyRequest('any').find((one) => one.type === type),
    requestId: 'req_1',
    turnId: 'a',
    origin: null,
    ...more,
  }) as ThreadRequest;
const from = (threadId: string) => ({ threadId, path: [threadId], requestId: 'req_1', answered: false });

const AT = 5_000;
interface Given {
  budget?: Budget;
  used?: number;
  settings?: Parameters<typeof testThread>[0];
  children?: Child[];
  requests?: ThreadRequest[];
  flags?: Partial<ThreadState['budget']>;
  /** Null for none. */
  turn?: Partial<ActiveTurn> | null;
}

function given({
  budget = {},
  used = 0,
  settings = {},
  children = [],
  requests = [],
  flags = {},
  turn = {},
}: Given = {}) {
  const thread = testThread({ budget, ...settings });
  thread.submit('a');
  const { state } = thread;
  const active = turn === null ? null : ({ ...state.active!, clock: 4_000, ...turn } as ActiveTurn);
  const own = { ...NOTHING_SPENT, tokens: used };
  return { ...state, active, children, requests, budget: { ...state.budget, own, ...flags } };
}

/** Settles until nothing changes. */
function settle(before: ThreadState, step = true, stands = false): { state: ThreadState; aborted: string[] } {
  const aborted: string[] = [];
  let state = before;
  for (let round = 0; round < 10; round++) {
    // A turn that is stopped begins no step.
    const begins = step && (state.active?.aborting ?? null) === null;
    const next = settleBudget(state, AT, { step: begins, stands }, (current, detail) => {
      aborted.push(detail);
      return {
        ...current,
        active: {
          ...current.active!,
          aborting: { reason: 'budgetLimited', detail, since: AT, awaiting: [], quiescent: true },
        },
      };
    });
    if (next === state) return { state, aborted };
    state = next;
  }
  throw new Error('It never settles');
}

const sent = ({ outbox }: ThreadState) => outbox.map(({ to, message }) => ({ to, ...message }));
const asked = ({ requests }: ThreadState) => requests.map(({ requestId }) => requestId);
const TREE = { tree: { tokens: 10 } };

describe('the clock of a turn', () => {
  const clock = (state: ThreadState) => settle(state).state.active;

  it('runs from when it is active, and what it waited is added up', () => {
    expect(clock(given({ turn: { clock: null, waitedMs: 5, waitingSince: 4_900 } }))).toMatchObject({
      clock: AT,
      waitedMs: 105,
      waitingSince: null,
    });
    expect(clock(given())).toMatchObject({ clock: 4_000, waitingSince: null });
  });

  it.each<[string, Given, boolean]>([
    ['the thread is held', { flags: { held: true } }, true],
    ['a request of the turn is open, and nothing of it runs', { requests: [request('fileChange')] }, true],
    ['that request is of another turn', { requests: [request('fileChange', { turnId: 'b' })] }, false],
    ['waiting is not counted apart', { requests: [request('fileChange')], settings: { waitingApart: false } }, false],
    [
      'every agent at work waits for a person',
      { requests: [request('fileChange', { origin: from('t1/1') })], children: [child('t1/1')] },
      true,
    ],
    [
      'one below an agent does',
      { requests: [request('fileChange', { origin: from('t1/1/2') })], children: [child('t1/1')] },
      true,
    ],
    [
      'another agent works on',
      { requests: [request('fileChange', { origin: from('t1/1') })], children: [child('t1/1'), child('t1/2')] },
      false,
    ],
    [
      'an agent works on whose id only begins alike',
      { requests: [request('fileChange', { origin: from('t1/1') })], children: [child('t1/11'), child('t1/1')] },
      false,
    ],
    [
      'the agent that asks is not at work',
      {
        requests: [request('fileChange', { origin: from('t1/1') })],
        children: [child('t1/1', { status: 'completed' })],
      },
      false,
    ],
    [
      'an agent asks for its budget',
      { requests: [request('budget', { origin: from('t1/1') })], children: [child('t1/1')] },
      true,
    ],
  ])('stands still if %s', (_, more, still) => {
    // A turn whose only call waits has no step under way.
    const stage = { type: 'tools', calls: [] } as never;
    const active = clock(given({ ...more, turn: { stage } as Partial<ActiveTurn> }));
    expect({ clock: active?.clock, waitingSince: active?.waitingSince }).toEqual(
      still ? { clock: null, waitingSince: AT } : { clock: 4_000, waitingSince: null },
    );
    if (still) expect(active?.spent.wallMs).toBe(1_000);
  });

  it('runs while a step of the turn does, whoever is asked', () => {
    expect(clock(given({ requests: [request('fileChange')] }))).toMatchObject({ clock: 4_000 });
  });
});

describe('a limit', () => {
  it.each<[Budget, Given, string]>([
    [{ thread: { tokens: 10 } }, { used: 12 }, 'This thread has used up its budget of 10 tokens: 12 tokens.'],
    [TREE, { used: 10 }, 'This thread with its agents has used up its budget of 10 tokens: 10 tokens.'],
    [{ turn: { wallMs: 900 } }, {}, 'This turn has used up its budget of 0.9 s: 1.0 s.'],
    [
      { thread: { steps: 2 } },
      { flags: { own: { ...NOTHING_SPENT, steps: 3 } } },
      'This thread has used up its budget of 2 model steps: 3 model steps.',
    ],
    [
      { thread: { costUsd: 0.5 } },
      { flags: { own: { ...NOTHING_SPENT, costMicroUsd: 750_000 } } },
      'This thread has used up its budget of $0.5: $0.75.',
    ],
  ])('is asked about in words, or aborts the turn if nobody watches: %j', (budget, more, words) => {
    expect(settle(given({ budget, ...more })).state.requests).toMatchObject([
      { type: 'budget', turnId: 'a', reason: words },
    ]);
    const { state, aborted } = settle(given({ budget, ...more, settings: { unattended: { approvals: 'accept' } } }));
    expect(state.requests).toEqual([]);
    expect(aborted).toEqual([words]);
  });

  it('of a tree below another thread is said to that one, once', () => {
    const { state } = settle(given({ budget: TREE, used: 10, settings: { parent: PARENT } }));
    expect(state.requests).toEqual([]);
    expect(state.budget.waits).toBe(true);
    expect(sent(state)).toMatchObject([
      { to: 'p', payload: { report: { type: 'usage', spent: { tokens: 10 }, waits: true } } },
    ]);
    expect(
      settle(given({ budget: { thread: { tokens: 10 } }, used: 10, settings: { parent: PARENT } })).state.requests,
    ).toHaveLength(1);
  });

  it('is asked about for agents that work on without a turn, in the name of the turn that started them', () => {
    const agents = given({
      budget: TREE,
      used: 10,
      turn: null,
      children: [child('t1/1', { status: 'completed' }), child('t1/2')],
    });
    expect(settle(agents, false).state.requests).toMatchObject([{ scope: 'tree', turnId: 'old' }]);
    expect(settle({ ...agents, children: [child('t1/1', { status: 'completed' })] }, false).state.requests).toEqual([]);
  });

  it('interrupts agents that work on without a turn if nobody watches, and not again', () => {
    const more = { settings: { unattended: { approvals: 'accept' as const } }, turn: null };
    const { state, aborted } = settle(given({ budget: TREE, used: 10, children: [child('t1/1')], ...more }), false);
    expect(aborted).toEqual([]);
    expect(state.budget.stopping).toBe(true);
    expect(sent(state).filter(({ signal }) => signal === 'interruptTurn')).toHaveLength(1);
    const over = settle({ ...state, children: [child('t1/1', { status: 'interrupted' })] }, false).state;
    expect(over.budget.stopping).toBe(false);
  });
});

describe('a thread that is held', () => {
  const held = (more: Given = {}) => given({ settings: { parent: PARENT }, flags: { held: true }, ...more });
  const reports = (state: ThreadState) => sent(state).map(({ payload }) => (payload as { report: object }).report);

  it('says that it waits once it could go on, and takes that back once it could not', () => {
    expect(reports(settle(held()).state)).toMatchObject([{ waits: true }]);
    expect(settle(held(), false).state.budget.waits).toBe(false);
    expect(settle(held(), false, true).state.budget.waits).toBe(true);
    const waiting = held({ flags: { held: true, waits: true } });
    expect(settle(waiting).state.budget.waits).toBe(true);
    const idle = settle({ ...waiting, active: null }, false).state;
    expect(idle.budget.waits).toBe(false);
    expect(reports(idle)).toMatchObject([{ waits: false }]);
  });

  it('waits for its agents as well', () => {
    const agents = held({ turn: null, children: [child('t1/1', { held: true })] });
    expect(settle(agents, false).state.budget.waits).toBe(true);
  });

  it('withdraws its own request once nothing is left that needs an answer, and never that of an agent', () => {
    const own = request('budget', { requestId: 'budget_1' });
    const below = request('budget', { requestId: 't1/1:budget_1', origin: from('t1/1') });
    const requests = [below, own];
    expect(asked(settle(given({ requests })).state)).toHaveLength(2);
    expect(asked(settle(given({ requests, turn: null }), false).state)).toEqual(['t1/1:budget_1']);
    const agents = given({ requests, turn: null, children: [child('t1/1', { held: true })] });
    expect(asked(settle(agents, false).state)).toHaveLength(2);
    const aborting = given({
      requests,
      children: [child('t1/1', { held: true })],
      flags: { stopping: true },
      turn: null,
    });
    expect(asked(settle(aborting, false).state)).toEqual(['t1/1:budget_1']);
  });
});

describe('the threads below', () => {
  it.each<[string, Partial<Child>, boolean]>([
    ['works', {}, true],
    ['is idle', { status: 'completed' }, true],
    ['is held already', { held: true }, false],
    ['has not started', { status: 'pendingInit' }, false],
    ['is over', { status: 'shutdown' }, false],
    ['is closing', { closing: true }, false],
  ])('are held when the tree is used up: one that %s', (_, more, told) => {
    const before = given({
      budget: TREE,
      used: 10,
      settings: { parent: PARENT },
      children: [child('t1/1', more), child('t1/2', { held: true })],
    });
    const { state } = settle(before);
    const budgets = sent(state).filter(({ signal }) => signal === 'treeBudget');
    expect(budgets).toEqual(
      told ? [{ to: 't1/1', signal: 'treeBudget', payload: { held: true, limits: { tokens: 1 } } }] : [],
    );
    expect(state.children.map((one) => one.held)).toEqual([told || more.held === true, true]);
  });

  it('learn what is left once they may go on, and no longer wait', () => {
    const waiting = child('t1/1', { held: true, waits: true, spent: { ...NOTHING_SPENT, tokens: 3 } });
    const { state } = settle(given({ budget: TREE, used: 2, children: [waiting, child('t1/2')] }));
    expect(sent(state)).toEqual([
      { to: 't1/1', signal: 'treeBudget', payload: { held: false, limits: { tokens: 3 + 5 } } },
    ]);
    expect(state.children).toMatchObject([{ held: false, waits: false }, { held: false }]);
  });

  it('are told again if one waits although it may go on', () => {
    const { state } = settle(given({ budget: TREE, children: [child('t1/1', { waits: true })] }));
    expect(sent(state)).toMatchObject([{ to: 't1/1', payload: { held: false } }]);
  });

  it.each([{ held: true }, { waits: true }])('are held with the thread: %j', (flags) => {
    const { state } = settle(given({ settings: { parent: PARENT }, flags, children: [child('t1/1')] }));
    expect(state.children).toMatchObject([{ held: true }]);
  });
});

describe('what the thread above allows', () => {
  it('replaces the limits of the tree with nothing granted, keeps the others, and ends the wait', () => {
    const before = given({ budget: { turn: { steps: 1 }, tree: { tokens: 1 } }, flags: { waits: true } });
    const granted = { thread: { ...NOTHING_SPENT, tokens: 1 }, tree: { ...NOTHING_SPENT, tokens: 2 } };
    const state = onTreeBudget(
      { ...before, budget: { ...before.budget, granted } },
      { held: true, limits: { tokens: 9 } },
    );
    expect(state.settings.budget).toEqual({ turn: { steps: 1 }, tree: { tokens: 9 } });
    expect(state.budget).toMatchObject({
      held: true,
      waits: false,
      granted: { thread: granted.thread, tree: NOTHING_SPENT },
    });
  });
});
