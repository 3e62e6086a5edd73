import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyFiles, openAccount, taskOf } from '../parts/accounts.ts';
import { postTo, registerByHand } from '../parts/hand-made-agent.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
});
afterAll(() => environment.close());

describe('the identity of an account', () => {
  it('is registered once, and one task per thread, for any number of threads, turns and workers', async () => {
    const own = await openEnvironment({ requireAssertion: true });
    try {
      await own.worker();
      await own.worker();
      // Slow enough for everybody to ask before the first one is answered.
      await own.identity.control({ delayMs: 300 });
      const account = openAccount(own, own.account);
      const threads = await Promise.all(Array.from({ length: 16 }, () => account.start()));
      const ends = await Promise.all(
        threads.flatMap((thread) => ['one', 'two'].map((text) => runTurn(thread, `say: ${text}`, { onBusy: 'queue' }))),
      );
      expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 'completed'));
      const state = own.identity.state();
      const { agentRuntimeId } = await account.identity();
      expect([state.identities, state.tasks]).toEqual([1, { [agentRuntimeId]: 16 }]);
      expect(state.requests).toMatchObject({
        'POST /v1/agent/register': 1,
        'POST /v1/agent/{id}/task/register': 16,
      });
      const tasks = await Promise.all(threads.map(async (thread) => (await taskOf(thread)).taskId));
      expect(new Set(tasks).size).toBe(16);
      const { events } = await account.entity().fetchHistory();
      expect(events?.filter((event) => event.markerRecordedEventAttributes != null)).toHaveLength(1);
    } finally {
      await own.close();
    }
  });

  it('is registered where threads that wait for it take up every place of the only worker', async () => {
    const own = await openEnvironment({ requireAssertion: true, env: { BOBBIN_MAX_STEPS: '1' } });
    try {
      const threads = await Promise.all([own.start(), own.start()]);
      const ends = await Promise.all(threads.map((thread) => runTurn(thread, 'say: hi')));
      expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed']);
      expect(own.identity.state().identities).toBe(1);
    } finally {
      await own.close();
    }
  });

  it('that was revoked is replaced in mode recoverable; other threads find their task stale and go on', async () => {
    const account = openAccount(environment);
    const [one, other] = [await account.start(), await account.start()];
    const { agentRuntimeId } = await waitForEvent(one, 'agentTask/registered');
    await waitForEvent(other, 'agentTask/registered');
    await environment.identity.control({ revokeIdentities: agentRuntimeId });
    expect((await runTurn(one, 'say: hi')).status).toBe('completed');
    const second = await account.identity();
    expect(second.agentRuntimeId).not.toBe(agentRuntimeId);
    expect((await runTurn(other, 'say: hi')).status).toBe('completed');
    expect(await taskOf(other)).toMatchObject({ agentRuntimeId: second.agentRuntimeId });
    const reasons = (await Promise.all([one, other].map(eventsSoFar))).map((events) =>
      events.flatMap((event) => (event.type === 'agentTask/cleared' ? [event.reason] : [])),
    );
    expect(reasons).toEqual([['rejected'], ['stale']]);
    expect(account.registered()).toEqual({ identities: 2, tasks: 4 });
  });

  it('that was revoked is replaced once, however many threads find out at the same time', async () => {
    const account = openAccount(environment);
    const threads = await Promise.all([1, 2, 3, 4].map(() => account.start()));
    await Promise.all(threads.map((thread) => waitForEvent(thread, 'agentTask/registered')));
    await environment.identity.control({ revokeIdentities: (await account.identity()).agentRuntimeId });
    const ends = await Promise.all(threads.map((thread) => runTurn(thread, 'say: hi')));
    expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'completed']);
    expect(account.registered().identities).toBe(2);
  });

  it('that was revoked is replaced by a new thread, too, which never had a task', async () => {
    const account = openAccount(environment);
    const first = await account.start();
    const { agentRuntimeId } = await waitForEvent(first, 'agentTask/registered');
    await first.close();
    await environment.identity.control({ revokeIdentities: agentRuntimeId });
    const recoverable = await account.start('recoverable');
    expect((await runTurn(recoverable, 'say: hi')).status).toBe('completed');
    expect(account.registered().identities).toBe(2);
  });

  it('is kept where the one in its place cannot be registered', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
    await environment.identity.control({ failNext: { status: 400, times: 1, path: '/v1/agent/register' } });
    await expect(account.replace(agentRuntimeId)).rejects.toThrow();
    expect((await account.identity()).agentRuntimeId).toBe(agentRuntimeId);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
  });

  it('whose key is lost fails turns with a clear code until an operator replaces it', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
    const key = keyFiles(environment).find((file) => file.agentRuntimeId === agentRuntimeId);
    rmSync(key?.path ?? '');
    const end = await runTurn(thread, 'say: hi');
    expect(end).toMatchObject({ status: 'failed', error: { code: 'agentKeyMissing' } });
    expect(account.registered().identities).toBe(0);
    await account.replace(agentRuntimeId);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
  });

  it('continues as new, with the same identity', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    await waitForEvent(thread, 'agentTask/registered');
    const { agentRuntimeId } = await account.identity();
    const first = (await account.entity().describe()).runId;
    for (let done = 0; done < 500; done += 10) {
      await Promise.all(Array.from({ length: 10 }, () => account.replace('another')));
    }
    await expect.poll(async () => (await account.entity().describe()).runId, { timeout: 60_000 }).not.toBe(first);
    expect((await account.identity()).agentRuntimeId).toBe(agentRuntimeId);
    expect(account.registered().identities).toBe(1);
  });
});

