/** Agents of a thread that leaves its host, because the host is lost. */
import { describe, expect, it } from 'vitest';
import type { SubThreadReport, ThreadRequest, TurnCompletion } from '../../../src/contract/index.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { actionIds } from '../state/actions.ts';
import { treeSpent } from '../state/spending.ts';
import { NO_USAGE } from '../state/state.ts';
import { type TestThread, testThread } from '../testing/fixtures.ts';
import { refuseMove } from './admission.ts';
import { refuseForAgents, toMove } from './moving.ts';

const AWAY = { type: 'failed', failure: { code: 'hostAway', message: 'No worker', details: {} } } as const;
const AT = { host: 'a', cwd: '/work/repo' };
const MANAGED = { managed: { repository: 'https://h/r', commit: 'c'.repeat(40) } };
const LOST = 'lost with host a: it was closed before its work was done';

const call = (name: string, args: object) => ({ name, arguments: args });
const spawnCall = (name: string) => call('spawn_agent', { task_name: name, message: 'do it' });
const waitCall = call('wait_agent', { timeout_ms: 20_000, targets: [] });

/** In a turn whose model has started these agents: `t1/1`, `t1/2` and so on. */
function withAgents(names: string[], more: object = MANAGED): TestThread {
  const thread = testThread({
    ...{ ...AT, hostProbeMs: 10_000, hostGraceMs: 60_000, snapshots: true, approvalPolicy: 'never' },
    ...more,
  });
  thread.submit('turn');
  for (const [index, name] of names.entries()) {
    thread.answer(spawnCall(name));
    started(thread, index + 1);
  }
  return thread;
}

const started = (thread: TestThread, number: number) =>
  thread.dispatch({ type: 'childStarted', id: actionIds.child(`t1/${number}`), failure: null });

const say = (thread: TestThread, number: number, report: SubThreadReport) =>
  thread.dispatch({ type: 'subThreadReported', message: { threadId: `t1/${number}`, report } });

const COMMON = { turnId: 'task', kind: 'regular', startedAt: 1, durationMs: 1, usage: NO_USAGE } as const;
const ended = (turn: Partial<TurnCompletion>): SubThreadReport => ({
  type: 'turnCompleted',
  turn: { ...COMMON, status: 'completed', lastAgentMessage: 'found it', ...turn } as TurnCompletion,
});
const FAILED = ended({ status: 'failed', error: { code: 'hostAway', message: 'No worker' }, lastAgentMessage: null });

const asked = (origin: ThreadRequest['origin']): ThreadRequest => ({
  ...{ type: 'commandExecution', command: 'make', cwd: '/work/repo', sandboxed: true, reason: 'why not' },
  ...{ turnId: 'task', itemId: 'item_1', openedAt: 1, deadlineAt: null, default: 'decline', origin },
  requestId: origin === null ? 'req_1' : `${origin.threadId}:req_1`,
});

const begin = (thread: TestThread) => thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: '' } });

function arrive(thread: TestThread, more: object = {}): ReturnType<typeof toMove> {
  const place = { host: 'b', cwd: '/elsewhere/repo', root: '/elsewhere/repo', ...more };
  const restored = { restored: { commit: 'd', tree: 't', files: 3 }, notRestored: [] };
  const isManaged = thread.state.settings.managed !== undefined;
  const move = toMove(thread.state, {
    ...{ from: AT, place, quiescent: true, at: 7 },
    restored: isManaged ? restored : null,
  });
  thread.dispatch({ type: 'workspaceMoved', move, place });
  return move;
}

/** A step that nobody has taken shows the loss. */
function lose(thread: TestThread): ReturnType<typeof toMove> {
  thread.end('callModel', AWAY);
  thread.action('relocate');
  begin(thread);
  return arrive(thread);
}

const statusOf = (thread: TestThread) => thread.state.children.map(({ status }) => status);
const closed = (thread: TestThread) =>
  thread.state.outbox.flatMap(({ to, message: { signal } }) => (signal === 'closeThread' ? [to] : []));
const news = (thread: TestThread) =>
  thread.state.log.items.flatMap((item) => (item.type === 'subAgentNotification' ? [[item.name, item.text]] : []));

