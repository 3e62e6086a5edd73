import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../activities/failures.ts';
import type { IdentityDirectory, IdentityPort, Ports } from '../../activities/ports.ts';
import { createIdentityDirectory } from '../../src/worker/directories/identity-directory.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type Account, adapterOn, openAccount, taskOf } from '../parts/accounts.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';

const NO_DRILL = { delayMs: 0, answerNonsense: false, failNext: { status: 500, times: 0 } };
/** A status that is about the request, so that no identity is replaced for it and nothing is tried again. */
const REFUSE_TASKS = { failNext: { status: 400, times: 1_000, path: '/task/register' } };

let environment: TestEnvironment;
let account: Account;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_IDENTITY_WAIT_MS: '1000' } });
});
afterEach(() => environment.identity.control(NO_DRILL));
afterAll(() => environment.close());

const registeredEvent = (thread: ThreadHandle) => waitForEvent(thread, 'agentTask/registered');
const agentEvents = async (thread: ThreadHandle) =>
  (await eventsSoFar(thread)).filter(({ type }) => type.startsWith('agentTask/'));
const registrations = (at: TestEnvironment) => at.identity.state().requests['POST /v1/agent/{id}/task/register'] ?? 0;

/** A stand whose only worker has something put in its way. */
async function openHampered(
  hamper: (parts: {
    identity: IdentityPort;
    identities: IdentityDirectory;
    environment: TestEnvironment;
  }) => Partial<Ports>,
): Promise<TestEnvironment> {
  const own = await openEnvironment({ requireAssertion: true, worker: false });
  const identities = createIdentityDirectory(own.bobbin.service);
  await own.worker({}, hamper({ identity: adapterOn(own), identities, environment: own }));
  return own;
}

describe('prewarm', () => {
  it('registers identity and task when the thread starts, before any turn', async () => {
    account = openAccount(environment);
    const thread = await account.start();
    const event = await registeredEvent(thread);
    expect(await taskOf(thread)).toEqual({
      agentRuntimeId: (await account.identity()).agentRuntimeId,
      taskId: event.taskId,
      registeredAt: event.registeredAt,
      expiresAt: event.expiresAt,
    });
    expect(account.registered()).toEqual({ identities: 1, tasks: 1 });
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    const request = await environment.model.waitForRequest(({ assertion }) => assertion?.task_id === event.taskId);
    expect(request).toMatchObject({ status: 200, assertion: { agent_runtime_id: event.agentRuntimeId } });
    expect(account.registered()).toEqual({ identities: 1, tasks: 1 });
  });

  it('that fails does not fail the thread: there is a warning, and the next turn registers', async () => {
    account = openAccount(environment);
    await environment.identity.control(REFUSE_TASKS);
    const thread = await account.start();
    const warning = await waitForEvent(thread, 'warning');
    expect(warning.message).toMatch(/could not be registered ahead of time.*HTTP 400/);
    expect(await thread.view()).toMatchObject({ status: 'idle', agentTask: { status: 'none', registering: false } });
    await environment.identity.control(NO_DRILL);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect(account.registered()).toEqual({ identities: 1, tasks: 1 });
  });

  it('is tried again for two seconds while the service is away', async () => {
    account = openAccount(environment);
    await environment.identity.control({ failNext: { status: 503, times: 1_000, path: '/task/register' } });
    const before = registrations(environment);
    const thread = await account.start();
    const { message } = await waitForEvent(thread, 'warning');
    expect(message).toMatch(/could not be registered ahead of time.*It was tried for 2 s/);
    // The pauses are 250, 500 and 1,000 ms, and what is left; on a busy machine the tries themselves take time.
    expect(registrations(environment) - before).toBeGreaterThanOrEqual(2);
    expect(registrations(environment) - before).toBeLessThanOrEqual(5);
  });

  it('does not happen in mode off, and no assertion is sent', async () => {
    const own = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' } });
    try {
      const thread = await openAccount(own).start('off');
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      const request = await own.model.waitForRequest(({ body }) => JSON.stringify(body).includes(thread.threadId));
      expect(request.headers).not.toHaveProperty('authorization');
      expect((await thread.view()).agentTask).toMatchObject({ status: 'none', mode: 'off' });
      own.model.demandAssertions(true);
      const refused = await runTurn(thread, 'say: hi');
      expect(refused).toMatchObject({ status: 'failed', error: { code: 'agentAssertionRejected' } });
    } finally {
      await own.close();
    }
  });
});

