/** Agents of a thread: how they are started, what is said to them and by them, and what their model sees of it. */
import { describe, expect, it } from 'vitest';
import type { SubThreadReport, ThreadRequest, ThreadSettings, TurnCompletion } from '../../../src/contract/index.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { actionIds } from '../state/actions.ts';
import { toThreadView } from '../view/view.ts';
import { refuseChild } from './sub-threads.ts';
import { NO_USAGE } from '../state/state.ts';
import { type TestThread, exec, testThread, text } from '../testing/fixtures.ts';

const call = (name: string, args: object) => ({ name, arguments: args });
const spawnCall = (name: string, message = 'do it') => call('spawn_agent', { task_name: name, message });
const waitCall = (targets: string[] = []) => call('wait_agent', { timeout_ms: 20_000, targets });

/** A thread in a turn, whose model has started agents with these names: `t1/1`, `t1/2` and so on. */
function withAgents(names: string[], settings: Partial<ThreadSettings> = {}): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  for (const [index, name] of names.entries()) {
    thread.answer(spawnCall(name));
    start(thread, index + 1);
  }
  return thread;
}

function start(thread: TestThread, number = 1, failure: string | null = null): void {
  const id = actionIds.child(`t1/${number}`);
  const said = failure === null ? null : { code: 'internal', message: failure, details: {} };
  thread.dispatch({ type: 'childStarted', id, failure: said });
}

function say(thread: TestThread, number: number, report: SubThreadReport): void {
  thread.dispatch({ type: 'subThreadReported', message: { threadId: `t1/${number}`, report } });
}

const COMMON = { turnId: 'task', kind: 'regular', startedAt: 1, durationMs: 1, usage: NO_USAGE } as const;
const DONE = { ...COMMON, status: 'completed', lastAgentMessage: 'found it' } as const;
const ABORTED = { ...COMMON, status: 'aborted', reason: 'interrupted', detail: null, quiescent: true } as const;
const FAILED = { ...COMMON, status: 'failed', error: { code: 'internal', message: 'no' } } as const;
const ended = (turn: TurnCompletion): SubThreadReport => ({ type: 'turnCompleted', turn });

const statusOf = (thread: TestThread) => thread.state.children.map(({ status }) => status);
const sent = (thread: TestThread) => thread.state.outbox.map(({ to, message }) => ({ to, ...message }));
/** The newest call of one of these tools. */
const last = (thread: TestThread) => thread.state.log.items.findLast(({ type }) => type === 'collabAgentToolCall');

