import { createHash, createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../activities/failures.ts';
import type { FailureCode } from '../../../activities/failures.ts';
import type { AgentIdentity } from '../../../activities/ports.ts';
import { startIdentityService } from '../../dev/identity-service/server.ts';
import type { IdentityService } from '../../dev/identity-service/server.ts';
import { createIdentityAdapter } from './identity-adapter.ts';
import type { IdentityAdapterOptions } from './identity-adapter.ts';

const TOKEN = 'a-human-token-that-nobody-may-see';
const never = new AbortController().signal;

let folder: string;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-adapter-'));
  closing = [];
});

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  await rm(folder, { recursive: true });
});

const keyDirectory = () => join(folder, 'keys');

function adapterFor(identityUrl: string, overrides: Partial<IdentityAdapterOptions> = {}) {
  return createIdentityAdapter({
    identityUrl,
    accessToken: () => TOKEN,
    keyDirectory: keyDirectory(),
    version: '1.2.3',
    runningLocation: 'test-linux',
    ...overrides,
  });
}

async function startService(options: { stateFile?: string; port?: number } = {}): Promise<IdentityService> {
  const service = await startIdentityService(options);
  closing.push(() => service.close());
  return service;
}

async function registered(service: { url: string }, account = 'account-1') {
  const adapter = adapterFor(service.url);
  const identity = await adapter.registerIdentity(account, never);
  await adapter.useIdentity(identity);
  return { adapter, identity };
}

