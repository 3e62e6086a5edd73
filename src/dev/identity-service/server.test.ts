import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postTo, registerByHand, toPublicKeyLine, toRegistration } from '../../../test/parts/hand-made-agent.ts';
import { startIdentityService } from './server.ts';
import type { IdentityService } from './server.ts';

let folder: string;
let service: IdentityService;
let stateFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-service-'));
  stateFile = join(folder, 'deeper', 'state.json');
  service = await startIdentityService({ stateFile });
});

afterEach(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const verify = async (authorization?: string) =>
  (await postTo(`${service.url}/reference/verify`, { authorization })).body;
const codeOf = (answer: { status: number; body: Record<string, unknown> }) => [
  answer.status,
  (answer.body['error'] as { code: string } | undefined)?.code,
];

describe('registering an identity', () => {
  const register = (publicKey: string, authorization = 'Bearer any') =>
    postTo(`${service.url}/v1/agent/register`, toRegistration(publicKey), authorization);

  it('needs a bearer token, any that is not empty', async () => {
    const key = toPublicKeyLine(Buffer.alloc(32, 1));
    expect(codeOf(await register(key, ''))).toEqual([401, 'access_token_missing']);
    expect(codeOf(await register(key, 'Bearer '))).toEqual([401, 'access_token_missing']);
    expect(codeOf(await register(key, 'Basic abc'))).toEqual([401, 'access_token_missing']);
    expect((await register(key)).status).toBe(200);
  });

  it.each([
    ['another type', `ssh-rsa ${'A'.repeat(68)}`],
    ['no blob', 'ssh-ed25519'],
    ['a blob of 50 bytes', toPublicKeyLine(Buffer.alloc(31, 1))],
    ['a blob that names another type', `ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`],
  ])('refuses a public key with %s', async (_, key) => {
    expect(codeOf(await register(key))).toEqual([400, 'public_key_invalid']);
    expect(service.state().identities).toBe(0);
  });

  it.each(['{', '[]', '{"abom":{}}'])('refuses the body %s', async (body) => {
    expect(codeOf(await postTo(`${service.url}/v1/agent/register`, body, 'Bearer any'))).toEqual([400, 'bad_request']);
  });
});

describe('registering a task', () => {
  it('refuses a wrong signature, an old timestamp, an unknown runtime, and fields it does not know', async () => {
    const agent = await registerByHand(service.url);
    const register = (body: object, id = agent.runtimeId) =>
      postTo(`${service.url}/v1/agent/${id}/task/register`, body);
    const now = new Date().toISOString();
    const old = new Date(Date.now() - 6 * 60_000).toISOString();
    const signature = agent.signed(`${agent.runtimeId}:${now}`);
    expect(codeOf(await register({ timestamp: now, signature: agent.signed('other') }))).toEqual([
      401,
      'signature_invalid',
    ]);
    expect(codeOf(await register({ timestamp: now, signature: 'AAAA' }))).toEqual([401, 'signature_invalid']);
    const late = { timestamp: old, signature: agent.signed(`${agent.runtimeId}:${old}`) };
    expect(codeOf(await register(late))).toEqual([401, 'timestamp_invalid']);
    expect(codeOf(await register({ timestamp: now, signature }, 'other'))).toEqual([404, 'agent_runtime_unknown']);
    expect(codeOf(await register({ timestamp: now, signature, more: 1 }))).toEqual([400, 'bad_request']);
    expect(service.state().tasks).toEqual({ [agent.runtimeId]: 0 });
    expect((await register({ timestamp: now, signature })).body).toEqual({
      encrypted_task_id: expect.any(String) as string,
      expires_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect(service.state().tasks).toEqual({ [agent.runtimeId]: 1 });
  });
});

describe('revoking an identity', () => {
  it('needs the proof of its key, and ends its assertions and its registrations', async () => {
    const agent = await registerByHand(service.url);
    const header = agent.header(await agent.registerTask());
    const timestamp = new Date().toISOString();
    const revoke = (signature: string, id = agent.runtimeId) =>
      postTo(`${service.url}/v1/agent/${id}/revoke`, { timestamp, signature });
    expect(codeOf(await revoke(agent.signed('other')))).toEqual([401, 'signature_invalid']);
    expect(codeOf(await revoke('AAAA', 'other'))).toEqual([404, 'agent_runtime_unknown']);
    expect(await verify(header)).toMatchObject({ valid: true });
    expect(await revoke(agent.signed(`${agent.runtimeId}:${timestamp}`))).toMatchObject({ status: 200 });
    expect(await verify(header)).toMatchObject({ valid: false, code: 'agent_identity_revoked' });
  });
});

describe('verifying', () => {
  it('accepts a task under its own runtime alone, and says what is wrong with the rest', async () => {
    const agent = await registerByHand(service.url);
    const other = await registerByHand(service.url);
    const taskId = await agent.registerTask();
    expect(await verify(agent.header(taskId))).toEqual({
      valid: true,
      agent_runtime_id: agent.runtimeId,
      task_id: taskId,
    });
    expect(await verify(other.header(taskId))).toMatchObject({ valid: false, code: 'agent_task_unknown' });
    expect(await verify()).toMatchObject({ valid: false, code: 'agent_assertion_missing' });
    expect(await verify('Bearer x')).toMatchObject({ valid: false, code: 'agent_assertion_missing' });
    expect(await verify('AgentAssertion e30')).toMatchObject({ valid: false, code: 'agent_assertion_invalid' });
    const ahead = new Date(Date.now() + 6 * 60_000).toISOString();
    expect(await verify(agent.header(taskId, ahead))).toMatchObject({ valid: false, code: 'agent_assertion_invalid' });
    const [scheme, token] = agent.header(taskId).split(' ');
    const forged = Buffer.from(token!, 'base64url').toString().replace(taskId, 'agent-task-forged');
    const header = `${scheme!} ${Buffer.from(forged).toString('base64url')}`;
    expect(await verify(header)).toMatchObject({ valid: false, code: 'agent_assertion_invalid' });
  });

  it('finds a task expired after its time, a day unless told otherwise', async () => {
    const agent = await registerByHand(service.url);
    const lasting = await agent.registerTask();
    await service.control({ taskTtlMs: 0 });
    const short = await agent.registerTask();
    expect(await verify(agent.header(lasting))).toMatchObject({ valid: true });
    expect(await verify(agent.header(short))).toMatchObject({ valid: false, code: 'agent_task_expired' });
  });
});

describe('drills', () => {
  const control = (body: unknown) => postTo(`${service.url}/reference/control`, body);

  it('fail the next requests of a path, so many, and no others', async () => {
    const agent = await registerByHand(service.url);
    await control({ failNext: { status: 503, times: 2, path: 'task/register', retryAfterSeconds: 3 } });
    const register = () => postTo(`${service.url}/v1/agent/${agent.runtimeId}/task/register`, {});
    await registerByHand(service.url);
    const first = await register();
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '3']);
    expect((await register()).status).toBe(503);
    expect((await register()).status).toBe(400);
  });

  it('leave verification alone while registrations are answered with nonsense', async () => {
    const agent = await registerByHand(service.url);
    const taskId = await agent.registerTask();
    await control({ answerNonsense: true });
    await expect(registerByHand(service.url)).rejects.toThrow('JSON');
    expect(await verify(agent.header(taskId))).toMatchObject({ valid: true });
    await control({ answerNonsense: false });
    await registerByHand(service.url);
  });

  it('delay registrations', async () => {
    await control({ delayMs: 80 });
    const begun = performance.now();
    await registerByHand(service.url);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(79);
  });

  it.each([{ delayMs: -1 }, { delay: 5 }, { failNext: { status: 200, times: 1 } }, { expireTasks: false }])(
    'refuse what they do not know: %j',
    async (body) => {
      expect(codeOf(await control(body))).toEqual([400, 'bad_request']);
      await expect(service.control(body as never)).rejects.toThrow('wrong shape');
    },
  );
});

it('says in every answer that it is the reference service', async () => {
  await service.control({ failNext: { status: 500, times: 1 } });
  const paths = ['/v1/agent/register', '/reference/verify', '/reference/control', '/nothing-here'];
  for (const path of paths) {
    const { headers } = await postTo(`${service.url}${path}`, {});
    expect(headers.get('x-bobbin-reference-identity-service')).toBe('1');
    expect(headers.get('server')).toBe('bobbin-reference-identity-service');
  }
});

it('counts identities, tasks and requests', async () => {
  const agent = await registerByHand(service.url);
  await agent.registerTask();
  await agent.registerTask();
  expect(await (await fetch(`${service.url}/reference/state`)).json()).toEqual({
    service: 'Bobbin reference identity service',
    identities: 1,
    tasks: { [agent.runtimeId]: 2 },
    requests: {
      'POST /v1/agent/register': 1,
      'POST /v1/agent/{id}/task/register': 2,
      'GET /reference/state': 1,
    },
  });
});

describe('the state file', () => {
  it('keeps every registration that was answered, however many come at once', async () => {
    const agents = await Promise.all(Array.from({ length: 20 }, () => registerByHand(service.url)));
    const taskId = await agents[7]!.registerTask();
    await service.close();
    expect(await readdir(join(folder, 'deeper'))).toEqual(['state.json']);
    service = await startIdentityService({ stateFile });
    expect(service.state().identities).toBe(20);
    expect(await verify(agents[7]!.header(taskId))).toMatchObject({ valid: true });
    expect(await readFile(stateFile, 'utf8')).not.toContain(agents[7]!.signed('x'));
  });

  it('that cannot be read stops the start, with its path and what to do', async () => {
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '{"version":9}');
    await expect(startIdentityService({ stateFile: bad })).rejects.toThrow(`${bad}. Move the file away`);
  });
});