describe('an agent', () => {
  it('is started with what its thread may do, no more of its settings, and its task', () => {
    const thread = testThread({
      unattended: { approvals: 'accept' },
      instructions: 'Be brief.',
      root: { dev: 1, ino: 2 } as never,
    });
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    expect(thread.state.log.items.at(-1)).toMatchObject({
      ...{ type: 'collabAgentToolCall', tool: 'spawn_agent', prompt: 'do it', status: 'inProgress' },
      receiverThreadIds: ['t1/1'],
    });
    const { start: given } = thread.action('startChild');
    expect(given).toMatchObject({
      ...{ threadId: 't1/1', title: 'helper', model: 'offline/test', approvalPolicy: 'on-request' },
      ...{ sandbox: 'workspace-write', unattended: { approvals: 'accept' }, instructions: 'Be brief.' },
      workspace: { cwd: '/work/repo', root: { dev: 1, ino: 2 } },
      parent: { threadId: 't1', path: ['t1'], role: 'agent' },
      firstTurn: { turnId: 'task', kind: 'regular', input: text('do it') },
    });
    expect(given.parent).not.toHaveProperty('checkedOut');
    start(thread);
    expect(last(thread)).toMatchObject({ status: 'completed' });
    expect(JSON.parse((last(thread) as { output: string }).output)).toEqual({ task_name: 'helper', agent_id: 't1/1' });
    expect(statusOf(thread)).toEqual(['running']);
    expect(thread.action('watchChild').threadId).toBe('t1/1');
    expect(thread.input('callModel').step).toBe(2);
  });

  it('that could not be started is over, and the model is told why', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    start(thread, 1, 'no room');
    expect(last(thread)).toMatchObject({ status: 'failed', output: 'The agent could not be started: no room' });
    expect(thread.state.children.filter(({ status }) => status === 'running')).toEqual([]);
    expect(thread.actions('watchChild')).toEqual([]);
  });

  it('gets a number behind its name if that is taken', () => {
    const thread = withAgents(['helper', 'helper', 'helper', 'other']);
    expect(thread.state.children.map(({ name }) => name)).toEqual(['helper', 'helper-2', 'helper-3', 'other']);
  });

  it.each<[string, Partial<ThreadSettings>, string]>([
    ['the thread is as deep as agents may be', { subThreads: { maxDepth: 0, maxActive: 6 } }, 'depth limit reached'],
    ['as many are at work as may be', { subThreads: { maxDepth: 2, maxActive: 1 } }, '1 agents are at work'],
    ['it is a review', { parent: { threadId: 'p', path: ['p'], role: 'review' } }, 'A review has no agents'],
    [
      'it lies as deep as an agent may',
      { subThreads: { maxDepth: 2, maxActive: 6 }, parent: { threadId: 'p/1', path: ['p', 'p/1'], role: 'agent' } },
      'may be 2 deep',
    ],
    [
      'it lies as deep as any thread may',
      {
        subThreads: { maxDepth: 99, maxActive: 6 },
        parent: { threadId: 'p', path: Array<string>(16).fill('p'), role: 'agent' },
      },
      'too deep',
    ],
  ])('is refused if %s', (_, settings, says) => {
    const thread = testThread(settings);
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    if (thread.state.children.length > 0) {
      start(thread);
      thread.answer(spawnCall('second'));
    }
    expect(last(thread)).toMatchObject({ type: 'collabAgentToolCall', status: 'failed' });
    expect((last(thread) as { output: string }).output).toContain(says);
  });

  it('needs an id and a depth that its thread has room for; a review counts as no agent', () => {
    const { state } = testThread({ subThreads: { maxDepth: 99, maxActive: 6 } });
    const deep = (threads: number) => {
      const parent = { threadId: 'p', path: Array<string>(threads).fill('p'), role: 'agent' as const };
      return { ...state, settings: { ...state.settings, parent } };
    };
    const named = (chars: number) => ({ ...state, threadId: 'x'.repeat(chars) });
    const refusals = [named(180), named(181), deep(15), deep(16)].map((one) => refuseChild(one, 'agent'));
    expect(refusals).toEqual([
      ...[null, 'This thread has too long an id to have children.'],
      ...[null, 'This thread lies too deep to have children.'],
    ]);
    expect(refuseChild(testThread({ subThreads: { maxDepth: 0, maxActive: 0 } }).state, 'review')).toBeNull();
  });

  it('may be started by another agent, one level less deep', () => {
    const thread = testThread({ parent: { threadId: 'p', path: ['p'], role: 'agent' } });
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    expect(thread.action('startChild').start.parent).toMatchObject({ threadId: 't1', path: ['p', 't1'] });
  });

  it('works as its thread does unless it gets another model, and is watched as its thread is', () => {
    const thread = testThread({ effort: 'low' });
    thread.submit('a');
    thread.answer(spawnCall('helper'), call('spawn_agent', { task_name: 'other', message: 'do it', model: 'large' }));
    const [same] = thread.actions('startChild');
    expect(same?.start).toMatchObject({ model: 'offline/test', effort: 'low' });
    expect(same?.start).not.toHaveProperty('unattended');
    start(thread);
    const { start: other } = thread.action('startChild');
    expect(other).toMatchObject({ model: 'large' });
    expect(other).not.toHaveProperty('effort');
  });

  it('is none that a review is, for the model', () => {
    const thread = withAgents(['helper']);
    const review = { ...thread.state.children[0]!, threadId: 't1/9', name: 'look', role: 'review' as const, news: 'x' };
    thread.restart({ ...thread.state, children: [...thread.state.children, review] });
    const outputOf = (one: { name: string; arguments: object }) => {
      thread.answer(one);
      return (last(thread) as { output: string }).output;
    };
    expect(outputOf(call('list_agents', {}))).not.toContain('look');
    expect(outputOf(call('send_message', { target: 'look', message: 'hi' }))).toBe(
      'There is no agent named look. There are: helper.',
    );
    say(thread, 1, ended(DONE));
    expect(outputOf(waitCall())).not.toContain('look');
    expect(thread.state.children).toMatchObject([
      ...[
        { threadId: 't1/1', status: 'completed', news: null },
        { threadId: 't1/9', news: 'x' },
      ],
    ]);
  });

  it('takes no place among those at work once it has ended', () => {
    const thread = withAgents(['first'], { subThreads: { maxDepth: 2, maxActive: 1 } });
    say(thread, 1, ended(DONE));
    thread.answer(spawnCall('second'));
    expect(thread.action('startChild').start.threadId).toBe('t1/2');
  });
});

