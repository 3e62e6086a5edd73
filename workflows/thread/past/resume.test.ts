import { describe, expect, it } from 'vitest';
import { CARRY_OVER_BYTES, toCarryOver } from './carry-over.ts';
import { bytesOf } from '../state/waiting.ts';
import { toHandover, withChanges } from './resume.ts';
import { NO_USAGE, type ThreadState } from '../state/state.ts';
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
    expect(thread.completions('a')).toMatchObject([{ reason: 'interrupted', detail: 'enough' }]);
  });
});

describe('what a run leaves', () => {
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
    expect(toHandover(thread.state)).toMatchObject({ type: 'state', toArchive: [] });
    for (let i = 0; i < 5; i++) {
      thread.dispatch({
        type: 'turnSteered',
        steer: { expectedTurnId: 'a', input: [{ type: 'text', text: 'y'.repeat(250_000) }] },
      });
    }
    expect(toHandover(thread.state)).toMatchObject({ type: 'tooLarge' });
  });
});

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
    resume(thread);
    expect(thread.state.settings.parent).toBeNull();
    expect(thread.state.outbox).toEqual([]);
    thread.submit('b');
    thread.answer('fine');
    expect(thread.actions('sendMessage')).toEqual([]);
  });
});

it('a turn that wrote files, and whose thread was ended from outside, ends without a look at what others may have changed since', () => {
  const thread = testThread({ snapshots: true });
  thread.submit('a');
  const { name, arguments: args } = exec('make');
  const call = { type: 'toolCall' as const, callId: 'call-1', name, arguments: JSON.stringify(args) };
  const snapshot = { status: 'taken' as const, commit: 'c0ffee', warnings: [] };
  const { id } = thread.step('callModel');
  thread.done('callModel', { type: 'answered', output: [call], usage: NO_USAGE, snapshot }, id);
  thread.done('execCommand', EXITED);
  resume(thread);
  expect(thread.state.active).toBeNull();
  expect(thread.steps('takeSnapshot')).toEqual([]);
  expect(thread.state.turns).toMatchObject([{ turnId: 'a', snapshot: { commit: 'c0ffee', after: null } }]);
});
