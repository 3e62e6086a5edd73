import { afterEach, describe, expect, it } from 'vitest';
import { registerByHand } from '../../../test/parts/hand-made-agent.ts';
import { startIdentityService } from '../identity-service/server.ts';
import { send } from '../../../test/parts/responses-client.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

describe('assertions, when demanded', () => {
  async function startBoth() {
    const service = await startIdentityService();
    closing.push(() => service.close());
    const server = await startModelServer({ requireAssertion: true, verifyUrl: service.url });
    closing.push(() => server.close());
    return { service, server };
  }

  const ask = async (server: ModelServer, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await send(server.url, { input: 'say: hi' }, { headers });
    const body = (await response.json()) as { error?: { code?: string } | null };
    return [response.status, body.error?.code];
  };

  it('are refused with 401 and a code that says what is wrong', async () => {
    const { server, service } = await startBoth();
    const { header, registerTask } = await registerByHand(service.url);
    const old = new Date(Date.now() - 6 * 60_000).toISOString();
    expect(await ask(server)).toEqual([401, 'agent_assertion_missing']);
    expect(await ask(server, 'Bearer some-key')).toEqual([401, 'agent_assertion_missing']);
    expect(await ask(server, 'AgentAssertion nonsense')).toEqual([401, 'agent_assertion_invalid']);
    expect(await ask(server, header('task', old))).toEqual([401, 'agent_assertion_invalid']);
    expect(await ask(server, header('no-such-task'))).toEqual([401, 'agent_task_unknown']);
    const taskId = await registerTask();
    expect(await ask(server, header(taskId))).toEqual([200, undefined]);
    await service.control({ expireTasks: taskId });
    expect(await ask(server, header(taskId))).toEqual([401, 'agent_task_expired']);
    await service.control({ revokeIdentities: true });
    expect(await ask(server, header('no-such-task'))).toEqual([401, 'agent_identity_revoked']);
    expect(server.requests.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 200, 401, 401]);
  });

  it('are demanded and not demanded as the server is told, and need a place to be verified', async () => {
    const { server } = await startBoth();
    server.demandAssertions(false);
    expect((await ask(server))[0]).toBe(200);
    server.demandAssertions(true);
    expect((await ask(server))[0]).toBe(401);
    await expect(startModelServer({ requireAssertion: true })).rejects.toThrow('verifyUrl');
  });

  it('answer 503 where nobody can verify them', async () => {
    const { server, service } = await startBoth();
    const { header } = await registerByHand(service.url);
    await service.close();
    expect(await ask(server, header('task'))).toEqual([503, 'agent_assertion_unverified']);
  });
});