describe('the end of an agent', () => {
  it.each<[TurnCompletion, string, string]>([
    [DONE, 'completed', 'found it'],
    [{ ...DONE, lastAgentMessage: null }, 'completed', ''],
    [{ ...ABORTED, lastAgentMessage: 'half' }, 'interrupted', 'half'],
    [{ ...ABORTED, lastAgentMessage: null }, 'interrupted', 'aborted: interrupted'],
    [{ ...FAILED, lastAgentMessage: 'half' }, 'errored', 'failed: no [internal]'],
  ])('is in the next request of its model, once: %o', (turn, status, words) => {
    const thread = withAgents(['helper']);
    say(thread, 1, ended(turn));
    expect(thread.state.children).toMatchObject([{ status, lastAgentMessage: words, news: words, openTurns: 0 }]);
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    expect(thread.state.log.items.at(-1)).toMatchObject({
      ...{ type: 'subAgentNotification', turnId: 'a', step: 2, threadId: 't1/1', name: 'helper', status, text: words },
    });
    const { length } = thread.state.log.items;
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    expect(thread.state.log.items.slice(length).map(({ type }) => type)).not.toContain('subAgentNotification');
  });

  it('follows the ends that its model has not seen', () => {
    const thread = withAgents(['helper', 'other']);
    thread.answer(call('followup_task', { target: 'helper', message: 'and that' }));
    thread.answer(call('followup_task', { target: 'other', message: 'and that' }));
    const followUp = (number: number) => sent(thread)[number - 1]?.payload as { turnId: string };
    say(thread, 1, ended(DONE));
    say(thread, 1, ended({ ...FAILED, ...followUp(1), lastAgentMessage: null }));
    say(thread, 2, ended({ ...DONE, lastAgentMessage: null }));
    say(thread, 2, { type: 'closed', reason: null });
    expect(thread.state.children.map(({ news }) => news)).toEqual([
      'found it\n\nfailed: no [internal]',
      'it was closed',
    ]);
    thread.answer(waitCall(['helper']));
    expect((last(thread) as { output: string }).output).toContain('found it\\n\\nfailed: no [internal]');
    expect(thread.state.children[0]).toMatchObject({ status: 'errored', news: null });
  });

  it('that its model has not seen stays when it is closed or gone at work', () => {
    const thread = withAgents(['helper']);
    thread.answer(call('followup_task', { target: 'helper', message: 'and that' }));
    say(thread, 1, ended(DONE));
    thread.dispatch({ type: 'childGone', id: actionIds.watch('t1/1'), threadId: 't1/1' });
    expect(thread.state.children).toMatchObject([
      { status: 'notFound', news: 'found it\n\nits workflow ended without a word' },
    ]);
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    expect(thread.state.log.items.at(-1)).toMatchObject({
      ...{ type: 'subAgentNotification', status: 'notFound' },
      text: 'found it\n\nits workflow ended without a word',
    });
  });

  it('is that of the turns that it was given: a turn of somebody else changes nothing', () => {
    const thread = withAgents(['helper'], { subThreads: { maxDepth: 2, maxActive: 1 } });
    thread.answer(waitCall());
    const { children } = thread.state;
    say(thread, 1, ended({ ...DONE, turnId: 'mine', kind: 'user_shell', lastAgentMessage: null }));
    expect([thread.state.children, thread.actions('watchChild').length]).toEqual([children, 1]);
    say(thread, 1, ended(DONE));
    expect(thread.state.children).toMatchObject([{ status: 'completed', given: [], openTurns: 0 }]);
    say(thread, 1, ended({ ...DONE, turnId: 'mine', lastAgentMessage: 'for a person' }));
    expect(thread.state.children).toMatchObject([{ status: 'completed', lastAgentMessage: 'found it' }]);
  });

  it('counts whatever its turn was, for an agent that was begun in a run of an earlier release', () => {
    const thread = withAgents(['helper']);
    const children = thread.state.children.map(({ given: _given, ...child }) => child);
    thread.restart({ ...thread.state, children });
    say(thread, 1, ended({ ...DONE, turnId: 'mine' }));
    expect(thread.state.children).toMatchObject([{ status: 'completed', openTurns: 0 }]);
  });

  it('takes the place of the one before in a run that an earlier release began', () => {
    const thread = withAgents(['helper']);
    thread.restart({ ...thread.state, decisions: 8 });
    thread.answer(call('followup_task', { target: 'helper', message: 'and that' }));
    say(thread, 1, ended(DONE));
    say(thread, 1, ended({ ...FAILED, turnId: 'followup-1', lastAgentMessage: null }));
    expect(thread.state.children).toMatchObject([{ news: 'failed: no [internal]' }]);
  });

  it('comes after its last turn, and every change is an event', () => {
    const thread = withAgents(['helper']);
    thread.answer(call('followup_task', { target: 'helper', message: 'and that' }));
    expect(last(thread)).toMatchObject({ tool: 'followup_task', receiverThreadIds: ['t1/1'] });
    expect(sent(thread)).toEqual([
      {
        ...{ to: 't1/1', signal: 'submitTurn' },
        payload: { turnId: 'followup-1', kind: 'regular', input: text('and that'), onBusy: 'queue' },
      },
    ]);
    say(thread, 1, ended(DONE));
    expect(thread.state.children).toMatchObject([{ status: 'running', openTurns: 1 }]);
    say(thread, 1, ended({ ...DONE, turnId: 'followup-1' }));
    expect(thread.state.children).toMatchObject([{ status: 'completed', openTurns: 0 }]);
    const told = thread.events().flatMap((event) => (event.type === 'subThread/updated' ? [event.subThread] : []));
    expect(told.map(({ status }) => status)).toEqual(['pendingInit', 'running', 'running', 'running', 'completed']);
    const shown = {
      ...{ threadId: 't1/1', name: 'helper', role: 'agent', turnId: 'a', status: 'completed' },
      lastAgentMessage: 'found it',
    };
    expect(told.at(-1)).toEqual(shown);
    expect(toThreadView(thread.state).subThreads).toEqual([shown]);
  });

  it.each<[string, (thread: TestThread) => void, string, string]>([
    ['was closed', (thread) => say(thread, 1, { type: 'closed', reason: null }), 'shutdown', 'it was closed'],
    [
      'is gone',
      (thread) => thread.dispatch({ type: 'childGone', id: actionIds.watch('t1/1'), threadId: 't1/1' }),
      'notFound',
      'its workflow ended without a word',
    ],
  ])('of one at work that %s is told to the model, and its requests are withdrawn', (_, ends, status, news) => {
    const thread = withAgents(['helper', 'other']);
    for (const number of [1, 2]) say(thread, number, { type: 'requestOpened', request: REQUEST });
    ends(thread);
    expect(thread.state.children[0]).toMatchObject({ status, news, openTurns: 0, lastAgentMessage: news });
    expect(thread.state.requests.map(({ requestId }) => requestId)).toEqual(['t1/2:req_1']);
    expect(thread.actions('watchChild').map(({ threadId }) => threadId)).toEqual(['t1/2']);
    const before = thread.state.children;
    ends(thread);
    say(thread, 1, ended(DONE));
    say(thread, 1, { type: 'requestOpened', request: REQUEST });
    expect(thread.state.children).toEqual(before);
    expect(thread.state.requests).toHaveLength(1);
  });

  it('is no news if it had ended its work before it was closed', () => {
    const thread = withAgents(['helper']);
    say(thread, 1, ended(DONE));
    say(thread, 1, { type: 'closed', reason: null });
    expect(thread.state.children).toMatchObject([
      { status: 'shutdown', news: 'found it', lastAgentMessage: 'found it' },
    ]);
  });

  it('is remembered for the newest fifty that are closed, and what the others used up is still counted', () => {
    const thread = withAgents(
      Array.from({ length: 52 }, (_, n) => `agent-${n}`),
      {
        subThreads: { maxDepth: 2, maxActive: 100 },
      },
    );
    for (let number = 1; number <= 52; number++) {
      const spent = { ...NOTHING_SPENT, tokens: number };
      say(thread, number, { type: 'usage', spent, waits: false });
      say(thread, number, ended(DONE));
      say(thread, number, { type: 'closed', reason: null });
    }
    expect(thread.state.children).toHaveLength(52);
    thread.answer(call('list_agents', {}));
    for (const name of ['x', 'y']) {
      thread.answer(spawnCall(name));
      start(thread, thread.state.childCount);
      thread.answer(call('close_agent', { target: name }));
      say(thread, thread.state.childCount, { type: 'closed', reason: null });
    }
    expect(thread.state.children.map(({ threadId }) => threadId).slice(0, 2)).toEqual(['t1/5', 't1/6']);
    expect(thread.state.children).toHaveLength(50);
    expect(thread.state.budget.forgotten.tokens).toBe(1 + 2 + 3 + 4);
  });
});