describe('a turn', () => {
  it('waits for a slow registration, and says so', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const own = await openHampered(({ identity }) => ({
      identity: {
        ...identity,
        async registerTask(...asked: Parameters<IdentityPort['registerTask']>) {
          await held;
          return identity.registerTask(...asked);
        },
      },
    }));
    try {
      account = openAccount(own);
      const thread = await account.start();
      const waiting = turn('say: hi');
      await thread.startTurn(waiting);
      expect(await thread.view()).toMatchObject({
        activeTurn: { phase: { type: 'waitingForAgentTask' } },
        agentTask: { status: 'none', registering: true },
      });
      letGo();
      expect((await thread.completion(waiting.turnId)).status).toBe('completed');
      expect(account.registered()).toEqual({ identities: 1, tasks: 1 });
    } finally {
      letGo();
      await own.close();
    }
  });

  it('fails with an error event when it fails; the next one tries again, and no other thread notices', async () => {
    account = openAccount(environment);
    const other = await account.start();
    await registeredEvent(other);
    await environment.identity.control(REFUSE_TASKS);
    const thread = await account.start();
    const [failed, undisturbed] = await Promise.all([runTurn(thread, 'say: hi'), runTurn(other, 'say: hi')]);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'agentIdentityRefused' } });
    expect(undisturbed.status).toBe('completed');
    const error = (await eventsSoFar(thread)).find(({ type }) => type === 'error');
    expect(error).toMatchObject({ turnId: failed.turnId, error: { code: 'agentIdentityRefused' }, willRetry: false });
    await environment.identity.control(NO_DRILL);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect((await eventsSoFar(other)).some(({ type }) => type === 'error' || type === 'warning')).toBe(false);
    expect(account.registered()).toEqual({ identities: 1, tasks: 2 });
  });

  it.each([
    ['down', { failNext: { status: 503, times: 1_000 } }, 'agentIdentityUnavailable'],
    ['answering nonsense', { answerNonsense: true }, 'agentIdentityAnswerMalformed'],
  ])('fails while the service is %s, and continues once it is back', async (_, drill, code) => {
    account = openAccount(environment);
    const thread = await account.start();
    const task = (await registeredEvent(thread)).taskId;
    await environment.identity.control({ ...drill, expireTasks: task });
    expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'failed', error: { code } });
    await environment.identity.control(NO_DRILL);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect(account.registered()).toEqual({ identities: 1, tasks: 2 });
  });
});

describe('a stale task', () => {
  it('is cleared and replaced where the identity was replaced, and the step is repeated once', async () => {
    account = openAccount(environment);
    const thread = await account.start('strict');
    const before = await registeredEvent(thread);
    const replaced = await account.replace(before.agentRuntimeId);
    expect(replaced.agentRuntimeId).not.toBe(before.agentRuntimeId);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect(await agentEvents(thread)).toMatchObject([
      { type: 'agentTask/registered', taskId: before.taskId },
      { type: 'agentTask/cleared', reason: 'stale' },
      { type: 'agentTask/registered', agentRuntimeId: replaced.agentRuntimeId },
    ]);
    expect(account.registered()).toEqual({ identities: 2, tasks: 2 });
  });

  it('is replaced by nobody who asks for the same replacement late', async () => {
    account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await registeredEvent(thread);
    const all = await Promise.all([1, 2, 3].map(() => account.replace(agentRuntimeId)));
    const late = await account.replace(agentRuntimeId);
    expect(new Set([...all, late].map((identity) => identity.agentRuntimeId)).size).toBe(1);
    expect(account.registered().identities).toBe(2);
  });
});

