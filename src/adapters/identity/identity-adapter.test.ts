import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { IdentityService } from '../../dev/identity-service/server.ts';
import { createIdentityAdapter } from './identity-adapter.ts';
import {
  KNOWN_BOX,
  TOKEN,
  adapterFor,
  failureOf,
  holds,
  inFolder,
  keyDirectory,
  never,
  registered,
  startScripted,
  startService,
  writeKnownKey,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';

useOwnFolder();

describe('registering an identity', () => {
  it('sends exactly the fields of the wire, with an OpenSSH ed25519 key of 51 bytes and the bearer token', async () => {
    const scripted = await startScripted(200, '{"agent_runtime_id":"runtime-1"}');
    const identity = await adapterFor(`${scripted.url}/backend-api/`).registerIdentity('account-1', never);
    const [request] = scripted.seen;
    expect(identity).toMatchObject({ account: 'account-1', agentRuntimeId: 'runtime-1' });
    expect(identity.registeredAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(request!.path).toBe('/backend-api/v1/agent/register');
    expect(request!.headers.authorization).toBe(`Bearer ${TOKEN}`);
    const { agent_public_key: publicKey, ...rest } = request!.body;
    expect(rest).toEqual({
      abom: { agent_version: '1.2.3', agent_harness_id: 'bobbin', running_location: 'test-linux' },
      capabilities: ['responsesapi'],
    });
    const [type, encoded] = (publicKey as string).split(' ');
    const blob = Buffer.from(encoded!, 'base64');
    expect([type, blob.length]).toEqual(['ssh-ed25519', 51]);
    expect(blob.subarray(0, 19).toString('hex')).toBe('0000000b7373682d6564323535313900000020');
  });

  it('keeps the key in a file that only its owner can read, in folders only the owner can enter', async () => {
    const { identity } = await registered(await startService(), 'acc/../ount ü');
    const mode = async (path: string) => ((await stat(join(keyDirectory(), path))).mode & 0o777).toString(8);
    expect(await readdir(keyDirectory())).toEqual(
      expect.arrayContaining([`${identity.agentRuntimeId}.json`, 'current']),
    );
    expect(await readdir(join(keyDirectory(), 'current'))).toEqual(['acc%2f%2e%2e%2fount%20%c3%bc.json']);
    expect(await mode('.')).toBe('700');
    expect(await mode('current')).toBe('700');
    expect(await mode(`${identity.agentRuntimeId}.json`)).toBe('600');
    expect(await mode('current/acc%2f%2e%2e%2fount%20%c3%bc.json')).toBe('600');
  });

  it('leaves no temporary file behind', async () => {
    await registered(await startService());
    const names = await readdir(keyDirectory(), { recursive: true });
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(names.filter((name) => name.endsWith('.json'))).toHaveLength(2);
  });

  it('asks for nothing where the key could not be kept', async () => {
    const service = await startService();
    await writeFile(keyDirectory(), 'a file where the folder should be');
    const failure = await failureOf(adapterFor(service.url).registerIdentity('account-1', never));
    expect(failure.code).toBe('agentIdentityUnavailable');
    expect(failure.message).toContain(keyDirectory());
    expect(service.state().identities).toBe(0);
  });

  it.each([
    ['none is configured', {}],
    ['it is empty', { accessToken: () => '' }],
    ['no header can carry it', { accessToken: () => `${TOKEN}\nX-Other: 1` }],
    ['obtaining it fails', { accessToken: () => Promise.reject(new Error('no network')) }],
  ])('asks for nothing where the access token is unusable: %s', async (_, accessToken) => {
    const service = await startService();
    const options = { identityUrl: service.url, keyDirectory: keyDirectory(), version: '1', runningLocation: 'test' };
    const failure = await failureOf(createIdentityAdapter({ ...options, ...accessToken }).registerIdentity('a', never));
    expect(failure.code).toMatch(/^agentIdentity(Refused|Unavailable)$/);
    expect(failure.message).toContain('access token');
    expect(inspect(failure, { depth: 9 })).not.toContain(TOKEN);
    expect(service.state().requests).toEqual({});
  });

  it.each(['{"agent_runtime_id":""}', '{"agent_runtime_id":".."}', '{"agent_runtime_id":7}', '[]', 'nope'])(
    'calls an answer without a usable id malformed: %s',
    async (body) => {
      const scripted = await startScripted(200, body);
      const failure = await failureOf(adapterFor(scripted.url).registerIdentity('account-1', never));
      expect(failure.code).toBe('agentIdentityAnswerMalformed');
      expect(failure.message).toContain(`${scripted.url}/v1/agent/register`);
      expect(failure.message).toContain('account-1');
    },
  );
});

describe('registering a task', () => {
  it('sends exactly timestamp and signature, signed over runtime id and timestamp, and no bearer token', async () => {
    const scripted = await startScripted(200, '{"agent_runtime_id":"runtime-1","task_id":"task-1"}');
    const { adapter, identity } = await registered(scripted);
    const task = await adapter.registerTask(identity, never);
    const [registration, request] = scripted.seen;
    expect(task).toMatchObject({ agentRuntimeId: 'runtime-1', taskId: 'task-1' });
    expect(request!.path).toBe('/v1/agent/runtime-1/task/register');
    expect(request!.headers.authorization).toBeUndefined();
    expect(Object.keys(request!.body).sort()).toEqual(['signature', 'timestamp']);
    const { timestamp, signature } = request!.body as { timestamp: string; signature: string };
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const publicKey = registration!.body['agent_public_key'] as string;
    expect(holds(publicKey, `runtime-1:${timestamp}`, signature)).toBe(true);
  });

  it('opens the sealed box that the service made for its key', async () => {
    const service = await startService();
    const { adapter, identity } = await registered(service);
    const task = await adapter.registerTask(identity, never);
    expect(task.agentRuntimeId).toBe(identity.agentRuntimeId);
    expect(task.taskId).toMatch(/^agent-task-/);
    expect(await verdictOn(service, await adapter.assertion('account-1', task))).toEqual({
      valid: true,
      agent_runtime_id: identity.agentRuntimeId,
      task_id: task.taskId,
    });
  });

  it('opens a sealed box that libsodium made elsewhere for a known key', async () => {
    const scripted = await startScripted(200, JSON.stringify({ encryptedTaskId: KNOWN_BOX }));
    const identity = await writeKnownKey();
    const task = await adapterFor(scripted.url).registerTask(identity, never);
    expect(task.taskId).toBe('task-from-elsewhere');
  });

  it.each([
    ['taskId', '{"taskId":"task-2"}', 'task-2'],
    ['a plain id before a sealed one', '{"task_id":"task-3","encrypted_task_id":"AAAA"}', 'task-3'],
  ])('accepts %s', async (_, body, taskId) => {
    const scripted = await startScripted(200, body);
    const task = await adapterFor(scripted.url).registerTask(await writeKnownKey(), never);
    expect(task.taskId).toBe(taskId);
  });

  it.each([
    ['no task id', '{"other":1}'],
    ['a box for another key', `{"encrypted_task_id":"${Buffer.alloc(80, 7).toString('base64')}"}`],
    ['a box too short to be one', '{"encrypted_task_id":"AAAA"}'],
  ])('calls an answer with %s malformed', async (_, body) => {
    const scripted = await startScripted(200, body);
    const failure = await failureOf(adapterFor(scripted.url).registerTask(await writeKnownKey(), never));
    expect(failure.code).toBe('agentIdentityAnswerMalformed');
    expect(failure.message).toContain('runtime-known');
  });
});

describe('the assertion', () => {
  it('is base64url of sorted JSON, freshly signed over runtime, task and timestamp', async () => {
    const scripted = await startScripted(200, '{"agent_runtime_id":"runtime-1","task_id":"task-1"}');
    const { adapter, identity } = await registered(scripted);
    const authorization = await adapter.assertion('account-1', await adapter.registerTask(identity, never));
    const token = /^AgentAssertion ([A-Za-z0-9_-]+)$/.exec(authorization)![1]!;
    const text = Buffer.from(token, 'base64url').toString();
    const assertion = JSON.parse(text) as Record<'agent_runtime_id' | 'signature' | 'task_id' | 'timestamp', string>;
    expect(Object.keys(assertion)).toEqual(['agent_runtime_id', 'signature', 'task_id', 'timestamp']);
    expect(assertion).toMatchObject({ agent_runtime_id: 'runtime-1', task_id: 'task-1' });
    const publicKey = scripted.seen[0]!.body['agent_public_key'] as string;
    expect(holds(publicKey, `runtime-1:task-1:${assertion.timestamp}`, assertion.signature)).toBe(true);
    expect(holds(publicKey, `runtime-1:task-2:${assertion.timestamp}`, assertion.signature)).toBe(false);
  });

  it('is refused as stale once another identity is in use, also when another process changed that', async () => {
    const service = await startService();
    const { adapter, identity } = await registered(service);
    const task = await adapter.registerTask(identity, never);
    await adapter.assertion('account-1', task);
    const elsewhere = await registered(service);
    const failure = await failureOf(adapter.assertion('account-1', task));
    expect(failure.code).toBe('agentTaskStale');
    for (const id of ['account-1', task.taskId, identity.agentRuntimeId, elsewhere.identity.agentRuntimeId]) {
      expect(failure.message).toContain(id);
    }
    expect(await adapter.currentIdentity('account-1')).toEqual(elsewhere.identity);
  });

  it('is refused as stale where the account has no identity in use', async () => {
    const adapter = adapterFor('http://127.0.0.1:9');
    const task = { agentRuntimeId: 'runtime-1', taskId: 'task-1', registeredAt: '2026-01-01T00:00:00Z' };
    expect((await failureOf(adapter.assertion('account-1', task))).code).toBe('agentTaskStale');
    expect(await adapter.currentIdentity('account-1')).toBeUndefined();
  });

  it('stays valid after a restart of the service, and is found expired and revoked as the service says', async () => {
    const stateFile = inFolder('state/service.json');
    const before = await startService({ stateFile });
    const { adapter, identity } = await registered(before);
    const task = await adapter.registerTask(identity, never);
    await before.close();
    const after = await startService({ stateFile, port: before.port });
    const verdict = async () => verdictOn(after, await adapter.assertion('account-1', task));
    expect(await verdict()).toMatchObject({ valid: true });
    await after.control({ expireTasks: task.taskId });
    expect(await verdict()).toMatchObject({ valid: false, code: 'agent_task_expired' });
    await after.control({ revokeIdentities: identity.agentRuntimeId });
    expect(await verdict()).toMatchObject({ valid: false, code: 'agent_identity_revoked' });
    const failure = await failureOf(adapter.registerTask(identity, never));
    expect(failure.code).toBe('agentIdentityRefused');
    expect(failure.details).toMatchObject({ status: 403 });
  });
});

async function verdictOn(service: IdentityService, authorization: string): Promise<unknown> {
  const response = await fetch(`${service.url}/reference/verify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authorization }),
  });
  return response.json();
}