describe('a model server that demands assertions answers 401 to', () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  type Agent = Awaited<ReturnType<typeof registerByHand>>;

  it.each<[string, string, (agent: Agent, other: Agent) => Promise<string> | string]>([
    ['a missing one', 'agent_assertion_missing', () => ''],
    ['a bearer token in its place', 'agent_assertion_missing', () => 'Bearer sk-anything'],
    ['one that cannot be read', 'agent_assertion_invalid', () => 'AgentAssertion bm90IGpzb24'],
    [
      'one signed by another key',
      'agent_assertion_invalid',
      async (agent, other) => forged(agent, other).header(await agent.registerTask()),
    ],
    [
      'one of a task of another identity',
      'agent_task_unknown',
      async (agent, other) => agent.header(await other.registerTask()),
    ],
    [
      'one signed too long ago',
      'agent_assertion_invalid',
      async (agent) => agent.header(await agent.registerTask(), minutesAgo(6)),
    ],
    [
      'one of a task that has expired',
      'agent_task_expired',
      async (agent) => {
        const taskId = await agent.registerTask();
        await environment.identity.control({ expireTasks: taskId });
        return agent.header(taskId);
      },
    ],
    [
      'one of an identity that was revoked',
      'agent_identity_revoked',
      async (agent) => {
        const header = agent.header(await agent.registerTask());
        await environment.identity.control({ revokeIdentities: agent.runtimeId });
        return header;
      },
    ],
  ])('%s, as %s', async (_, code, authorize) => {
    const [agent, other] = [
      await registerByHand(environment.identity.url),
      await registerByHand(environment.identity.url),
    ];
    const good = await ask(agent.header(await agent.registerTask()));
    expect(good.status).toBe(200);
    const refused = await ask(await authorize(agent, other));
    expect(refused).toMatchObject({ status: 401, body: { error: { code } } });
  });

  /** An agent that says it is the one and signs as the other. */
  function forged(agent: Agent, other: Agent): Pick<Agent, 'header'> {
    return {
      header(taskId) {
        const timestamp = new Date().toISOString();
        const signature = other.signed(`${agent.runtimeId}:${taskId}:${timestamp}`);
        const assertion = { agent_runtime_id: agent.runtimeId, signature, task_id: taskId, timestamp };
        return `AgentAssertion ${Buffer.from(JSON.stringify(assertion)).toString('base64url')}`;
      },
    };
  }

  function ask(authorization: string) {
    const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'say: hi' }] }];
    return postTo(`${environment.model.url}/v1/responses`, { model: 'any', input }, authorization);
  }
});