const COMMAND = { command: 'make', cwd: '/work/repo', sandboxed: true, reason: 'why not' };
const REQUEST: ThreadRequest = {
  ...COMMAND,
  type: 'commandExecution',
  requestId: 'req_1',
  turnId: 'task',
  itemId: 'item_1',
  openedAt: 1,
  deadlineAt: 50_000,
  default: 'decline',
  origin: null,
};

describe('a request of an agent', () => {
  it('is shown with the way to it, and its answer is sent down once; only the agent says how it ended', () => {
    const thread = withAgents(['helper']);
    say(thread, 1, { type: 'requestOpened', request: REQUEST });
    say(thread, 1, { type: 'requestOpened', request: REQUEST });
    const origin = { threadId: 't1/1', path: ['t1/1'], requestId: 'req_1', answered: false };
    expect(thread.state.requests).toEqual([{ ...REQUEST, requestId: 't1/1:req_1', origin }]);
    expect(thread.actions('awaitTime')).toEqual([]);
    for (const decision of ['accept', 'decline'] as const) {
      thread.dispatch({ type: 'requestAnswered', answer: { requestId: 't1/1:req_1', decision }, by: 'person' });
    }
    expect(sent(thread)).toEqual([
      { to: 't1/1', signal: 'resolveRequest', payload: { requestId: 'req_1', decision: 'accept' } },
    ]);
    expect(thread.state.requests).toMatchObject([{ origin: { answered: true } }]);
    say(thread, 1, { type: 'requestResolved', requestId: 'req_1', decision: 'accept', by: 'person' });
    expect(thread.state.requests).toEqual([]);
    const { state } = thread;
    say(thread, 1, { type: 'requestResolved', requestId: 'req_1', decision: 'accept', by: 'person' });
    expect(thread.state.log).toEqual(state.log);
  });

  it('of an agent below it keeps its id, and the way gets longer by one', () => {
    const thread = withAgents(['helper']);
    const origin = { threadId: 't1/1/3', path: ['t1/1/3'], requestId: 'req_9', answered: true };
    say(thread, 1, { type: 'requestOpened', request: { ...REQUEST, requestId: 't1/1/3:req_9', origin } });
    expect(thread.state.requests).toMatchObject([
      { requestId: 't1/1/3:req_9', origin: { path: ['t1/1', 't1/1/3'], requestId: 'req_9', answered: false } },
    ]);
    say(thread, 1, { type: 'requestResolved', requestId: 't1/1/3:req_9', decision: 'accept', by: 'person' });
    expect(thread.state.requests).toEqual([]);
  });

  it('ends alone when its agent says so', () => {
    const thread = withAgents(['helper', 'other']);
    for (const [number, requestId] of [
      [1, 'req_1'],
      [1, 'req_2'],
      [2, 'req_1'],
    ] as const) {
      say(thread, number, { type: 'requestOpened', request: { ...REQUEST, requestId } });
    }
    say(thread, 1, { type: 'requestResolved', requestId: 'req_2', decision: 'accept', by: 'person' });
    say(thread, 1, { type: 'requestResolved', requestId: 'req_9', decision: 'accept', by: 'person' });
    expect(thread.state.requests.map(({ requestId }) => requestId)).toEqual(['t1/1:req_1', 't1/2:req_1']);
    thread.dispatch({ type: 'requestAnswered', answer: { requestId: 't1/2:req_1', decision: 'accept' }, by: 'person' });
    expect(thread.state.requests.map(({ origin }) => origin?.answered)).toEqual([false, true]);
  });

  const below = (threadId: string, path: string[], requestId = 'req_9', own = `${threadId}:req_9`) => ({
    ...{ ...REQUEST, requestId: own },
    origin: { threadId, path, requestId, answered: false },
  });
  it.each<[string, ThreadRequest]>([
    ['an id of another form', { ...REQUEST, requestId: 'other_1' }],
    ['an id that only ends like one', { ...REQUEST, requestId: 'xreq_1' }],
    ['an id that only begins like one', { ...REQUEST, requestId: 'req_1x' }],
    ['an own id of another form', below('t1/1/3', ['t1/1/3'], 'any', 't1/1/3:any')],
    ['an id that is not of its thread', below('t1/1/3', ['t1/1/3'], 'req_9', 't1/1/4:req_9')],
    ['a way that ends elsewhere', below('t1/1/3', ['t1/1/4'])],
    ['a way without an end', below('t1/1/3', [])],
    ['a way over a stranger', below('x/1', ['x/1'])],
    ['a way that begins at a stranger', below('x/3/4', ['x/3', 'x/3/4'])],
    ['a way that turns to a stranger', below('x/4', ['t1/1/3', 'x/4'])],
    ['a way that leaves a thread out', below('t1/1/3/4', ['t1/1/3/4'])],
    ['a way over no number', below('t1/1/x', ['t1/1/x'])],
    ['a way over more than a number', below('t1/1/3x', ['t1/1/3x'])],
  ])('with %s is refused, since no answer could reach it', (_, request) => {
    const thread = withAgents(['helper']);
    say(thread, 1, { type: 'requestOpened', request });
    expect(thread.state.requests).toEqual([]);
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'malformed' });
  });

  it('of a thread far below is shown, since its way leads there', () => {
    const thread = withAgents(['helper']);
    for (const request of [below('t1/1/12', ['t1/1/12']), below('t1/1/3/4', ['t1/1/3', 't1/1/3/4'])]) {
      say(thread, 1, { type: 'requestOpened', request });
    }
    expect(thread.state.requests.map(({ origin }) => origin?.path)).toEqual([
      ...[
        ['t1/1', 't1/1/12'],
        ['t1/1', 't1/1/3', 't1/1/3/4'],
      ],
    ]);
  });

  it('of a thread that is no child is refused', () => {
    const thread = withAgents(['helper']);
    say(thread, 2, ended(DONE));
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'notAChild' });
  });
});

