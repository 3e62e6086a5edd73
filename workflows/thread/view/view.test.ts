/** What readers, the Temporal UI and model steps see of a thread. */
import { describe, expect, it } from 'vitest';
import type { Item, ThreadRequest } from '../../../src/contract/index.ts';
import { everyRequest } from '../../../src/contract/test-every-type.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import type { ThreadState } from '../state/state.ts';
import { type TestThread, testThread, text } from '../testing/fixtures.ts';
import { toCurrentDetails } from './current-details.ts';
import { isInFirstStep, toSearchValues } from './search-values.ts';
import { firstPrompt, toPromptLine, toStaticTexts } from './static-details.ts';
import { toContext, toPhase, toThreadView } from './view.ts';

function open(settings: Parameters<typeof testThread>[0] = {}): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  return thread;
}

const requestOf = (type: ThreadRequest['type']) =>
  ({ ...everyRequest('any').find((one) => one.type === type), origin: null }) as ThreadRequest;
const ABORTING = { reason: 'interrupted', detail: null, since: 1, awaiting: ['x'], quiescent: true } as const;

describe('the context of a model step', () => {
  const item = (n: number, status = 'completed') =>
    ({ id: `item_${n}`, type: 'commandExecution', status }) as unknown as Item;
  const segment = (from: number, to: number) => ({
    segmentId: `${from}`,
    items: { from, to },
    events: { from: 1, to: 2 },
  });

  function state(more: { firstItem?: number; statuses?: string[]; from?: number } = {}): ThreadState {
    const { firstItem = 10, statuses = ['completed', 'completed', 'inProgress', 'inProgress'], from } = more;
    const { state: base } = testThread();
    const items = statuses.map((status, n) => item(firstItem + n, status));
    const compactions = from === undefined ? [] : [{ item: from + 1, upTo: from, firstItem: from }];
    const archived = [segment(0, 5), segment(5, 10)];
    return { ...base, context: { ...base.context, compactions }, log: { ...base.log, items, firstItem, archived } };
  }

  it.each([
    ['from the first item that it asks for', {}, 12, { from: 12, first: 0, compaction: null, archived: 0 }],
    ['from the first that is not archived', {}, 0, { from: 10, first: 0, compaction: null, archived: 2 }],
    ['with the segments that it lacks', {}, 5, { from: 10, first: 0, compaction: null, archived: 1 }],
    ['from what a compaction left', { from: 11 }, 0, { from: 11, first: 11, compaction: 12, archived: 0 }],
    ['with the segments after a compaction', { from: 7 }, 0, { from: 10, first: 7, compaction: 8, archived: 1 }],
  ])('has the items %s', (_, given, after, expected) => {
    const context = toContext(state(given), after);
    const { from, first, compaction } = context;
    expect({ from, first, compaction, archived: context.archived.length }).toEqual(expected);
    expect(context.items.map(({ id }) => id)).toEqual(
      [10, 11, 12, 13].filter((n) => n >= from).map((n) => `item_${n}`),
    );
  });

  it('says up to where nothing changes any more', () => {
    expect(toContext(state(), 0).stable).toBe(12);
    expect(toContext(state({ statuses: ['completed', 'completed'] }), 0).stable).toBe(12);
  });
});