async function verdictOn(service: IdentityService, authorization: string): Promise<unknown> {
  const response = await fetch(`${service.url}/reference/verify`, {
    method: 'POST',
    body: JSON.stringify({ authorization }),
  });
  return response.json();
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${inspect(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

interface SeenRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

/** A service that answers every request with the same words, and keeps what it was sent. */
async function startScripted(status: number, body: string, headers: Record<string, string> = {}) {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const json = JSON.parse(text) as Record<string, unknown>;
      seen.push({ path: request.url ?? '', headers: request.headers, body: json });
      response.writeHead(status, headers).end(body.replace('$AUTHORIZATION', request.headers.authorization ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** The private key of an identity in every spelling that could leak: base64, hex, base64url, of the whole and the seed. */
async function secretSpellings(identity: AgentIdentity): Promise<string[]> {
  const file = JSON.parse(await readFile(join(keyDirectory(), `${identity.agentRuntimeId}.json`), 'utf8')) as {
    privateKeyPkcs8: string;
  };
  const der = Buffer.from(file.privateKeyPkcs8, 'base64');
  const seed = der.subarray(der.length - 32);
  return [
    file.privateKeyPkcs8,
    file.privateKeyPkcs8.slice(20, 52),
    ...[der, seed].flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64url'), inspect(bytes)]),
  ];
}

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
    expect(names).toHaveLength(3);
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
    const stateFile = join(folder, 'state', 'service.json');
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

describe('a service in trouble', () => {
  it.each<[number, FailureCode]>([
    [400, 'agentIdentityRefused'],
    [401, 'agentIdentityRefused'],
    [302, 'agentIdentityRefused'],
    [408, 'agentIdentityUnavailable'],
    [429, 'agentIdentityUnavailable'],
    [500, 'agentIdentityUnavailable'],
    [503, 'agentIdentityUnavailable'],
  ])('answers %i and that is %s', async (status, code) => {
    const scripted = await startScripted(status, 'no', { location: 'http://127.0.0.1:9/' });
    const failure = await failureOf(adapterFor(scripted.url).registerIdentity('account-1', never));
    expect([failure.code, failure.details['status']]).toEqual([code, status]);
    expect(scripted.seen).toHaveLength(1);
  });

  it('is asked again no sooner than it said', async () => {
    const service = await startService();
    await service.control({ failNext: { status: 503, times: 1, retryAfterSeconds: 7 } });
    const failure = await failureOf(adapterFor(service.url).registerIdentity('account-1', never));
    expect([failure.code, failure.retryAfterMs]).toEqual(['agentIdentityUnavailable', 7000]);
  });

  it('may give the time to wait as a date', async () => {
    const scripted = await startScripted(429, '', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    const failure = await failureOf(adapterFor(scripted.url).registerIdentity('account-1', never));
    expect(failure.retryAfterMs).toBeGreaterThan(50_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('answers nonsense', async () => {
    const service = await startService();
    await service.control({ answerNonsense: true });
    const failure = await failureOf(adapterFor(service.url).registerIdentity('account-1', never));
    expect(failure.code).toBe('agentIdentityAnswerMalformed');
  });

  it('is too slow', async () => {
    const service = await startService();
    await service.control({ delayMs: 60_000 });
    const adapter = adapterFor(service.url, { timeoutMs: 50 });
    const failure = await failureOf(adapter.registerIdentity('account-1', never));
    expect([failure.code, failure.details['timedOut']]).toEqual(['agentIdentityUnavailable', true]);
    expect(failure.message).toContain('50 ms');
  });

  it('is down', async () => {
    const service = await startService();
    await service.close();
    const failure = await failureOf(adapterFor(service.url).registerIdentity('account-1', never));
    expect(failure.code).toBe('agentIdentityUnavailable');
    expect(failure.message).toContain('ECONNREFUSED');
    expect(failure.message).toContain(service.url);
  });

  it('sends an answer without end, of which only the beginning is read', async () => {
    const scripted = await startScripted(500, 'x'.repeat(1_000_000));
    const failure = await failureOf(adapterFor(scripted.url).registerIdentity('account-1', never));
    expect(failure.message.match(/x+/g)!.map((run) => run.length)).toContain(512);
    expect(failure.message.length).toBeLessThan(1000);
  });

  it('echoes the access token, which the failure leaves out', async () => {
    const scripted = await startScripted(401, '{"error":"bad header $AUTHORIZATION"}');
    const failure = await failureOf(adapterFor(scripted.url).registerIdentity('account-1', never));
    expect(failure.message).toContain('bad header Bearer [removed]');
    expect(inspect(failure, { depth: 9 })).not.toContain(TOKEN);
  });

  it('is not waited for once the signal fires, and the reason of the signal comes back as it is', async () => {
    const aborting = new AbortController();
    const reason = { kind: 'cancelled' };
    const silent = createServer(() => aborting.abort(reason));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => silent.close(() => resolve()).closeAllConnections()));
    const adapter = adapterFor(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await expect(adapter.registerIdentity('account-1', aborting.signal)).rejects.toBe(reason);
    await expect(adapter.registerIdentity('account-1', aborting.signal)).rejects.toBe(reason);
  });
});

describe('a key file', () => {
  const path = (identity: AgentIdentity) => join(keyDirectory(), `${identity.agentRuntimeId}.json`);

  it('that is gone is reported with its path and what to do', async () => {
    const { adapter, identity } = await registered(await startService());
    const task = await adapter.registerTask(identity, never);
    await rm(path(identity));
    for (const asking of [
      adapter.registerTask(identity, never),
      adapter.useIdentity(identity),
      adapter.assertion('account-1', task),
    ]) {
      const failure = await failureOf(asking);
      expect(failure.code).toBe('agentKeyMissing');
      expect(failure.message).toContain(path(identity));
      expect(failure.message).toContain('register a new identity');
    }
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -10)],
    ['of another program', () => '{"kty":"OKP"}'],
    ['with a key that is none', (text: string) => text.replace(/"privateKeyPkcs8":"..../, '"privateKeyPkcs8":"AAAA')],
    ['too large', (text: string) => text + ' '.repeat(20_000)],
    ['of another identity', (text: string) => text.replace(/"agentRuntimeId":"[^"]+"/, '"agentRuntimeId":"other"')],
  ])('%s is a missing key, and no byte of it is quoted', async (_, spoil) => {
    const { adapter, identity } = await registered(await startService());
    const secrets = await secretSpellings(identity);
    const text = await readFile(path(identity), 'utf8');
    await writeFile(path(identity), spoil(text));
    const failure = await failureOf(adapter.registerTask(identity, never));
    expect(failure.code).toBe('agentKeyMissing');
    expect(failure.message).toContain(path(identity));
    const said = inspect(failure, { depth: 9, showHidden: true }) + (failure.stack ?? '');
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
  });

  it('that is a folder is a missing key', async () => {
    const { adapter, identity } = await registered(await startService());
    await rename(path(identity), `${path(identity)}.away`);
    await rename(join(keyDirectory(), 'current'), path(identity));
    expect((await failureOf(adapter.registerTask(identity, never))).code).toBe('agentKeyMissing');
  });

  it('that comes back is used again', async () => {
    const { adapter, identity } = await registered(await startService());
    await rename(path(identity), `${path(identity)}.away`);
    expect((await failureOf(adapter.registerTask(identity, never))).code).toBe('agentKeyMissing');
    await rename(`${path(identity)}.away`, path(identity));
    await chmod(path(identity), 0o400);
    expect(await adapter.registerTask(identity, never)).toMatchObject({ agentRuntimeId: identity.agentRuntimeId });
  });

  it('naming the identity in use that cannot be read is a missing key, not another account', async () => {
    const { adapter } = await registered(await startService());
    await writeFile(join(keyDirectory(), 'current', 'account-1.json'), '{');
    const failure = await failureOf(adapter.currentIdentity('account-1'));
    expect(failure.code).toBe('agentKeyMissing');
    expect(failure.message).toContain('account-1');
  });

  it('keeps accounts apart whose names differ in what a file name cannot hold', async () => {
    const service = await startService();
    const accounts = ['a/b', 'a%2fb', 'x'.repeat(300), 'x'.repeat(301), ''];
    for (const account of accounts) await registered(service, account);
    const adapter = adapterFor(service.url);
    const inUse = await Promise.all(accounts.map((account) => adapter.currentIdentity(account)));
    expect(inUse.map((identity) => identity!.account)).toEqual(accounts);
    expect(new Set(inUse.map((identity) => identity!.agentRuntimeId)).size).toBe(accounts.length);
  });

  it('is the only place where the private key is: no answer of the service and no failure has a byte of it', async () => {
    const service = await startService({ stateFile: join(folder, 'service.json') });
    const { adapter, identity } = await registered(service);
    const secrets = await secretSpellings(identity);
    const task = await adapter.registerTask(identity, never);
    const said = [inspect(task), inspect(identity), await readFile(join(folder, 'service.json'), 'utf8')];
    said.push(await (await fetch(`${service.url}/reference/state`)).text());
    await service.control({ failNext: { status: 500, times: 2 } });
    said.push(inspect(await failureOf(adapter.registerTask(identity, never)), { depth: 9, showHidden: true }));
    await service.control({ answerNonsense: true });
    said.push(inspect(await failureOf(adapter.registerTask(identity, never)), { depth: 9, showHidden: true }));
    await service.close();
    said.push(inspect(await failureOf(adapter.registerTask(identity, never)), { depth: 9, showHidden: true }));
    expect(secrets.filter((secret) => said.some((text) => text.includes(secret)))).toEqual([]);
  });
});

function holds(publicKey: string, text: string, signature: string): boolean {
  const raw = Buffer.from(publicKey.split(' ')[1]!, 'base64').subarray(19);
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

/** A key whose seed is SHA-256 of a word, and a box sealed for it by libsodium. */
const KNOWN_SEED = createHash('sha256').update('bobbin known key').digest();
const KNOWN_BOX = 'NDF7heoDMPrS8jdDkLpmP7C2DQvNLMG7K9JruPVbXEi60O9aDPSqGutG0nqSldiDkeOkNtA7cCQnr+Rn/qUh0/sUYw==';

async function writeKnownKey(): Promise<AgentIdentity> {
  const identity = { account: 'account-1', agentRuntimeId: 'runtime-known', registeredAt: '2026-01-01T00:00:00Z' };
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), KNOWN_SEED]);
  const scripted = await startScripted(200, '{"agent_runtime_id":"any"}');
  await adapterFor(scripted.url).registerIdentity('account-1', never);
  const file = { version: 1, ...identity, privateKeyPkcs8: pkcs8.toString('base64') };
  await writeFile(join(keyDirectory(), 'runtime-known.json'), JSON.stringify(file));
  return identity;
}