describe('a message', () => {
  it('of another agent is in the next request of the model, before the ends of its own agents', () => {
    const thread = withAgents(['helper']);
    say(thread, 1, ended(DONE));
    thread.dispatch({ type: 'agentMessageReceived', message: { from: 'p', text: 'look here' } });
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    expect(thread.state.log.items.slice(-2)).toMatchObject([
      { type: 'subAgentNotification', threadId: 'p', name: 'p', status: 'message', text: 'look here', step: 2 },
      { type: 'subAgentNotification', threadId: 't1/1', status: 'completed', text: 'found it', step: 2 },
    ]);
    expect(thread.state.mailbox).toEqual([]);
  });

  it.each([
    ['helper', 't1/1'],
    ['t1/2', 't1/2'],
  ])('to %s goes to that agent', (target, to) => {
    const thread = withAgents(['helper', 'other']);
    thread.answer(call('send_message', { target, message: 'look here' }));
    expect(sent(thread)).toEqual([{ to, signal: 'agentMessage', payload: { from: 't1', text: 'look here' } }]);
    const name = to === 't1/1' ? 'helper' : 'other';
    expect(last(thread)).toMatchObject({
      status: 'completed',
      output: `Sent to agent ${name}.`,
      receiverThreadIds: [to],
    });
    expect(thread.action('sendMessage')).toMatchObject({ to, message: { signal: 'agentMessage' } });
  });

  it('waits for the one before it to the same agent, and not for those to others', () => {
    const thread = withAgents(['helper', 'other']);
    const message = (target: string, words: string) => call('send_message', { target, message: words });
    thread.answer(message('helper', '1'), message('helper', '2'), message('other', '3'));
    const under = () => thread.actions('sendMessage').map(({ id, to }) => ({ id, to }));
    const [first] = under();
    expect(under().map(({ to }) => to)).toEqual(['t1/1', 't1/2']);
    thread.dispatch({ type: 'messageSent', id: 'message-99', delivered: true });
    expect(thread.state.outbox).toHaveLength(3);
    thread.dispatch({ type: 'messageSent', id: first!.id, delivered: true });
    expect(thread.state.outbox.map(({ message: { payload } }) => (payload as { text: string }).text)).toEqual([
      '2',
      '3',
    ]);
    expect(under().map(({ to }) => to)).toEqual(['t1/2', 't1/1']);
  });

  it('to an agent whose start is under way is kept until it has started', () => {
    const thread = withAgents(['other']);
    thread.answer(spawnCall('helper'), call('send_message', { target: 'helper', message: 'look here' }));
    expect(sent(thread)).toHaveLength(1);
    expect(thread.actions('sendMessage')).toEqual([]);
    start(thread, 2);
    expect(thread.action('sendMessage').to).toBe('t1/2');
  });

  it.each(['send_message', 'followup_task'])('by %s to an agent that is closed or closing is refused', (name) => {
    const thread = withAgents(['helper']);
    const message = call(name, { target: 'helper', message: 'look here' });
    thread.answer(call('close_agent', { target: 'helper' }));
    for (const closes of [null, () => say(thread, 1, { type: 'closed', reason: null })]) {
      closes?.();
      thread.answer(message);
      expect(last(thread)).toMatchObject({ status: 'failed', output: 'Agent helper is closed; spawn another one.' });
    }
    expect(sent(thread)).toMatchObject([{ signal: 'closeThread' }]);
  });

  it.each([
    [[], 'There is no agent named nobody. None was spawned.'],
    [['helper', 'other'], 'There is no agent named nobody. There are: helper, other.'],
  ])('to nobody is refused, with those that there are: %j', (names, output) => {
    const thread = withAgents(names);
    for (const name of ['send_message', 'followup_task', 'close_agent']) {
      thread.answer(call(name, { target: 'nobody', message: 'look here' }));
      expect(last(thread)).toMatchObject({ status: 'failed', output });
    }
  });
});

