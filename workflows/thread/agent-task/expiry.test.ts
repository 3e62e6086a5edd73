import { describe, expect, it } from 'vitest';
import type { AgentIdentityMode, ThreadSettings } from '../../../src/contract/index.ts';
import { fromCarriedState, toCarryOver } from '../past/carry-over.ts';
import { type TestThread, testThread } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';

const HOUR = 3_600_000;
const REGISTERED = '2026-01-01T00:00:00.000Z';
const endOf = (lifeMs: number) => new Date(Date.parse(REGISTERED) + lifeMs).toISOString();

function open(mode: AgentIdentityMode = 'recoverable', more: Partial<ThreadSettings> = {}): TestThread {
  const identityWaitMs = { attended: 15_000, unattended: 600_000 };
  return testThread({ agentIdentity: { mode, account: 'acme' }, identityWaitMs, ...more });
}

function register(
  thread: TestThread,
  lifeMs: number | null,
  number = 1,
  more: { identityExpiresAt?: string } = {},
): void {
  const end = lifeMs === null ? {} : { expiresAt: endOf(lifeMs) };
  const task = { agentRuntimeId: 'runtime-1', taskId: `task-${number}`, registeredAt: REGISTERED, ...end };
  thread.done('registerAgentTask', { task, currentRuntimeId: 'runtime-1', unusedTasks: 0, ...more });
}

function failRegistration(thread: TestThread, code = 'agentIdentityUnavailable'): void {
  thread.end('registerAgentTask', { type: 'failed', failure: { code, message: 'no such luck', details: {} } });
}

function timers(thread: TestThread): number[] {
  return thread.actions('awaitTime').map(({ at }) => at);
}

/** The clock reaches the timer. */
function ring(thread: TestThread): void {
  const { id, at, about } = thread.action('awaitTime');
  thread.at = Math.max(thread.at, at);
  thread.dispatch({ type: 'timeCame', id, about });
}

function runTurn(thread: TestThread, turnId: string): void {
  thread.submit(turnId);
  thread.answer('fine');
}

const warnings = (thread: TestThread) =>
  thread.events().flatMap((event) => (event.type === 'warning' ? [event.message] : []));
const taskIdOf = (thread: TestThread) => {
  const { current } = thread.state.agentTask;
  return current.status === 'registered' ? current.task.taskId : current.status;
};