describe('the view of a thread', () => {
  it('has its turns: the active one, those beside it, and those that wait', () => {
    const thread = open();
    const started = thread.at;
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    thread.submit('later', 'do that', { onBusy: 'queue', overrides: { model: 'other' } });
    const view = toThreadView(thread.state);
    expect(view).toMatchObject({
      ...{ threadId: 't1', status: 'active', activeFlags: [], turnCount: 0, runCount: 1, itemCount: 2 },
      activeTurn: { turnId: 'a', kind: 'regular', startedAt: started, phase: { type: 'callingModel', step: 1 } },
      besideTurns: [{ turnId: 'shell', startedAt: started + 1, command: 'sleep 5' }],
      queuedTurns: [{ turnId: 'later', kind: 'regular', text: 'do that', chars: 7, overrides: { model: 'other' } }],
    });
    expect(view.lastSeq).toBe(thread.events().length);
    thread.answer('done');
    thread.answer('done');
    expect(toThreadView(thread.state)).toMatchObject({ status: 'idle', activeTurn: null, turnCount: 2 });
  });

  it.each([
    [{ task: 'lint', input: [] }, 'lint'],
    [{ task: 'lint', input: text('src') }, 'lint src'],
    [{ review: { target: { type: 'uncommittedChanges' as const } }, input: [] }, 'current changes'],
  ])('shows what a turn that waits is about: %j', (more, shown) => {
    const { state } = testThread();
    const queued = { turnId: 'a', kind: 'custom' as const, overrides: {}, ...more };
    expect(toThreadView({ ...state, queue: [queued] }).queuedTurns).toMatchObject([
      { text: shown, chars: shown.length },
    ]);
  });

  it('says what it waits for', () => {
    const flags = (...types: ThreadRequest['type'][]) =>
      toThreadView({ ...testThread().state, requests: types.map(requestOf) }).activeFlags;
    expect(flags()).toEqual([]);
    expect(flags('fileChange', 'budget')).toEqual(['waitingOnApproval']);
    expect(flags('userInput')).toEqual(['waitingOnUserInput']);
    expect(flags('userInput', 'mcpToolCall')).toEqual(['waitingOnApproval', 'waitingOnUserInput']);
  });

  it('has the limit of the context if it is that of its model', () => {
    const { state } = testThread();
    const of = (model: string) => {
      const limit = { model, compactAt: 500 };
      return toThreadView({ ...state, context: { ...state.context, tokens: 7, limit } }).context;
    };
    expect(of('offline/test')).toEqual({ tokens: 7, compactAt: 500, firstItem: 0, compactions: 0 });
    expect(of('offline/other')).toMatchObject({ compactAt: null });
    expect(toThreadView(state).context).toMatchObject({ compactAt: null });
  });

  it('has what was used up: by the turn, by the thread, by the tree, and the time waited for a person', () => {
    const thread = open();
    const { active, budget } = thread.state;
    const state = {
      ...thread.state,
      active: { ...active!, waitedMs: 30 },
      budget: { ...budget, own: { ...NOTHING_SPENT, tokens: 9 }, waitedMs: 12 },
    };
    expect(toThreadView(state).budget).toMatchObject({
      turn: { waitedMs: 30 },
      thread: { spent: { tokens: 9 }, waitedMs: 42 },
      tree: { spent: { tokens: 9 } },
    });
    const unlimited = { ...state, active: { ...state.active, limited: false } };
    expect(toThreadView(unlimited).budget).toMatchObject({ turn: null, thread: { waitedMs: 12 } });
    expect(toThreadView({ ...state, active: null }).budget).toMatchObject({ turn: null, thread: { waitedMs: 12 } });
  });

  it('has the phase of a turn: its end before its steps, a budget before them as well', () => {
    const { state } = open();
    const turn = state.active!;
    const held = { ...state, budget: { ...state.budget, held: true } };
    expect(toPhase(state, { ...turn, aborting: { ...ABORTING, awaiting: [] } })).toEqual({
      type: 'aborting',
      reason: 'interrupted',
    });
    expect(toPhase(state, { ...turn, ending: { status: 'completed' } })).toEqual({ type: 'takingSnapshot' });
    expect(toPhase(held, turn)).toEqual({ type: 'waitingForBudget' });
    expect(toPhase(held, { ...turn, limited: false })).toEqual({ type: 'callingModel', step: 1 });
  });
});

describe('the values that the Temporal UI can filter by', () => {
  it('are those of the thread', () => {
    const { state } = open({
      agentIdentity: { mode: 'strict', account: 'acme' },
      parent: { threadId: 'p', path: ['q', 'p'], role: 'agent' },
    });
    const spent = { ...state, budget: { ...state.budget, own: { ...NOTHING_SPENT, costMicroUsd: 2_500_000 } } };
    expect(toSearchValues(spent)).toEqual({
      ...{ BobbinStatus: 'active', BobbinActiveKind: 'regular', BobbinRepository: '/work/repo', BobbinAccount: 'acme' },
      ...{ BobbinWaitsForPerson: false, BobbinDepth: 2, BobbinCostUsd: 2.5 },
    });
    expect(toSearchValues(testThread().state)).toMatchObject({
      ...{ BobbinStatus: 'idle', BobbinActiveKind: null, BobbinAccount: null, BobbinDepth: 0, BobbinCostUsd: 0 },
    });
  });

  it.each<[string, (state: ThreadState) => Partial<ThreadState>, boolean]>([
    ['begins', () => ({}), true],
    ['asks somebody', () => ({ requests: [requestOf('budget')] }), false],
    ['is in a later step', ({ active }) => ({ active: { ...active!, step: 2 } as never }), false],
    [
      'tries its step again',
      ({ active }) => ({
        active: { ...active!, stage: { type: 'model', tries: 1, renewed: false, compacted: false } } as never,
      }),
      false,
    ],
    ['runs tools', ({ active }) => ({ active: { ...active!, stage: { type: 'tools', calls: [] } } as never }), false],
    ['is stopped', ({ active }) => ({ active: { ...active!, aborting: { ...ABORTING, awaiting: [] } } }), false],
    ['is no conversation', ({ active }) => ({ active: { ...active!, kind: 'user_shell', index: 0 } as never }), false],
    ['is over', () => ({ active: null }), false],
  ])('may be left for later if the turn may end with its first answer: one that %s', (_, change, may) => {
    const { state } = open();
    expect(isInFirstStep({ ...state, ...change(state) })).toBe(may);
  });
});