describe('a wait for agents', () => {
  const output = (thread: TestThread) => {
    const item = last(thread);
    if (item?.type !== 'collabAgentToolCall') throw new Error('no call');
    return item.status === 'inProgress' ? null : (JSON.parse(item.output) as unknown);
  };
  const found = { task_name: 'helper', status: 'completed', message: 'found it' };

  it('ends with the first report, which is given once', () => {
    const thread = withAgents(['helper', 'other']);
    thread.answer(waitCall());
    expect(output(thread)).toBeNull();
    expect(thread.action('awaitTime').at).toBe(thread.at + 20_000);
    say(thread, 1, ended(DONE));
    expect(output(thread)).toEqual({ timed_out: false, agents: [found] });
    expect(thread.actions('awaitTime')).toEqual([]);
    thread.answer(waitCall());
    expect(output(thread)).toBeNull();
  });

  it('for one of them ignores the others', () => {
    const thread = withAgents(['helper', 'other']);
    thread.answer(waitCall(['helper']));
    say(thread, 2, ended(DONE));
    expect(output(thread)).toBeNull();
    say(thread, 1, ended(DONE));
    expect(output(thread)).toEqual({ timed_out: false, agents: [found] });
  });

  it('ends at once if there is a report already, or if none of them is at work', () => {
    const thread = withAgents(['helper']);
    say(thread, 1, ended(DONE));
    thread.answer(waitCall());
    expect(output(thread)).toMatchObject({ agents: [{ task_name: 'helper' }] });
    thread.answer(waitCall());
    expect(output(thread)).toEqual({
      timed_out: false,
      agents: [{ task_name: 'helper', agent_id: 't1/1', status: 'completed', last_message: 'found it' }],
    });
  });

  it('of an agent that there is not is refused', () => {
    const thread = withAgents(['helper']);
    thread.answer(waitCall(['helper', 'nobody']));
    expect(last(thread)).toMatchObject({ status: 'failed', output: expect.stringContaining('named nobody') as string });
  });

  it('ends when its time is up, once', () => {
    const thread = withAgents(['helper']);
    thread.answer(waitCall());
    const { id, about } = thread.action('awaitTime');
    thread.dispatch({ type: 'timeCame', id, about });
    expect(output(thread)).toEqual({ timed_out: true, agents: [] });
    const { log } = thread.state;
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.state.log).toEqual(log);
  });

  it.each<[string, (thread: TestThread) => void]>([
    ['steered input', (thread) => thread.submit('s', 'also this', { onBusy: 'steer' })],
    ['a message', (thread) => thread.dispatch({ type: 'agentMessageReceived', message: { from: 'p', text: 'look' } })],
  ])('ends at %s, and says so', (_, comes) => {
    const thread = withAgents(['helper']);
    thread.answer(waitCall());
    comes(thread);
    expect(output(thread)).toEqual({ timed_out: false, message: 'Wait interrupted by new input.', agents: [] });
  });

  it('is over with its turn, whatever comes of it later', () => {
    const thread = withAgents(['helper']);
    thread.answer(waitCall());
    const { id, about } = thread.action('awaitTime');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const { log } = thread.state;
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.state.log).toEqual(log);
  });
});