describe('a task that expires in the middle of a turn', () => {
  /** A turn of two steps, whose task expires between them. */
  async function expireBetweenSteps(thread: ThreadHandle, name: string): Promise<string> {
    const { taskId } = await registeredEvent(thread);
    const submitted = turn(`run: until [ -e ${name} ]; do sleep 0.02; done; echo went on`);
    await thread.submit(submitted);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await environment.identity.control({ expireTasks: taskId });
    writeFileSync(join(environment.cwd, name), '');
    return submitted.turnId;
  }
  const answersOf = (thread: ThreadHandle) =>
    environment.model.requests
      .filter(({ body }) => JSON.stringify(body).includes(thread.threadId))
      .map(({ status, assertion }) => [status, assertion?.task_id]);

  it('is acquired again in mode recoverable: the step is repeated once, and the turn completes', async () => {
    account = openAccount(environment);
    const thread = await account.start('recoverable');
    const first = await registeredEvent(thread);
    const end = await thread.completion(await expireBetweenSteps(thread, 'go-recoverable'));
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('went on') as string });
    const second = await taskOf(thread);
    expect(second.agentRuntimeId).toBe(first.agentRuntimeId);
    expect(answersOf(thread)).toEqual([
      [200, first.taskId],
      [401, first.taskId],
      [200, second.taskId],
    ]);
    expect(await agentEvents(thread)).toMatchObject([{}, { type: 'agentTask/cleared', reason: 'rejected' }, {}]);
    expect(account.registered()).toEqual({ identities: 1, tasks: 2 });
  });

  it('fails the turn in mode strict, where nothing is acquired behind anyone’s back; an operator replaces the identity', async () => {
    account = openAccount(environment);
    const thread = await account.start('strict');
    const first = await registeredEvent(thread);
    const turnId = await expireBetweenSteps(thread, 'go-strict');
    const requests = environment.identity.state().requests;
    const end = await thread.completion(turnId);
    expect(end).toMatchObject({ status: 'failed', error: { code: 'agentAssertionRejected' } });
    expect(await runTurn(thread, 'say: again')).toMatchObject({ status: 'failed' });
    expect(account.registered()).toEqual({ identities: 1, tasks: 1 });
    expect(environment.identity.state().requests).toMatchObject({
      'POST /v1/agent/register': requests['POST /v1/agent/register'],
      'POST /v1/agent/{id}/task/register': requests['POST /v1/agent/{id}/task/register'],
    });
    expect(await taskOf(thread)).toMatchObject({ taskId: first.taskId });
    await account.replace(first.agentRuntimeId);
    expect((await runTurn(thread, 'say: on')).status).toBe('completed');
  });
});

describe('what was restored', () => {
  it('is in place before prewarm can register another: over new runs and a new worker', async () => {
    const own = await openEnvironment({
      requireAssertion: true,
      worker: false,
      env: { BOBBIN_CONTINUE_AFTER_EVENTS: '20' },
    });
    try {
      const worker = await own.worker();
      const thread = await own.start();
      for (let i = 0; i < 4; i++) expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      const { runCount } = await thread.view();
      expect(runCount).toBeGreaterThan(1);
      const task = await taskOf(thread);
      await worker.stop();
      await own.worker();
      for (let i = 0; i < 2; i++) expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect(await taskOf(thread)).toEqual(task);
      expect(registrations(own)).toBe(1);
      expect(own.identity.state().identities).toBe(1);
    } finally {
      await own.close();
    }
  });

  it('stays cleared where it was cleared: nobody registers before the next turn does', async () => {
    const own = await openEnvironment({
      requireAssertion: true,
      worker: false,
      env: { BOBBIN_CONTINUE_AFTER_EVENTS: '20' },
    });
    try {
      const worker = await own.worker();
      const ours = openAccount(own);
      const thread = await ours.start();
      const { agentRuntimeId } = await registeredEvent(thread);
      await ours.replace(agentRuntimeId);
      await own.identity.control(REFUSE_TASKS);
      expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'failed' });
      const cleared = { status: 'cleared', reason: 'stale', registering: false };
      expect((await thread.view()).agentTask).toMatchObject(cleared);
      const before = { runs: (await thread.view()).runCount, registrations: registrations(own) };
      await own.identity.control(NO_DRILL);
      for (let i = 0; i < 6; i++) await runTurn(thread, 'echo hi', { kind: 'user_shell' });
      await worker.stop();
      await own.worker();
      await runTurn(thread, 'echo hi', { kind: 'user_shell' });
      expect((await thread.view()).runCount).toBeGreaterThan(before.runs);
      expect((await thread.view()).agentTask).toMatchObject(cleared);
      expect(registrations(own)).toBe(before.registrations);
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect(registrations(own)).toBe(before.registrations + 1);
    } finally {
      await own.close();
    }
  });
});

