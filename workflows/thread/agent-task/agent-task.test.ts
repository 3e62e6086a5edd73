import { describe, expect, it } from 'vitest';
import type { AgentIdentityMode, ThreadEvent } from '../../../src/contract/index.ts';
import { toCarryOver } from '../past/carry-over.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import type { ThreadState } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toCurrentDetails } from '../view/current-details.ts';
import { toThreadView } from '../view/view.ts';

function open(mode: AgentIdentityMode = 'recoverable'): TestThread {
  return testThread({ agentIdentity: { mode, account: 'acme' } });
}

function taskOf(runtime: string, number: number) {
  return { agentRuntimeId: runtime, taskId: `task-${number}`, registeredAt: '2026-01-01T00:00:00Z' };
}

function registered(thread: TestThread, number = 1, runtime = 'runtime-1', more: object = {}): void {
  const task = taskOf(runtime, number);
  thread.done('registerAgentTask', { task, currentRuntimeId: runtime, unusedTasks: 0, ...more });
}

function refused(thread: TestThread, details: StepFailure['details'] = {}, code = 'agentIdentityUnavailable'): void {
  thread.end('registerAgentTask', { type: 'failed', failure: { code, message: 'no such luck', details } });
}

function failModel(thread: TestThread, code: string, reason?: string): void {
  const { id } = thread.step('callModel');
  const failure = { code, message: 'not with this', details: reason === undefined ? {} : { reason } };
  thread.end('callModel', { type: 'failed', failure }, id);
}

function agentEvents(thread: TestThread): ThreadEvent[] {
  return thread.events().filter(({ type }) => type.startsWith('agentTask/'));
}

/** Continues the thread as new, with the first event of the next run. */
function continueAsNew(thread: TestThread, change: Partial<ThreadState> = {}): void {
  thread.restart({ ...toCarryOver(thread.state).carriedOver, ...change });
  thread.dispatch({ type: 'runContinued' });
}

describe('prewarm', () => {
  it('begins to register when the thread opens, and nobody waits for it', () => {
    const thread = open();
    expect(thread.input('registerAgentTask')).toMatchObject({ account: 'acme', replaceIdentity: null });
    registered(thread);
    expect(toThreadView(thread.state).agentTask).toEqual({
      status: 'registered',
      task: taskOf('runtime-1', 1),
      mode: 'recoverable',
      account: 'acme',
      registering: false,
      ...{ identityExpiresAt: null, renewsAt: null, lastError: null },
    });
    expect(agentEvents(thread)).toMatchObject([{ type: 'agentTask/registered', taskId: 'task-1' }]);
  });

  it('asks a worker of an earlier release for nothing that it does not know', () => {
    expect(open().input('registerAgentTask')).toStrictEqual({
      ...{ threadId: 't1', actionId: 'register/1', account: 'acme', replaceIdentity: null },
    });
  });

  it('says its mode, and waits for no time of its own', () => {
    const identityWaitMs = { attended: 15_000, unattended: 600_000 };
    const thread = testThread({ agentIdentity: { mode: 'strict', account: 'acme' }, identityWaitMs });
    expect(thread.input('registerAgentTask')).toStrictEqual({
      ...{ threadId: 't1', actionId: 'register/1', account: 'acme', replaceIdentity: null, mode: 'strict' },
    });
  });

  it('that fails for a reason apart from the agent identity is no problem of the agent task', () => {
    const thread = open();
    refused(thread, {}, 'internal');
    expect(toThreadView(thread.state).agentTask.lastError).toBeNull();
  });

  it('that the thread stops when it is closed is no warning', () => {
    const thread = open();
    const { id } = thread.step('registerAgentTask');
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.end('registerAgentTask', { type: 'aborted' }, id);
    expect(thread.events().at(-1)?.type).toBe('thread/closed');
  });

  it('that fails is a warning, fails nothing, and is not tried again before a turn needs it', () => {
    const thread = open();
    refused(thread);
    expect(thread.events().at(-1)).toMatchObject({
      type: 'warning',
      message: expect.stringContaining('no such luck') as string,
    });
    expect(thread.running).toEqual([]);
    expect(thread.state.status).toBe('open');
    thread.submit('a');
    registered(thread);
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });

  it('does not happen in mode off', () => {
    const thread = open('off');
    expect(thread.running).toEqual([]);
    thread.submit('a');
    expect(thread.input('callModel')).toMatchObject({ agentTask: null, agentIdentity: { mode: 'off' } });
  });

  it('serves the turn that comes meanwhile, which registers itself only where it fails', () => {
    const thread = open();
    thread.submit('a');
    expect(thread.steps('registerAgentTask')).toHaveLength(1);
    refused(thread);
    expect(thread.completions('a')).toEqual([]);
    expect(thread.types()).toContain('warning');
    registered(thread, 2);
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });
});