describe('an agent of a turn that a person or a policy interrupts by an answer', () => {
  /** The model has left a command running and asks for another one while an agent works. */
  function asking(settings: Partial<ThreadSettings> = {}): TestThread {
    const thread = testThread({ approvalPolicy: 'untrusted', ...settings });
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    start(thread);
    const session = { item: 0, id: 5, key: 'k', commandId: 'tool/t1/0', turnId: 'a', command: 'serve', cwd: '/w' };
    const running = { ...session, sandbox: 'read-only' as const, since: 1, until: 1e9, status: 'running' as const };
    thread.restart({ ...thread.state, sessions: [running] });
    thread.answer(exec('make'));
    return thread;
  }
  const cancel = (thread: TestThread) => {
    const requestId = thread.state.requests[0]?.requestId ?? '';
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'cancel' }, by: 'person' });
  };

  it.each<[string, Partial<ThreadSettings>, (thread: TestThread) => void]>([
    ['of a person', {}, cancel],
    ['of the policy', { unattended: { approvals: 'cancel' } }, () => undefined],
  ])('%s is interrupted and waited for, and commands that were left running stay', (_, settings, answers) => {
    const thread = asking(settings);
    answers(thread);
    expect(sent(thread)).toEqual([
      {
        ...{ to: 't1/1', signal: 'interruptTurn' },
        payload: { reason: 'the turn of its parent was aborted: interrupted', tree: true, keepSessions: true },
      },
    ]);
    expect(thread.completions('a')).toEqual([]);
    say(thread, 1, ended({ ...ABORTED, lastAgentMessage: null }));
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
    expect(thread.state.log.items).toContainEqual(
      expect.objectContaining({ type: 'commandExecution', status: 'declined' }),
    );
    expect(thread.state.sessions).toMatchObject([{ status: 'running' }]);
  });

  it('works on in a run that an earlier release began', () => {
    const thread = asking();
    thread.restart({ ...thread.state, decisions: 8 });
    cancel(thread);
    expect([sent(thread), thread.completions('a')]).toMatchObject([[], [{ status: 'aborted' }]]);
  });
});

describe('an agent that has been given a further turn', () => {
  it.each([
    ['is waited for until all have ended', 9, 0],
    ['was waited for until one had, in a run that an earlier release began', 8, 1],
  ] as const)('%s when its thread is interrupted', (_, decisions, ends) => {
    const thread = withAgents(['helper']);
    thread.restart({ ...thread.state, decisions });
    thread.answer(call('followup_task', { target: 'helper', message: 'and that' }));
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('callModel', { type: 'aborted' }, thread.stopping[0]);
    say(thread, 1, ended({ ...ABORTED, turnId: 'followup-1', lastAgentMessage: null }));
    expect(thread.completions('a')).toHaveLength(ends);
    say(thread, 1, ended({ ...ABORTED, lastAgentMessage: null }));
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(thread.state.children).toMatchObject([{ status: 'interrupted', openTurns: 0 }]);
  });
});

describe('an agent that is being started when its turn is stopped', () => {
  it.each([
    ['and waited for', 9, []],
    ['and not waited for in a run that an earlier release began', 8, ['interrupted']],
  ] as const)('is closed again, %s', (_, decisions, before) => {
    const thread = testThread();
    thread.restart({ ...thread.state, decisions });
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    start(thread);
    expect(sent(thread)).toEqual([{ to: 't1/1', signal: 'closeThread', payload: { reason: 'its turn was aborted' } }]);
    expect(thread.completions('a').map((turn) => turn.status === 'aborted' && turn.reason)).toEqual(before);
    say(thread, 1, { type: 'closed', reason: null });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });

  it('is waited for no longer if it has ended before its start is known', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(spawnCall('helper'));
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    say(thread, 1, { type: 'closed', reason: null });
    start(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });
});

