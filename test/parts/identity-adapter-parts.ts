/** What the tests of the identity adapter share: a temp folder per test, services of two kinds, and an adapter for them. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect } from 'vitest';
import { Failure } from '../../activities/failures.ts';
import type { AgentIdentity } from '../../activities/ports.ts';
import { startIdentityService } from '../../src/dev/identity-service/server.ts';
import type { IdentityService } from '../../src/dev/identity-service/server.ts';
import { createIdentityAdapter } from '../../src/adapters/identity/identity-adapter.ts';
import type { IdentityAdapterOptions } from '../../src/adapters/identity/identity-adapter.ts';

export const TOKEN = 'a-human-token-that-nobody-may-see';
export const never = new AbortController().signal;

let folder: string;
export const inFolder = (name: string) => join(folder, name);
let closing: (() => Promise<void>)[];

/** To be called by each file: this module is loaded once for several of them, and its hooks would be those of the first. */
export function useOwnFolder(): void {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'identity-adapter-'));
    closing = [];
  });
  afterEach(async () => {
    await Promise.all(closing.map((close) => close()));
    await rm(folder, { recursive: true });
  });
}

export const keyDirectory = () => join(folder, 'keys');

export function adapterFor(identityUrl: string, overrides: Partial<IdentityAdapterOptions> = {}) {
  return createIdentityAdapter({
    identityUrl,
    accessToken: () => TOKEN,
    keyDirectory: keyDirectory(),
    version: '1.2.3',
    runningLocation: 'test-linux',
    ...overrides,
  });
}

export async function startService(options: { stateFile?: string; port?: number } = {}): Promise<IdentityService> {
  const service = await startIdentityService(options);
  closing.push(() => service.close());
  return service;
}

export async function registered(service: { url: string }, account = 'account-1') {
  const adapter = adapterFor(service.url);
  const identity = await adapter.registerIdentity(account, never);
  await adapter.useIdentity(identity);
  return { adapter, identity };
}

export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
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
export async function startScripted(status: number, body: string, headers: Record<string, string> = {}) {
  const seen: SeenRequest[] = [];
  const server: RequestListener = (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const json = JSON.parse(text) as Record<string, unknown>;
      seen.push({ path: request.url ?? '', headers: request.headers, body: json });
      response.writeHead(status, headers).end(body.replace('$AUTHORIZATION', request.headers.authorization ?? ''));
    });
  };
  return { url: await listen(server), seen };
}

/** The private key of an identity in every spelling that could leak: base64, hex, base64url, of the whole and the seed. */
export async function secretSpellings(identity: AgentIdentity): Promise<string[]> {
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

export function holds(publicKey: string, text: string, signature: string): boolean {
  const raw = Buffer.from(publicKey.split(' ')[1]!, 'base64').subarray(19);
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

/** A key whose seed is SHA-256 of a word, and a box sealed for it by libsodium. */
const KNOWN_SEED = createHash('sha256').update('bobbin known key').digest();
export const KNOWN_BOX = 'NDF7heoDMPrS8jdDkLpmP7C2DQvNLMG7K9JruPVbXEi60O9aDPSqGutG0nqSldiDkeOkNtA7cCQnr+Rn/qUh0/sUYw==';

export async function writeKnownKey(): Promise<AgentIdentity> {
  const identity = { account: 'account-1', agentRuntimeId: 'runtime-known', registeredAt: '2026-01-01T00:00:00Z' };
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), KNOWN_SEED]);
  const scripted = await startScripted(200, '{"agent_runtime_id":"any"}');
  await adapterFor(scripted.url).registerIdentity('account-1', never);
  const file = { version: 1, ...identity, privateKeyPkcs8: pkcs8.toString('base64') };
  await writeFile(join(keyDirectory(), 'runtime-known.json'), JSON.stringify(file));
  return identity;
}

/** Serves on a free port until the test ends; answers the origin. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