describe('in mode recoverable', () => {
  it('a task that is in use is renewed after 80 % of its life, while turns go on with it', () => {
    const thread = open();
    register(thread, 10 * HOUR);
    const since = thread.at;
    runTurn(thread, 'a');
    expect(timers(thread)).toEqual([since + 8 * HOUR]);
    expect(toThreadView(thread.state).agentTask.renewsAt).toBe(since + 8 * HOUR);
    ring(thread);
    expect(thread.input('registerAgentTask')).toMatchObject({ ahead: true, replaceIdentity: null });
    expect([timers(thread), toThreadView(thread.state).agentTask.renewsAt]).toEqual([[], null]);
    thread.submit('b');
    expect(thread.input('callModel').agentTask).toMatchObject({ taskId: 'task-1' });
    register(thread, 10 * HOUR, 2);
    thread.answer('fine');
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
    expect(taskIdOf(thread)).toBe('task-2');
    expect(warnings(thread)).toEqual([]);
  });

  it('is renewed in the middle of a turn, too: the step that runs keeps its task, the next one has the new one', () => {
    const thread = open();
    register(thread, HOUR);
    thread.submit('a');
    ring(thread);
    register(thread, HOUR, 2);
    expect(thread.input('callModel').agentTask).toMatchObject({ taskId: 'task-1' });
    thread.answer({ name: 'update_plan', arguments: { plan: [] } });
    expect(thread.input('callModel').agentTask).toMatchObject({ taskId: 'task-2' });
  });

  it('a thread that nobody uses has no timer, and its task ends: it costs nothing', () => {
    const thread = open();
    register(thread, HOUR);
    expect(timers(thread)).toEqual([]);
    runTurn(thread, 'a');
    ring(thread);
    register(thread, HOUR, 2);
    expect(timers(thread)).toEqual([]);
    expect(thread.running).toEqual([]);
    runTurn(thread, 'b');
    expect(timers(thread)).toHaveLength(1);
  });

  it('a thread that is closed has no timer', () => {
    const thread = open();
    register(thread, HOUR);
    runTurn(thread, 'a');
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect([timers(thread), toThreadView(thread.state).agentTask.renewsAt]).toEqual([[], null]);
  });

  it('has one timer, however many turns there were, and the same one in the next run', () => {
    const thread = open();
    register(thread, HOUR);
    for (const turnId of ['a', 'b', 'c']) runTurn(thread, turnId);
    const before = thread.actions('awaitTime');
    thread.restart(fromCarriedState(toCarryOver(thread.state).carriedOver));
    thread.dispatch({ type: 'runContinued' });
    expect(before).toHaveLength(1);
    expect(thread.actions('awaitTime')).toEqual(before);
  });

  it('a renewal that fails keeps the task, warns once, and is tried again until little is left', () => {
    const thread = open();
    register(thread, HOUR);
    runTurn(thread, 'a');
    ring(thread);
    failRegistration(thread);
    const tries = [thread.at];
    const retryAt = new Date(thread.action('awaitTime').at).toISOString();
    while (timers(thread).length > 0) {
      ring(thread);
      failRegistration(thread);
      tries.push(thread.at);
    }
    expect(tries.length).toBeGreaterThan(3);
    expect(tries.length).toBeLessThan(10);
    expect(warnings(thread)).toEqual([
      `The agent task could not be renewed ahead: no such luck It is tried again at ${retryAt}.`,
    ]);
    expect(toThreadView(thread.state).agentTask).toMatchObject({
      status: 'registered',
      lastError: { code: 'agentIdentityUnavailable', message: 'no such luck' },
    });
    runTurn(thread, 'b');
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
  });

  it('a renewal that fails shortly before the end is not tried again', () => {
    const thread = open();
    register(thread, HOUR);
    const end = thread.at + HOUR;
    runTurn(thread, 'a');
    ring(thread);
    thread.at = end;
    failRegistration(thread);
    expect(warnings(thread)).toEqual(['The agent task could not be renewed ahead: no such luck']);
    expect(timers(thread)).toEqual([]);
  });

  it('a turn whose task is refused while its renewal is under way waits for that one', () => {
    const thread = open();
    register(thread, HOUR);
    thread.submit('a');
    ring(thread);
    const failure = { code: 'agentAssertionRejected', message: 'x', details: { reason: 'agent_task_expired' } };
    thread.end('callModel', { type: 'failed', failure });
    expect(thread.steps('registerAgentTask')).toHaveLength(1);
    expect(thread.steps('callModel')).toEqual([]);
    register(thread, HOUR, 2);
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });

  it('and where that one fails, the turn registers itself', () => {
    const thread = open();
    register(thread, HOUR);
    thread.submit('a');
    ring(thread);
    const failure = { code: 'agentAssertionRejected', message: 'x', details: { reason: 'agent_task_expired' } };
    thread.end('callModel', { type: 'failed', failure });
    failRegistration(thread);
    expect(thread.input('registerAgentTask')).toMatchObject({ waitMs: 15_000 });
    expect(thread.input('registerAgentTask')).not.toHaveProperty('ahead');
    register(thread, HOUR, 2);
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });

  it.each([
    ['in the past', -HOUR],
    ['in ten seconds', 10_000],
    ['that is not known', null],
  ])('an end %s starts no timer, and registers nothing again by itself', (_, lifeMs) => {
    const thread = open();
    register(thread, lifeMs);
    runTurn(thread, 'a');
    expect(timers(thread)).toEqual([]);
    expect(thread.steps('registerAgentTask')).toEqual([]);
    expect(warnings(thread)).toEqual([]);
  });

  it('a clock that jumps by an hour renews earlier or later, and once', () => {
    for (const jump of [HOUR, -HOUR]) {
      const thread = open();
      thread.at = 10 * HOUR;
      register(thread, 2 * HOUR);
      runTurn(thread, 'a');
      thread.at += jump;
      const { id, about } = thread.action('awaitTime');
      thread.dispatch({ type: 'timeCame', id, about });
      expect(thread.steps('registerAgentTask')).toHaveLength(1);
      register(thread, 2 * HOUR, 2);
      expect(thread.steps('registerAgentTask')).toEqual([]);
      expect(timers(thread)).toEqual([]);
    }
  });

  it('a timer that rings after its task was replaced does nothing', () => {
    const thread = open();
    register(thread, HOUR);
    thread.submit('a');
    const { id, about } = thread.action('awaitTime');
    const failure = { code: 'agentTaskStale', message: 'x', details: {} };
    thread.end('callModel', { type: 'failed', failure });
    register(thread, HOUR, 2);
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.steps('registerAgentTask')).toEqual([]);
  });
});