describe('the list of agents', () => {
  it('has those of the thread, and no review', () => {
    const thread = withAgents(['helper', 'other']);
    say(thread, 2, ended(DONE));
    thread.answer(call('list_agents', {}));
    expect(JSON.parse((last(thread) as { output: string }).output)).toEqual({
      agents: [
        { task_name: 'helper', agent_id: 't1/1', status: 'running', last_message: null },
        { task_name: 'other', agent_id: 't1/2', status: 'completed', last_message: 'found it' },
      ],
    });
  });
});

describe('agents of a turn that is stopped', () => {
  it('are interrupted with all below them, idle ones as well, and the turn waits for those at work', () => {
    const thread = withAgents(['busy', 'idle', 'closed']);
    say(thread, 2, ended(DONE));
    say(thread, 3, { type: 'closed', reason: null });
    thread.answer(call('list_agents', {}));
    thread.answer(waitCall());
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const payload = { reason: 'the turn of its parent was aborted: interrupted', tree: true };
    expect(sent(thread)).toEqual(['t1/1', 't1/2'].map((to) => ({ to, signal: 'interruptTurn', payload })));
    expect(thread.state.active?.aborting?.awaiting).toEqual([actionIds.watch('t1/1')]);
    expect(thread.state.budget.stopping).toBe(true);
    say(thread, 1, ended({ ...ABORTED, lastAgentMessage: null }));
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });

  it('keep their sessions if the interrupt spares those of the thread', () => {
    const kept = { tree: true, keepSessions: true };
    const thread = withAgents(['busy']);
    thread.answer(waitCall());
    thread.dispatch({ type: 'interruptRequested', interrupt: { keepSessions: true } });
    expect(sent(thread)).toMatchObject([{ to: 't1/1', payload: kept }]);
    const idle = withAgents(['busy']);
    idle.answer('done');
    idle.dispatch({ type: 'interruptRequested', interrupt: { ...kept, reason: 'enough' } });
    expect(sent(idle)).toMatchObject([{ to: 't1/1', payload: { ...kept, reason: 'enough' } }]);
  });

  it('go on if another turn takes over', () => {
    const thread = withAgents(['busy']);
    thread.answer(waitCall());
    thread.submit('b', 'rather this');
    expect(sent(thread)).toEqual([]);
    expect(thread.state.budget.stopping).toBe(false);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'replaced' }]);
    expect(statusOf(thread)).toEqual(['running']);
  });
});

describe('the close of a thread', () => {
  it('closes its agents, each once, and waits for them', () => {
    const thread = withAgents(['one', 'two', 'over']);
    say(thread, 3, { type: 'closed', reason: null });
    thread.answer(call('close_agent', { target: 'one' }));
    expect(last(thread)).toMatchObject({
      ...{ status: 'completed', output: JSON.stringify({ task_name: 'one', previous_status: 'running' }) },
      receiverThreadIds: ['t1/1'],
    });
    thread.answer('done');
    thread.dispatch({ type: 'closeRequested', close: { reason: 'enough' } });
    expect(sent(thread).map(({ to, signal }) => ({ to, signal }))).toEqual([
      { to: 't1/1', signal: 'closeThread' },
      { to: 't1/2', signal: 'closeThread' },
    ]);
    expect(thread.actions('complete')).toEqual([]);
  });
});

describe('what agents use up', () => {
  const spent = (tokens: number) => ({ ...NOTHING_SPENT, tokens });
  const usage = (tokens: number, waits = false): SubThreadReport => ({ type: 'usage', spent: spent(tokens), waits });

  it('is what they reported last, and is reported to the thread above', () => {
    const thread = withAgents(['helper'], { parent: { threadId: 'p', path: ['p'], role: 'agent' } });
    say(thread, 1, usage(20));
    say(thread, 1, usage(5));
    expect(thread.state.children).toMatchObject([{ spent: { tokens: 20 }, waits: false }]);
    expect(sent(thread).at(-1)).toMatchObject({
      to: 'p',
      signal: 'subThreadReport',
      payload: { threadId: 't1', report: { type: 'usage', spent: { tokens: 20 }, waits: false } },
    });
  });

  it('makes one wait for its budget until it has another turn or is closed', () => {
    const thread = withAgents(['helper'], { budget: { tree: { tokens: 20 } } });
    say(thread, 1, usage(20, true));
    expect(thread.state.children).toMatchObject([{ waits: true }]);
    say(thread, 1, ended(DONE));
    expect(thread.state.children).toMatchObject([{ waits: true, status: 'completed' }]);
    say(thread, 1, { type: 'closed', reason: null });
    say(thread, 1, usage(21, true));
    expect(thread.state.children).toMatchObject([{ waits: false, spent: { tokens: 21 } }]);
  });
});
