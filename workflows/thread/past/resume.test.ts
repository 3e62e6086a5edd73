import { describe, expect, it } from 'vitest';
import type { StartThread } from '../../../src/contract/index.ts';
import { UnknownStateVersion } from '../../sandbox/carried-state.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { CARRY_OVER_BYTES, fromCarriedState, isCarryOver, toCarryOver } from './carry-over.ts';
import { bytesOf } from '../state/waiting.ts';
import { resumed, toHandover, withChanges } from './resume.ts';
import { NEW_BUDGET, NO_USAGE, type ThreadState } from '../state/state.ts';
import { EXITED, SETTINGS, type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';

const RECOVERABLE = { agentIdentity: { mode: 'recoverable' as const, account: 'default' } };
const TASK = { agentRuntimeId: 'runtime-1', taskId: 'task-1', registeredAt: '2026-01-01T00:00:00Z' };

/** The state that the run leaves, as the service returns it; running actions are lost with the run. */
function leftBy(thread: TestThread): ThreadState {
  const left = toHandover(thread.state);
  if (left.type !== 'state') throw new Error(left.type);
  expect(left.toArchive).toEqual([]);
  return JSON.parse(JSON.stringify(left.state)) as ThreadState;
}

function resume(thread: TestThread): void {
  thread.restart(leftBy(thread));
  thread.dispatch({ type: 'threadResumed' });
}

function register(thread: TestThread): void {
  thread.done('registerAgentTask', { task: TASK, currentRuntimeId: TASK.agentRuntimeId, unusedTasks: 0 });
}

describe('a thread that was closed and is resumed', () => {
  it('is what it was: history, time of change, usage, rules, agent task; the next turn continues from it', () => {
    const thread = testThread(RECOVERABLE);
    register(thread);
    thread.submit('a');
    thread.answer('hi');
    thread.dispatch({ type: 'closeRequested', close: { reason: 'done' } });
    expect(thread.running).toEqual(['complete']);
    const { log, updatedAt, usage, rules, agentTask, turns } = thread.state;
    resume(thread);
    expect(thread.state).toMatchObject({ log, updatedAt, usage, rules, agentTask, turns, status: 'open' });
    expect(thread.steps('registerAgentTask')).toEqual([]);
    expect(toThreadView(thread.state)).toMatchObject({ status: 'idle', runCount: 2 });
    thread.submit('b');
    expect(thread.input('callModel')).toMatchObject({ agentTask: TASK, contextVersion: 3 });
    expect(thread.state.updatedAt).toBeGreaterThan(updatedAt);
    thread.submit('a');
    expect(thread.completions('a')).toHaveLength(1);
  });

  it('keeps a task that was cleared cleared, and registers only for a turn', () => {
    const thread = testThread(RECOVERABLE);
    register(thread);
    const cleared: ThreadState = {
      ...thread.state,
      agentTask: { ...thread.state.agentTask, current: { status: 'cleared', reason: 'stale' } },
    };
    thread.restart(cleared);
    thread.dispatch({ type: 'closeRequested', close: {} });
    resume(thread);
    expect(thread.state.agentTask).toMatchObject({ current: { status: 'cleared' }, registration: null });
    thread.submit('a');
    expect(thread.steps('registerAgentTask')).toHaveLength(1);
  });

  it('registers ahead of time where it never had a task, under a number of its own', () => {
    const thread = testThread(RECOVERABLE);
    const before = thread.step('registerAgentTask').id;
    thread.dispatch({ type: 'closeRequested', close: {} });
    resume(thread);
    expect(thread.step('registerAgentTask').id).not.toBe(before);
  });

  it('takes new settings without a trace until a turn uses them, and never another identity', () => {
    const agentIdentity = { mode: 'off', account: 'other' } as const;
    const start = { threadId: 't1', workspace: { cwd: '/else' }, model: 'new', agentIdentity };
    expect(withChanges(SETTINGS, start)).toEqual({ ...SETTINGS, model: 'new' });
    const changes: Partial<StartThread> = {
      ...({ title: 'new', instructions: 'Be brief.', approvalPolicy: 'never', sandbox: 'read-only' } as const),
      ...({ effort: 'low', unattended: { approvals: 'cancel' } } as const),
    };
    expect(withChanges(SETTINGS, { threadId: 't1', workspace: { cwd: '/else' }, ...changes })).toEqual({
      ...SETTINGS,
      ...changes,
    });
  });

  it('waits for no budget from above, and has asked its agents to stop', () => {
    const { state } = testThread();
    const { budget } = resumed({ ...state, budget: { ...state.budget, held: true, waits: true } });
    expect(budget).toMatchObject({ held: false, waits: false, stopping: true });
  });
});

describe('a thread whose workflow was ended from outside and is resumed', () => {
  it('shows the turn as interrupted once, with its requests withdrawn and its usage', () => {
    const thread = testThread({ approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(exec('make'));
    expect(thread.state.requests).toHaveLength(1);
    thread.submit('b', 'later', { onBusy: 'queue' });
    const { updatedAt, usage } = thread.state;
    resume(thread);
    resume(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
    expect(thread.completions('b')).toMatchObject([{ status: 'aborted', reason: 'interrupted', startedAt: null }]);
    expect(thread.types().filter((type) => type === 'serverRequest/resolved')).toHaveLength(1);
    expect(thread.state).toMatchObject({ updatedAt, usage, requests: [], queue: [], active: null, turnCount: 2 });
    expect(thread.state.log.items.map(({ type }) => type)).toEqual(['userMessage', 'commandExecution', 'turnAborted']);
    expect(thread.running).toEqual([]);
  });

  it('ends what its commands may have left behind before anything touches the workspace', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('make'));
    const { id } = thread.step('execCommand');
    resume(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: false }]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([id]);
    thread.submit('b', 'ls', { kind: 'user_shell' });
    expect(thread.steps('execCommand')).toEqual([]);
  });

  it('keeps the reason of an abort that had begun', () => {
    const thread = testThread();
    thread.submit('a');
    thread.dispatch({ type: 'interruptRequested', interrupt: { reason: 'enough' } });
    resume(thread);
    expect(thread.completions('a')).toMatchObject([{ reason: 'interrupted', detail: 'enough', quiescent: true }]);
    expect(thread.steps('cleanWorkspace')).toEqual([]);
  });

  it('ends every turn that it had, each once', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('s', 'ls', { kind: 'user_shell' });
    resume(thread);
    expect(['a', 's'].map((turnId) => thread.completions(turnId))).toMatchObject([
      [{ status: 'aborted' }],
      [{ status: 'aborted' }],
    ]);
    expect([thread.state.active, thread.state.beside]).toEqual([null, []]);
  });

  it('keeps the result of a turn that lacked only its last snapshot', () => {
    const thread = testThread({ snapshots: true });
    writeFile(thread);
    thread.answer('all done');
    expect(thread.steps('takeSnapshot')).toHaveLength(1);
    resume(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed', lastAgentMessage: 'all done' }]);
  });
});

describe('what a run leaves', () => {
  it('is the state of its next run, as no other argument is', () => {
    const carried = toCarryOver(testThread().state);
    expect(carried.carriedOver).toMatchObject({ runCount: 2, rollover: null });
    expect([carried, { threadId: 't1' }, null, 'carriedOver', undefined].map((one) => isCarryOver(one))).toEqual([
      ...[true, false, false, false, false],
    ]);
  });

  it.each([{ version: 99 }, {}, null])('is refused as state %j, which this release does not know', (carried) => {
    expect(() => fromCarriedState(carried as unknown as ThreadState)).toThrow(UnknownStateVersion);
  });

  it('lacks members if an earlier release left it, which begin as in a new thread', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer({ name: 'spawn_agent', arguments: { message: 'look around', task_name: 'scout' } });
    const { state } = thread;
    const turn = { spent: NOTHING_SPENT, granted: NOTHING_SPENT, clock: null, limited: false };
    const child = { spent: NOTHING_SPENT, held: false, waits: false };
    const waited = { waitedMs: 0, waitingSince: null };
    const earlier = {
      ...without(state, 'budget', 'unpriced'),
      usage: without(state.usage, 'costMicroUsd'),
      active: { ...without(state.active!, ...Object.keys({ ...turn, ...waited })), usage: {} },
      children: state.children.map((one) => without(one, ...Object.keys(child))),
    } as unknown as ThreadState;
    expect(fromCarriedState(earlier)).toEqual({
      ...state,
      ...{ budget: NEW_BUDGET, unpriced: [], usage: { ...state.usage, costMicroUsd: 0 } },
      active: { ...state.active, ...turn, ...waited, usage: NO_USAGE },
      children: [{ ...state.children[0], ...child }],
    });
  });

  it('is not archived if it is small enough to be carried over', () => {
    expect(toHandover(longThread(30, 20_000).state)).toMatchObject({ type: 'state', toArchive: [] });
  });

  it('goes to the archive as the thread closes, without a word', () => {
    const thread = longThread(30, 20_000);
    thread.dispatch({ type: 'closeRequested', close: {} });
    const { log } = thread.state;
    expect(log.events.at(-1)?.type).toBe('thread/closed');
    while (thread.steps('archiveSegment').length > 0) {
      thread.done('archiveSegment', null);
    }
    expect(thread.running).toEqual(['complete']);
    expect(thread.state.log.archived.length).toBeGreaterThan(0);
    expect(thread.state.log.events).toEqual(log.events.slice(-thread.state.log.events.length));
    expect(bytesOf(toCarryOver(leftBy(thread)))).toBeLessThan(500_000);
  });

  it('is carried along where the archive cannot be written', () => {
    const thread = longThread(30, 20_000);
    thread.dispatch({ type: 'closeRequested', close: {} });
    const { log } = thread.state;
    const failure = { code: 'internal', message: 'disk full', details: {} };
    thread.end('archiveSegment', { type: 'failed', failure });
    expect(thread.running).toEqual(['complete']);
    expect(thread.state.log).toEqual(log);
  });

  it('names what is to be archived first where it is too large to be carried over', () => {
    const thread = longThread(30, 60_000);
    expect(bytesOf(toCarryOver(thread.state))).toBeGreaterThan(CARRY_OVER_BYTES);
    const left = toHandover(thread.state);
    expect(left).toMatchObject({ type: 'state' });
    if (left.type !== 'state') return;
    expect(left.toArchive.length).toBeGreaterThan(1);
    expect(left.state.log.archived).toEqual(left.toArchive);
    expect(bytesOf(toCarryOver(left.state))).toBeLessThan(CARRY_OVER_BYTES);
  });

  it('is refused where it stays too large, and leaves out what waits', () => {
    const thread = testThread();
    // The first release limited the number of waiting entries, and not their size.
    const { decisions: _, ...state } = thread.state;
    thread.restart(state);
    thread.submit('a');
    for (let i = 0; i < 5; i++) thread.submit(`q${i}`, 'x'.repeat(250_000), { onBusy: 'queue' });
    const left = toHandover(thread.state);
    expect(left).toMatchObject({ type: 'state', toArchive: [] });
    expect(left.type === 'state' && left.state.queue.map(({ input }) => input)).toEqual([[], [], [], [], []]);
    for (let i = 0; i < 5; i++) {
      thread.dispatch({
        type: 'turnSteered',
        steer: { expectedTurnId: 'a', input: [{ type: 'text', text: 'y'.repeat(250_000) }] },
      });
    }
    expect(toHandover(thread.state)).toMatchObject({ type: 'tooLarge' });
  });
});