describe('in mode strict', () => {
  it('nothing is renewed; a person is told hours ahead, once, what ends and what to do', () => {
    const thread = open('strict');
    register(thread, 24 * HOUR);
    const since = thread.at;
    runTurn(thread, 'a');
    expect(timers(thread)).toEqual([since + 20 * HOUR]);
    expect(toThreadView(thread.state).agentTask.renewsAt).toBeNull();
    ring(thread);
    expect(warnings(thread)).toEqual([expect.stringContaining(`ends at ${endOf(24 * HOUR)}`)]);
    expect(warnings(thread)[0]).toContain('`bobbin identity replace acme`');
    expect([thread.steps('registerAgentTask'), timers(thread)]).toEqual([[], []]);
  });

  it('the end of the identity counts where it comes first', () => {
    const thread = open('strict');
    register(thread, 24 * HOUR, 1, { identityExpiresAt: endOf(10 * HOUR) });
    const since = thread.at;
    expect(timers(thread)).toEqual([since + 6 * HOUR]);
    ring(thread);
    expect(warnings(thread)[0]).toContain(`ends at ${endOf(10 * HOUR)}`);
    expect(toThreadView(thread.state).agentTask.identityExpiresAt).toBe(endOf(10 * HOUR));
  });

  it('the end of the identity counts for a task whose end is not known', () => {
    const thread = open('strict');
    register(thread, null, 1, { identityExpiresAt: endOf(10 * HOUR) });
    ring(thread);
    expect(warnings(thread)[0]).toContain(`ends at ${endOf(10 * HOUR)}`);
  });

  it('a task that was cleared and not replaced has no end', () => {
    const thread = open('strict');
    register(thread, 24 * HOUR, 1, { identityExpiresAt: endOf(24 * HOUR) });
    thread.submit('a');
    const failure = { code: 'agentTaskStale', message: 'x', details: {} };
    thread.end('callModel', { type: 'failed', failure });
    failRegistration(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed' }]);
    expect(timers(thread)).toEqual([]);
  });

  it.each([
    ['in ten seconds', 10_000],
    ['in the past', -HOUR],
  ])('an end %s is told at once', (_, lifeMs) => {
    const thread = open('strict');
    register(thread, lifeMs);
    expect(warnings(thread)).toEqual([expect.stringContaining(`ends at ${endOf(lifeMs)}`)]);
    expect(timers(thread)).toEqual([]);
  });

  it('the middle of a session: the turn fails where the task ends, and nothing is acquired', () => {
    const thread = open('strict');
    register(thread, HOUR);
    thread.submit('a');
    const failure = { code: 'agentAssertionRejected', message: 'x', details: { reason: 'agent_task_expired' } };
    thread.end('callModel', { type: 'failed', failure });
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentAssertionRejected' } }]);
    expect(thread.steps('registerAgentTask')).toEqual([]);
  });
});

describe('a service that is away', () => {
  const delayed = (thread: TestThread) =>
    thread.done('registerAgentTask', {
      type: 'delayed',
      failure: { code: 'agentIdentityUnavailable', message: 'it is down' },
      leftMs: 13_400,
      unusedTasks: 1,
    });

  it.each([
    ['a person waits for 15 s', {}, 15_000],
    ['nobody watches for 10 min', { unattended: { approvals: 'decline' as const } }, 600_000],
  ])('is waited for by a turn; %s', (_, more, waitMs) => {
    const thread = open('recoverable', more);
    failRegistration(thread);
    thread.submit('a');
    expect(thread.input('registerAgentTask')).toMatchObject({ waitMs, mode: 'recoverable' });
  });

  it('is reported once, and the registration goes on with what is left', () => {
    const thread = open();
    failRegistration(thread);
    thread.submit('a');
    delayed(thread);
    expect(warnings(thread)[1]).toMatch(/at the moment: it is down The turn waits up to 14 s more/);
    expect(thread.input('registerAgentTask')).toMatchObject({ waitMs: 13_400, announced: true });
    expect(toThreadView(thread.state)).toMatchObject({
      activeTurn: { phase: { type: 'waitingForAgentTask' } },
      agentTask: { registering: true, lastError: { message: 'it is down' } },
      counters: { unusedAgentTasks: 1 },
    });
    register(thread, HOUR);
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(toThreadView(thread.state).agentTask.lastError).toBeNull();
  });

  it('can be interrupted', () => {
    const thread = open();
    failRegistration(thread);
    thread.submit('a');
    delayed(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
  });
});

describe('the policy of the account', () => {
  const required = (thread: TestThread, policy: string, code = 'agentIdentityRequired') =>
    thread.end('callModel', { type: 'failed', failure: { code, message: 'x', details: { policy } } });

  it.each(['recoverable', 'strict'])('%s is adopted by a thread in mode off, which repeats the step', (mode) => {
    const thread = open('off');
    thread.submit('a');
    required(thread, mode);
    register(thread, null);
    expect(thread.input('callModel')).toMatchObject({ agentIdentity: { mode } });
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(warnings(thread)).toEqual([expect.stringContaining(`is ${mode} now`)]);
  });

  it('is adopted only from the failure that says so', () => {
    const thread = open('off');
    thread.submit('a');
    required(thread, 'strict', 'modelServerError');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'modelServerError' } }]);
    expect(toThreadView(thread.state).agentTask.mode).toBe('off');
  });

  it.each(['off', 'recoverable', 'anything'])('%s does not make it less strict, and is no loop', (policy) => {
    const thread = open('recoverable');
    register(thread, null);
    thread.submit('a');
    required(thread, policy);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentIdentityRequired' } }]);
  });
});