describe('what was restored', () => {
  it('is in place before prewarm can register another task', () => {
    const thread = open();
    registered(thread);
    continueAsNew(thread);
    expect(thread.steps('registerAgentTask')).toEqual([]);
    thread.submit('a');
    expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-1', 1));
  });

  it('stays cleared where it was cleared: no prewarm, and the next turn registers', () => {
    const thread = open();
    registered(thread);
    const agentTask = { ...thread.state.agentTask, current: { status: 'cleared', reason: 'stale' } as const };
    continueAsNew(thread, { agentTask });
    expect(thread.running).toEqual([]);
    expect(toThreadView(thread.state).agentTask).toMatchObject({ status: 'cleared', reason: 'stale' });
    thread.submit('a');
    registered(thread, 2);
    expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-1', 2));
  });

  it('may be a thread that never had a task: that one is prewarmed', () => {
    const thread = open();
    refused(thread);
    continueAsNew(thread);
    expect(thread.steps('registerAgentTask')).toHaveLength(1);
  });

  it('may be a registration in flight: it continues as the one that it is', () => {
    const thread = open();
    const { id } = thread.step('registerAgentTask');
    continueAsNew(thread);
    expect(thread.step('registerAgentTask').id).toBe(id);
  });
});

describe('ensure', () => {
  it('holds the model step back until the task is there, and says so', () => {
    const thread = open();
    thread.submit('a');
    expect(thread.steps('callModel')).toEqual([]);
    expect(toThreadView(thread.state).activeTurn?.phase).toEqual({ type: 'waitingForAgentTask' });
    expect(toCurrentDetails(thread.state)).toMatch(
      /`a` \(regular\) since .+: waits for its agent task to be registered$/m,
    );
    expect(thread.step('registerAgentTask').summary).toBe('agent task: register for: acme');
    registered(thread);
    expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-1', 1));
  });

  it('fails that turn with an error event when it fails, and the next turn tries again', () => {
    const thread = open();
    refused(thread);
    thread.submit('a');
    refused(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentIdentityUnavailable' } }]);
    expect(thread.events().filter(({ type }) => type === 'error')).toMatchObject([
      { turnId: 'a', error: { code: 'agentIdentityUnavailable', message: 'no such luck' }, willRetry: false },
    ]);
    expect(thread.running).toEqual([]);
    thread.submit('b');
    registered(thread);
    thread.answer('fine');
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
  });

  it('that fails late fails no turn that is over or needs no task', () => {
    const thread = open();
    refused(thread);
    thread.submit('a');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
    thread.submit('s', 'ls', { kind: 'user_shell' });
    const shell = thread.step('execCommand').id;
    refused(thread);
    expect(thread.types()).not.toContain('error');
    thread.done('execCommand', EXITED, shell);
    expect(thread.completions('s')).toMatchObject([{ status: 'completed' }]);
    const idle = open();
    refused(idle);
    idle.submit('a');
    idle.dispatch({ type: 'interruptRequested', interrupt: {} });
    refused(idle);
    expect([idle.types().includes('error'), idle.running]).toEqual([false, []]);
  });

  it('has one registration in flight at most, whatever is submitted, replaced and interrupted meanwhile', () => {
    const thread = open();
    const { id } = thread.step('registerAgentTask');
    thread.submit('a');
    thread.submit('b');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.submit('c');
    expect(thread.step('registerAgentTask').id).toBe(id);
    registered(thread);
    expect(thread.input('callModel')).toMatchObject({ turnId: 'c' });
    expect(thread.state.agentTask.registrations).toBe(1);
  });

  it('is not needed by a command of the person', () => {
    const thread = open();
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'a', kind: 'user_shell', input: text('ls') } });
    expect(thread.steps('execCommand')).toHaveLength(1);
  });

  it('registers once for all turns of the thread', () => {
    const thread = open();
    registered(thread);
    for (const turnId of ['a', 'b', 'c']) {
      thread.submit(turnId);
      thread.answer('fine');
    }
    expect(thread.state.agentTask.registrations).toBe(1);
  });

  it('keeps no result of a registration that it did not ask for, whether one is under way or not', () => {
    const thread = open();
    const other = { task: taskOf('x', 9), currentRuntimeId: 'x', unusedTasks: 0 };
    for (const begins of [() => thread.step('registerAgentTask'), () => registered(thread)]) {
      begins();
      const before = thread.state.agentTask;
      thread.done('registerAgentTask', other, 'register/99');
      expect(thread.state.agentTask).toEqual(before);
    }
  });
});