function without(object: object, ...names: string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function longThread(turns: number, chars: number): TestThread {
  const thread = testThread();
  for (let i = 0; i < turns; i++) {
    thread.submit(`turn-${i}`);
    thread.answer('z'.repeat(chars));
  }
  return thread;
}

describe('threads within a thread that is resumed', () => {
  const withAgent = (): TestThread => {
    const thread = testThread({ subThreads: { maxDepth: 1, maxActive: 2 } });
    thread.submit('a');
    thread.answer({ name: 'spawn_agent', arguments: { message: 'look around', task_name: 'scout' } });
    return thread;
  };
  const started = (thread: TestThread) => {
    const { id } = thread.action('startChild');
    thread.dispatch({ type: 'childStarted', id, failure: null });
  };

  it('are interrupted with the turn that was cut off, and watched as before', () => {
    const thread = withAgent();
    started(thread);
    const sent = thread.state.messageCount;
    resume(thread);
    expect(thread.state.children).toMatchObject([{ threadId: 't1/1', status: 'running', start: null }]);
    expect(thread.state.outbox.filter(({ number }) => number > sent)).toMatchObject([
      { to: 't1/1', message: { signal: 'interruptTurn', payload: { tree: true } } },
    ]);
    expect(thread.actions('watchChild')).toHaveLength(1);
  });

  it('are not interrupted again if an abort had done so', () => {
    const thread = withAgent();
    started(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const { outbox } = thread.state;
    expect(outbox).toMatchObject([{ message: { signal: 'interruptTurn' } }]);
    resume(thread);
    expect(thread.state.outbox).toEqual(outbox);
  });

  it('keep their end if they were gone before the thread was closed', () => {
    const thread = withAgent();
    started(thread);
    thread.dispatch({ type: 'childGone', id: 'watch/t1/1', threadId: 't1/1' });
    thread.answer('fine');
    thread.dispatch({ type: 'closeRequested', close: {} });
    resume(thread);
    expect(thread.state.children).toMatchObject([{ status: 'notFound' }]);
  });

  it('are told to close where their start was under way', () => {
    const thread = withAgent();
    resume(thread);
    expect(thread.actions('startChild')).toEqual([]);
    expect(thread.state.outbox).toMatchObject([{ to: 't1/1', message: { signal: 'closeThread' } }]);
  });

  it('are over for one that was closed in good order, which says nothing of it', () => {
    const thread = withAgent();
    started(thread);
    thread.answer('fine');
    thread.dispatch({ type: 'closeRequested', close: {} });
    for (const { id } of thread.actions('sendMessage')) thread.dispatch({ type: 'messageSent', id, delivered: true });
    const { log } = thread.state;
    resume(thread);
    expect(thread.state.children).toMatchObject([{ status: 'shutdown' }]);
    expect(thread.state.log).toEqual(log);
    expect(thread.actions('watchChild')).toEqual([]);
  });

  it('stand alone once they are resumed themselves', () => {
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const };
    const thread = testThread({ parent });
    thread.submit('a');
    thread.answer('hi');
    const { outbox } = thread.state;
    expect(outbox.map(({ to }) => to)).toContain('p');
    const toChild = {
      number: 99,
      to: 't1/1',
      message: { signal: 'agentMessage', payload: { from: 't1', text: 'go' } },
    };
    thread.restart({ ...thread.state, outbox: [...outbox, toChild as (typeof outbox)[number]] });
    resume(thread);
    expect(thread.state.settings.parent).toBeNull();
    expect(thread.state.outbox).toEqual([toChild]);
    resume(thread);
    expect(thread.state.outbox).toEqual([toChild]);
    thread.dispatch({ type: 'messageSent', id: 'message/99', delivered: true });
    thread.submit('b');
    thread.answer('fine');
    expect(thread.actions('sendMessage')).toEqual([]);
  });
});

/** A turn whose command has ended. */
function writeFile(thread: TestThread): void {
  thread.submit('a');
  const { name, arguments: args } = exec('make');
  const call = { type: 'toolCall' as const, callId: 'call-1', name, arguments: JSON.stringify(args) };
  const snapshot = { status: 'taken' as const, commit: 'c0ffee', warnings: [] };
  const { id } = thread.step('callModel');
  thread.done('callModel', { type: 'answered', output: [call], usage: NO_USAGE, snapshot }, id);
  thread.done('execCommand', EXITED);
}

it('a turn that wrote files, and whose thread was ended from outside, ends without a look at what others may have changed since', () => {
  const thread = testThread({ snapshots: true });
  writeFile(thread);
  resume(thread);
  expect(thread.state.active).toBeNull();
  expect(thread.steps('takeSnapshot')).toEqual([]);
  expect(thread.state.turns).toMatchObject([{ turnId: 'a', snapshot: { commit: 'c0ffee', after: null } }]);
});