describe('a registration that is tried again', () => {
  it('uses the task that the try before it is known to have registered', async () => {
    let failures = 0;
    const own = await openHampered(({ identities }) => ({
      identities: {
        ...identities,
        current: (name: string, signal: AbortSignal) =>
          failures++ === 0
            ? Promise.reject(new Failure('agentIdentityUnavailable', 'after the registration'))
            : identities.current(name, signal),
      },
    }));
    try {
      const thread = await own.start();
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect([failures, registrations(own), (await thread.view()).counters.unusedAgentTasks]).toEqual([2, 1, 0]);
    } finally {
      await own.close();
    }
  });

  it('leaves an unused task where its identity is no longer in use, which is counted', async () => {
    let failures = 0;
    const own = await openHampered(({ identities, environment: hampered }) => ({
      identities: {
        ...identities,
        async current(name: string, signal: AbortSignal) {
          const ours = openAccount(hampered, name);
          if (failures++ > 0) return identities.current(name, signal);
          await ours.replace((await ours.identity()).agentRuntimeId);
          throw new Failure('agentIdentityUnavailable', 'after the registration');
        },
      },
    }));
    try {
      const thread = await own.start();
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect([registrations(own), (await thread.view()).counters.unusedAgentTasks]).toEqual([2, 1]);
    } finally {
      await own.close();
    }
  });

  it('leaves one that nobody can count where the answer was lost; the thread uses the other', async () => {
    let lost = 0;
    const own = await openHampered(({ identity }) => ({
      identity: {
        ...identity,
        async registerTask(...asked: Parameters<IdentityPort['registerTask']>) {
          const task = await identity.registerTask(...asked);
          if (lost++ === 0) throw new Failure('agentIdentityUnavailable', 'the answer was lost');
          return task;
        },
      },
    }));
    try {
      const thread = await own.start();
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect([registrations(own), (await thread.view()).counters.unusedAgentTasks]).toEqual([2, 0]);
    } finally {
      await own.close();
    }
  });

  it('under an identity that changes in each round fails after two rounds; what was left is counted', async () => {
    const own = await openHampered(({ identity, environment: hampered }) => ({
      identity: {
        ...identity,
        async registerTask(...asked: Parameters<IdentityPort['registerTask']>) {
          const task = await identity.registerTask(...asked);
          await openAccount(hampered, asked[0].account).replace(task.agentRuntimeId);
          return task;
        },
      },
    }));
    try {
      const thread = await own.start();
      await waitForEvent(thread, 'warning');
      expect([registrations(own), (await thread.view()).counters.unusedAgentTasks]).toEqual([2, 2]);
      const end = await runTurn(thread, 'say: hi');
      expect(end).toMatchObject({ status: 'failed', error: { code: 'agentIdentityUnstable' } });
      expect([registrations(own), (await thread.view()).counters.unusedAgentTasks]).toEqual([4, 4]);
    } finally {
      await own.close();
    }
  });
});