describe('an identity that changes while a task is registered', () => {
  it('once: the task is left unused and counted, and a second round registers', () => {
    const thread = open();
    thread.submit('a');
    registered(thread, 1, 'runtime-1', { currentRuntimeId: 'runtime-2' });
    expect(thread.input('registerAgentTask')).toMatchObject({ replaceIdentity: null });
    expect(agentEvents(thread)).toEqual([]);
    registered(thread, 2, 'runtime-2');
    expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-2', 2));
    expect(thread.state.counters.unusedAgentTasks).toBe(1);
  });

  it('twice: the turn fails after two rounds, and both tasks are counted', () => {
    const thread = open();
    thread.submit('a');
    registered(thread, 1, 'runtime-1', { currentRuntimeId: 'runtime-2' });
    registered(thread, 2, 'runtime-2', { currentRuntimeId: 'runtime-3' });
    // Both rounds belonged to the prewarm, so the turn has two more.
    registered(thread, 3, 'runtime-3', { currentRuntimeId: 'runtime-4' });
    registered(thread, 4, 'runtime-4', { currentRuntimeId: 'runtime-5' });
    expect(thread.completions('a')).toMatchObject([
      {
        status: 'failed',
        error: { code: 'agentIdentityUnstable', message: expect.stringContaining('acme') as string },
      },
    ]);
    expect(thread.state.counters.unusedAgentTasks).toBe(4);
    expect(thread.state.agentTask).toMatchObject({ current: { status: 'none' }, registration: null, registrations: 4 });
  });

  it('counts what retries of one registration are known to have left, whether it ended well or not', () => {
    const thread = open();
    registered(thread, 1, 'runtime-1', { unusedTasks: 2 });
    expect(thread.state.counters.unusedAgentTasks).toBe(2);
    const other = open();
    refused(other, { unusedTasks: 1 });
    expect(other.state.counters.unusedAgentTasks).toBe(1);
    const unknown = open();
    refused(unknown);
    expect(unknown.state.counters.unusedAgentTasks).toBe(0);
  });
});