describe('the agents of a turn whose host is lost', () => {
  it('are closed, are over at once, and are named to the model', () => {
    const thread = withAgents(['at-work', 'failed', 'closed']);
    say(thread, 2, FAILED);
    say(thread, 3, { type: 'closed', reason: null });
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    const told = news(thread);
    const { receipt } = lose(thread);
    expect(receipt.quiescent).toBe(false);
    expect(receipt.notRestored).toEqual([
      expect.stringContaining('are not in the store') as string,
      'Agents were lost with the host, and are closed: at-work (t1/1), failed (t1/2). Start new ones for what they have not done.',
    ]);
    expect(statusOf(thread)).toEqual(['shutdown', 'shutdown', 'shutdown']);
    expect(closed(thread)).toEqual(['t1/1', 't1/2']);
    expect(thread.actions('watchChild')).toEqual([]);
    expect(news(thread).slice(told.length)).toEqual([['at-work', LOST]]);
    expect(thread.input('callModel').contextVersion).toBe(thread.state.log.items.length);
    thread.answer(spawnCall('at-work'));
    expect(thread.action('startChild').start).toMatchObject({
      ...{ threadId: 't1/4', workspace: { host: 'b', cwd: '/elsewhere/repo' } },
    });
    started(thread, 4);
    thread.answer('done');
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed' }]);
  });

  it('lose their open requests and those of the agents below them, and cannot open new ones', () => {
    const thread = withAgents(['helper']);
    say(thread, 1, { type: 'requestOpened', request: asked(null) });
    const below = { threadId: 't1/1/1', path: ['t1/1/1'], requestId: 'req_1', answered: false };
    say(thread, 1, { type: 'requestOpened', request: asked(below) });
    expect(thread.state.requests.map(({ requestId }) => requestId)).toEqual(['t1/1:req_1', 't1/1/1:req_1']);
    lose(thread);
    expect(thread.state.requests).toEqual([]);
    say(thread, 1, { type: 'requestOpened', request: asked(null) });
    say(thread, 1, ended({ status: 'aborted', reason: 'threadClosed', detail: null, quiescent: false }));
    say(thread, 1, { type: 'closed', reason: null });
    expect([thread.state.requests, statusOf(thread)]).toEqual([[], ['shutdown']]);
    expect(thread.state.children).toMatchObject([{ lastAgentMessage: LOST, news: null }]);
  });

  it('stay in the budget of the thread, with what they report late', () => {
    const thread = withAgents(['helper']);
    const usage = (tokens: number): SubThreadReport => {
      return { type: 'usage', spent: { ...NOTHING_SPENT, tokens }, waits: true };
    };
    say(thread, 1, usage(20));
    const before = treeSpent(thread.state, thread.at).tokens;
    lose(thread);
    expect(treeSpent(thread.state, thread.at).tokens).toBe(before);
    say(thread, 1, usage(50));
    expect(treeSpent(thread.state, thread.at).tokens).toBe(before + 30);
    expect(thread.state.children).toMatchObject([{ waits: false }]);
  });

  it('end a wait for them', () => {
    const thread = withAgents(['one', 'two']);
    thread.answer(waitCall);
    expect(thread.steps('callModel')).toEqual([]);
    thread.submit('shell', 'ls', { kind: 'user_shell' });
    thread.end('execCommand', AWAY);
    begin(thread);
    arrive(thread);
    const wait = thread.state.log.items.findLast((item) => item.type === 'collabAgentToolCall');
    expect(JSON.parse((wait as { output: string }).output)).toEqual({
      timed_out: false,
      agents: ['one', 'two'].map((name) => ({ task_name: name, status: 'shutdown', message: LOST })),
    });
    thread.answer('done');
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed' }]);
  });

  it('keep the result with which they end in the middle of the move', () => {
    const thread = withAgents(['helper']);
    thread.end('callModel', AWAY);
    begin(thread);
    say(thread, 1, ended({}));
    const { receipt } = arrive(thread);
    expect(receipt.notRestored.join()).toContain('helper (t1/1)');
    expect(statusOf(thread)).toEqual(['shutdown']);
    expect(news(thread)).toEqual([['helper', 'found it']]);
  });

  it('that are being started then are closed after it', () => {
    const thread = withAgents([]);
    thread.answer(spawnCall('late'));
    thread.submit('shell', 'ls', { kind: 'user_shell' });
    thread.end('execCommand', AWAY);
    begin(thread);
    arrive(thread);
    expect([statusOf(thread), closed(thread)]).toEqual([['pendingInit'], []]);
    started(thread, 1);
    expect(closed(thread)).toEqual(['t1/1']);
    say(thread, 1, { type: 'closed', reason: null });
    expect(statusOf(thread)).toEqual(['shutdown']);
    thread.answer('done');
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed' }]);
  });

  it('may still run commands in a folder that hosts share, which each turn says', () => {
    const thread = withAgents(['helper'], { hostGroup: 'g', root: '/work/repo' });
    thread.end('callModel', AWAY);
    begin(thread);
    arrive(thread, { cwd: AT.cwd, root: '/work/repo', hostGroup: 'g' });
    thread.answer('done');
    const left = [{ host: 'a', commandIds: ['tool/t1/1/*'] }];
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed', mayStillRun: left }]);
    thread.submit('next');
    expect(thread.step('cleanWorkspace')).toMatchObject({ host: 'a', input: { commandIds: ['tool/t1/1/*'] } });
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    thread.answer('done');
    expect(thread.completions('next')[0]).not.toHaveProperty('mayStillRun');
  });

  it('are not waited for by an interrupt, which then proves nothing', () => {
    const thread = withAgents(['helper']);
    thread.end('callModel', AWAY);
    begin(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.completions('turn')).toEqual([]);
    arrive(thread);
    expect(thread.completions('turn')).toMatchObject([{ status: 'aborted', quiescent: false }]);
  });

  it('keep the thread where it is if an earlier release has begun its run', () => {
    const thread = withAgents(['helper']);
    thread.restart({ ...thread.state, decisions: 6 });
    thread.end('callModel', AWAY);
    expect(thread.completions('turn')).toMatchObject([{ status: 'failed', error: { code: 'hostAway' } }]);
    expect(refuseMove(thread.state, {})).toMatchObject({ code: 'agentsOpen' });
  });
});

describe('a thread at rest with open agents', () => {
  it('may be moved if its host does not serve, unless a review is open', () => {
    const thread = withAgents(['helper']);
    thread.answer('done');
    expect(refuseMove(thread.state, {})).toBeNull();
    expect(refuseForAgents(thread.state)).toMatchObject({
      code: 'agentsOpen',
      reason: expect.stringContaining('close t1/1 first') as string,
    });
    const [child] = thread.state.children;
    const review = { ...child!, threadId: 't1/2', role: 'review' as const };
    expect(refuseMove({ ...thread.state, children: [review] }, {})).toMatchObject({ code: 'agentsOpen' });
    begin(thread);
    arrive(thread);
    expect([statusOf(thread), closed(thread), refuseForAgents(thread.state)]).toEqual([['shutdown'], ['t1/1'], null]);
    thread.submit('next');
    expect(news(thread)).toEqual([['helper', LOST]]);
  });
});