describe('the fixed details of a thread', () => {
  it('name what it was started with', () => {
    const start = {
      ...{ threadId: 't1', title: 'Fix it', workspace: { cwd: '/work' }, model: 'm', approvalPolicy: 'never' as const },
      ...{ sandbox: 'read-only' as const, parent: { threadId: 'p', path: ['p'], role: 'agent' as const } },
    };
    const { staticSummary, staticDetails } = toStaticTexts(start);
    expect(staticSummary).toBe('Fix it');
    expect(staticDetails.split('\n')).toEqual([
      'Sub-thread (agent) `t1`',
      '',
      '- title `Fix it`',
      '- works in `/work`',
      '- model `m`',
      '- approvals `never`',
      '- sandbox `read-only`',
      '- started by thread `p`',
      '',
      'Follow it with `bobbin thread watch t1`, ask with `bobbin thread show t1`.',
    ]);
  });

  it.each([
    [{ title: 'Fix it' }, 'do it', 'Fix it'],
    [{ title: '' }, 'do it', 'do it'],
    [{}, '', 't1'],
  ])('are headed by a title, the prompt or the id: %j, %s', (more, prompt, summary) => {
    const texts = toStaticTexts({ threadId: 't1', workspace: { cwd: '/work' }, ...more }, prompt);
    expect(texts.staticSummary).toBe(summary);
    expect(texts.staticDetails).toMatch(/^Thread `t1`\n\n- (title|works in) /);
  });

  it('name where it comes from', () => {
    const fork = { threadId: 'source' } as never;
    const { staticDetails } = toStaticTexts({
      threadId: 't1',
      workspace: { cwd: '/w' },
      fork,
      resume: { runId: 'r1' },
    });
    expect(staticDetails).toContain('- forked from thread `source`\n- goes on from run `r1`');
  });

  it('have the first line of the first prompt as long as it is there', () => {
    expect(toPromptLine()).toBe('');
    expect(toPromptLine([...text('first'), ...text('second')])).toContain('first');
    const { state } = open();
    expect(firstPrompt(state)).toBe('hello');
    expect(firstPrompt({ ...state, log: { ...state.log, firstItem: 1 } })).toBeNull();
    expect(firstPrompt(testThread().state)).toBeNull();
    const [prompt] = state.log.items;
    const other = { ...prompt, type: 'agentMessage' } as Item;
    expect(firstPrompt({ ...state, log: { ...state.log, items: [other, prompt!] } })).toBe('hello');
  });
});