describe('an identity under which the service registers no task', () => {
  const refusal = { refusedRuntimeId: 'runtime-1' };

  it('is replaced once in mode recoverable', () => {
    const thread = open();
    thread.submit('a');
    refused(thread, refusal, 'agentIdentityRefused');
    expect(thread.input('registerAgentTask')).toMatchObject({ replaceIdentity: 'runtime-1' });
    registered(thread, 1, 'runtime-2');
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });

  it('fails the turn where the one in its place is refused, too', () => {
    const thread = open();
    refused(thread);
    thread.submit('a');
    refused(thread, refusal, 'agentIdentityRefused');
    refused(thread, { refusedRuntimeId: 'runtime-2' }, 'agentIdentityRefused');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentIdentityRefused' } }]);
    expect(thread.running).toEqual([]);
  });

  it('is not replaced in the second round, nor twice', () => {
    const changed = open();
    registered(changed, 1, 'runtime-1', { currentRuntimeId: 'runtime-2' });
    refused(changed, { refusedRuntimeId: 'runtime-2' }, 'agentIdentityRefused');
    expect(changed.running).toEqual([]);
    const replaced = open();
    registered(replaced);
    replaced.submit('a');
    failModel(replaced, 'agentAssertionRejected', 'agent_identity_revoked');
    expect(replaced.input('registerAgentTask')).toMatchObject({ replaceIdentity: 'runtime-1' });
    refused(replaced, { refusedRuntimeId: 'runtime-2' }, 'agentIdentityRefused');
    expect(replaced.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentIdentityRefused' } }]);
  });

  it('is not replaced when the service cannot be reached', () => {
    const thread = open();
    refused(thread, refusal);
    expect(thread.running).toEqual([]);
  });

  it('is left alone in mode strict, and where it is the account that was refused', () => {
    const strict = open('strict');
    refused(strict, refusal, 'agentIdentityRefused');
    expect(strict.running).toEqual([]);
    const recoverable = open();
    refused(recoverable, {}, 'agentIdentityRefused');
    expect(recoverable.running).toEqual([]);
  });
});

describe('a stale task', () => {
  it.each(['recoverable', 'strict'] as const)('is cleared, replaced, and the step repeated once in mode %s', (mode) => {
    const thread = open(mode);
    registered(thread);
    thread.submit('a');
    failModel(thread, 'agentTaskStale');
    expect(thread.state.agentTask.current).toEqual({ status: 'cleared', reason: 'stale' });
    expect(thread.input('registerAgentTask')).toMatchObject({ replaceIdentity: null });
    registered(thread, 2, 'runtime-2');
    expect(thread.input('callModel')).toMatchObject({ step: 1, agentTask: taskOf('runtime-2', 2) });
    thread.answer('fine');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(agentEvents(thread)).toMatchObject([
      { type: 'agentTask/registered', taskId: 'task-1' },
      { type: 'agentTask/cleared', reason: 'stale' },
      { type: 'agentTask/registered', taskId: 'task-2' },
    ]);
  });

  it('found stale a second time in the same step fails the turn', () => {
    const thread = open();
    registered(thread);
    thread.submit('a');
    failModel(thread, 'agentTaskStale');
    registered(thread, 2);
    failModel(thread, 'agentTaskStale');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentTaskStale' } }]);
  });

  it('stays cleared where the registration in its place fails, and the next turn registers', () => {
    const thread = open();
    registered(thread);
    thread.submit('a');
    failModel(thread, 'agentTaskStale');
    refused(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentIdentityUnavailable' } }]);
    expect(thread.state.agentTask.current).toEqual({ status: 'cleared', reason: 'stale' });
    thread.submit('b');
    registered(thread, 2);
    expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-1', 2));
  });
});

describe('a task that the service rejects', () => {
  it.each(['agent_task_expired', 'agent_task_unknown'])(
    'as %s is replaced under the same identity in mode recoverable, in the middle of a turn',
    (reason) => {
      const thread = open();
      registered(thread);
      thread.submit('a');
      thread.answer(exec('make'));
      thread.done('execCommand', EXITED);
      failModel(thread, 'agentAssertionRejected', reason);
      expect(thread.input('registerAgentTask')).toMatchObject({ replaceIdentity: null });
      registered(thread, 2);
      expect(thread.input('callModel')).toMatchObject({ step: 2, agentTask: taskOf('runtime-1', 2) });
      thread.answer('fine');
      expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
      expect(agentEvents(thread)).toMatchObject([{}, { type: 'agentTask/cleared', reason: 'rejected' }, {}]);
    },
  );

  it.each(['agent_identity_revoked', 'agent_assertion_invalid', 'agent_something_new'])(
    'as %s is replaced together with the identity in mode recoverable',
    (reason) => {
      const thread = open();
      registered(thread);
      thread.submit('a');
      failModel(thread, 'agentAssertionRejected', reason);
      expect(thread.input('registerAgentTask')).toMatchObject({ replaceIdentity: 'runtime-1' });
      registered(thread, 2, 'runtime-2');
      expect(thread.input('callModel').agentTask).toEqual(taskOf('runtime-2', 2));
    },
  );

  it('a second time in the same step fails the turn; each step has one renewal of its own', () => {
    const thread = open();
    registered(thread);
    thread.submit('a');
    failModel(thread, 'agentAssertionRejected', 'agent_task_expired');
    registered(thread, 2);
    thread.answer(exec('make'));
    thread.done('execCommand', EXITED);
    failModel(thread, 'agentAssertionRejected', 'agent_task_expired');
    registered(thread, 3);
    failModel(thread, 'agentAssertionRejected', 'agent_task_expired');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentAssertionRejected' } }]);
  });

  it.each(['agent_task_expired', 'agent_identity_revoked'])('as %s fails the turn in mode strict', (reason) => {
    const thread = open('strict');
    registered(thread);
    const before = thread.state.agentTask;
    thread.submit('a');
    failModel(thread, 'agentAssertionRejected', reason);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentAssertionRejected' } }]);
    expect(thread.state.agentTask).toEqual({
      ...before,
      lastError: { code: 'agentAssertionRejected', message: 'not with this', at: expect.any(Number) as number },
    });
    expect(thread.running).toEqual([]);
  });

  it('fails the turn in mode off, where none was sent', () => {
    const thread = open('off');
    thread.submit('a');
    failModel(thread, 'agentAssertionRejected', 'agent_assertion_missing');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'agentAssertionRejected' } }]);
    expect(thread.running).toEqual([]);
  });
});

describe('the state of an agent task', () => {
  it('is three ids and times, whatever else an activity may answer', () => {
    const thread = open();
    const task = { ...taskOf('runtime-1', 1), privateKeyPkcs8: 'never', signature: 'never' };
    thread.done('registerAgentTask', { task, currentRuntimeId: 'runtime-1', unusedTasks: 0 });
    expect(JSON.stringify(thread.state)).not.toContain('never');
    expect(JSON.parse(JSON.stringify(thread.state.agentTask))).toEqual(thread.state.agentTask);
  });
});