describe('the current details of a thread', () => {
  const at = 1_700_000_000_000;
  const lines = (state: ThreadState) => toCurrentDetails(state).split('\n');
  const shell = (thread: TestThread) => thread.submit('shell', 'sleep 5', { kind: 'user_shell' });

  it('say where it is, what it does, what waits, who works for it and what it used up', () => {
    const thread = open();
    shell(thread);
    thread.submit('later', 'do that', { onBusy: 'queue' });
    const child = { threadId: 't1/1', name: 'helper', role: 'agent', turnId: 'a', lastAgentMessage: null } as const;
    const { state } = thread;
    const children = (['running', 'completed'] as const).map((status) => ({
      ...{ ...child, status, start: null, openTurns: 1, closing: false, news: null },
      ...{ spent: { ...NOTHING_SPENT, tokens: 5 }, held: false, waits: false },
    }));
    const shown = lines({ ...state, children, closeReason: 'enough', active: { ...state.active!, startedAt: at } });
    expect(shown[0]).toBe('**active** in `/work/repo`, model `offline/test`, 0 turns ended; closing: `enough`');
    const text = shown.join('\n');
    expect(text).toContain('### Turn\n- `a` (regular) since 2023-11-14 22:13:20 UTC: ');
    expect(text).toContain('\n- `shell` (user_shell) since ');
    expect(text).toContain('### Queued turns\n- `later` (regular)');
    expect(text).toContain('### Agents\n- `t1/1` (agent `helper`) is working\n');
    expect(text.match(/is working/g)).toHaveLength(1);
    expect(text).toMatch(/### Used\n- by this turn: .*\n- by the thread: .*\n- with its agents: /);
  });

  it('leave out what there is not', () => {
    const text = toCurrentDetails(testThread().state);
    expect(text).toMatch(/^\*\*idle\*\* in `\/work\/repo`, model `offline\/test`, 0 turns ended\n\n/);
    expect(text).not.toMatch(/closing|### (Waits|Turn|Queued|Agents|Last)|with its agents|by this turn/);
    const thread = testThread();
    shell(thread);
    expect(toCurrentDetails(thread.state)).not.toContain('by this turn');
  });

  it('show the newest error, as long as it is not far back', () => {
    const thread = open();
    const fail = (code: string) =>
      thread.end('callModel', { type: 'failed', failure: { code, message: `it is ${code}`, details: {} } });
    fail('usageLimitExceeded');
    thread.submit('b');
    thread.answer('fine');
    expect(toCurrentDetails(thread.state)).toMatch(
      /### Last error\n- `usageLimitExceeded` in turn `a` at .* UTC: `it is usageLimitExceeded`$/,
    );
    thread.submit('c');
    fail('modelServerError');
    expect(toCurrentDetails(thread.state)).toContain('- `modelServerError` in turn `c`');
    const { log } = thread.state;
    const later = (count: number) => {
      const events = [
        ...log.events,
        ...Array.from({ length: count }, () => ({ seq: 1, at: 1, type: 'warning' as const, message: 'w' })),
      ];
      return toCurrentDetails({ ...thread.state, log: { ...log, events } });
    };
    expect(later(499)).toContain('Last error');
    expect(later(500)).not.toContain('Last error');
  });

  it('count what they do not list, and say where the rest is', () => {
    const { state } = testThread();
    const queued = (n: number) => ({ turnId: `turn-${n}`, kind: 'regular' as const, input: [], overrides: {} });
    const withQueue = (count: number) =>
      toCurrentDetails({ ...state, queue: Array.from({ length: count }, (_, n) => queued(n)) });
    expect(withQueue(8)).not.toContain('more');
    expect(withQueue(9)).toContain('- `turn-7` (regular)\n- and 1 more');
    expect(withQueue(9)).not.toContain('turn-8');
  });

  it('say of a request until when it waits, and whether an answer is on its way', () => {
    const { state } = testThread();
    const request = {
      ...requestOf('fileChange'),
      requestId: 'req_1',
      openedAt: at,
      deadlineAt: at + 60_000,
    } as ThreadRequest;
    const origin = { threadId: 'c', path: ['c'], requestId: 'req_1', answered: true };
    expect(toCurrentDetails({ ...state, requests: [request] })).toContain(
      '; automatically `decline` at 2023-11-14 22:14:20 UTC',
    );
    expect(toCurrentDetails({ ...state, requests: [request] })).not.toContain('an answer was sent');
    expect(toCurrentDetails({ ...state, requests: [{ ...request, origin }] })).toContain('  - an answer was sent\n');
    expect(toCurrentDetails({ ...state, requests: [{ ...request, deadlineAt: null }] })).not.toContain('automatically');
  });

  it('quote an answer for a shell only if it must be', () => {
    const { state } = testThread();
    const question = { id: 'name', header: '', question: 'Which?', options: [] };
    const request = {
      ...requestOf('userInput'),
      requestId: 'req_1',
      questions: [question],
    } as unknown as ThreadRequest;
    expect(toCurrentDetails({ ...state, requests: [request] })).toContain(
      '`bobbin thread approve t1 req_1 --answer name=TEXT`',
    );
  });
});
