/** When identities and tasks end, and how an identity is revoked. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { postTo } from '../../../test/parts/hand-made-agent.ts';
import {
  adapterFor,
  failureOf,
  keyDirectory,
  never,
  registered,
  startScripted,
  startService,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';
import { createKeyFolder } from './key-files.ts';
import { createKeyStore } from './key-store.ts';

useOwnFolder();

const MINUTE = 60_000;
const lifeOf = ({ registeredAt, expiresAt }: { registeredAt: string; expiresAt?: string }) =>
  Date.parse(expiresAt ?? '') - Date.parse(registeredAt);

describe('the end of an identity and of a task', () => {
  it('is what the service reports', async () => {
    const service = await startService();
    await service.control({ identityTtlMs: 60 * MINUTE, taskTtlMs: 30 * MINUTE });
    const { adapter, identity } = await registered(service);
    const task = await adapter.registerTask(identity, never);
    expect(lifeOf(identity)).toBeGreaterThanOrEqual(60 * MINUTE);
    expect(lifeOf(identity)).toBeLessThan(61 * MINUTE);
    expect(Math.round(lifeOf(task) / MINUTE)).toBe(30);
    expect(await adapter.currentIdentity('account-1')).toEqual(identity);
  });

  it('is left out where the service reports none', async () => {
    const service = await startService();
    await service.control({ hideExpiry: true, identityTtlMs: MINUTE });
    const { adapter, identity } = await registered(service);
    expect(identity).not.toHaveProperty('expiresAt');
    expect(await adapter.registerTask(identity, never)).not.toHaveProperty('expiresAt');
  });

  const answer = (expires: unknown) => JSON.stringify({ agent_runtime_id: 'any', expires_at: expires });
  it.each([
    ['text in RFC 3339', '2030-01-02T03:04:05Z', '2030-01-02T03:04:05.000Z'],
    ['with another offset', '2030-01-02T03:04:05+02:00', '2030-01-02T01:04:05.000Z'],
    ['seconds since the epoch', 1_893_553_445, '2030-01-02T03:04:05.000Z'],
    ['in the past', '2001-01-01T00:00:00Z', '2001-01-01T00:00:00.000Z'],
    ['not a time', 'soon', undefined],
    ['an object', {}, undefined],
    ['beyond all time', 1e300, undefined],
    ['negative', -1, undefined],
  ])('may be %s', async (_, expires, expected) => {
    const scripted = await startScripted(200, answer(expires), { date: new Date().toUTCString() });
    const identity = await adapterFor(scripted.url).registerIdentity('account-1', never);
    expect(identity.expiresAt).toBe(expected);
  });

  it.each([-60, 60])('is by the clock of this machine where that of the service is %d minutes off', async (off) => {
    const theirs = Date.now() + off * MINUTE;
    const expires = new Date(theirs + 30 * MINUTE).toISOString();
    const scripted = await startScripted(200, answer(expires), { date: new Date(theirs).toUTCString() });
    const identity = await adapterFor(scripted.url).registerIdentity('account-1', never);
    expect(Math.round(lifeOf(identity) / MINUTE)).toBe(30);
  });

  it('is enforced by the service: no task, no assertion', async () => {
    const service = await startService();
    await service.control({ identityTtlMs: -1 });
    const { adapter, identity } = await registered(service);
    const failure = await failureOf(adapter.registerTask(identity, never));
    expect([failure.code, failure.details['status']]).toEqual(['agentIdentityRefused', 403]);
  });
});

describe('revoking an identity', () => {
  it('revokes it at the service, and removes its key: nothing can be signed with it', async () => {
    const service = await startService();
    const { adapter, identity } = await registered(service);
    const task = await adapter.registerTask(identity, never);
    const header = await adapter.assertion('account-1', task);
    expect(await adapter.revokeIdentity(identity, never)).toEqual({ problem: null });
    const { body } = await postTo(`${service.url}/reference/verify`, { authorization: header });
    expect(body).toMatchObject({ valid: false, code: 'agent_identity_revoked' });
    expect(await adapter.currentIdentity('account-1')).toBeUndefined();
    expect((await failureOf(adapter.assertion('account-1', task))).code).toBe('agentTaskStale');
    expect((await failureOf(adapter.registerTask(identity, never))).code).toBe('agentKeyMissing');
  });

  it('removes the key also where the service does not take part, and says why', async () => {
    const service = await startService();
    const { adapter, identity } = await registered(service);
    await service.control({ failNext: { status: 503, times: 1 } });
    const { problem } = await adapter.revokeIdentity(identity, never);
    expect(problem).toMatch(/Revoking agent runtime .* failed: HTTP 503/);
    expect(existsSync(join(keyDirectory(), `${identity.agentRuntimeId}.json`))).toBe(false);
  });

  it('is idempotent, and leaves the identity in use alone where another one is meant', async () => {
    const service = await startService();
    const { adapter, identity } = await registered(service);
    const second = await adapter.registerIdentity('account-1', never, identity.agentRuntimeId);
    await adapter.useIdentity(second);
    await adapter.revokeIdentity(identity, never);
    expect((await adapter.revokeIdentity(identity, never)).problem).toMatch(/there is no such file/);
    expect(await adapter.currentIdentity('account-1')).toEqual(second);
  });
});

describe('an identity that was registered by a worker that ended before it was in use', () => {
  it('is used by the next attempt, which registers no other one', async () => {
    const service = await startService();
    const adapter = adapterFor(service.url);
    const first = await adapter.registerIdentity('account-1', never);
    expect(await adapterFor(service.url).registerIdentity('account-1', never)).toEqual(first);
    await adapter.useIdentity(first);
    expect(service.state().identities).toBe(1);
    const second = await adapter.registerIdentity('account-1', never, first.agentRuntimeId);
    expect(await adapter.registerIdentity('account-1', never, first.agentRuntimeId)).toEqual(second);
    await adapter.useIdentity(second);
    expect(await adapter.registerIdentity('account-1', never, second.agentRuntimeId)).not.toEqual(second);
  });

  it('is left where it replaces another one, belongs to another account, has ended, or lost its key', async () => {
    const service = await startService();
    const adapter = adapterFor(service.url);
    const first = await adapter.registerIdentity('account-1', never);
    const store = createKeyStore(createKeyFolder(keyDirectory()));
    expect(await store.next('account-1', 'another')).toBeUndefined();
    expect(await store.next('account-2', null)).toBeUndefined();
    await rm(join(keyDirectory(), `${first.agentRuntimeId}.json`));
    expect(await store.next('account-1', null)).toBeUndefined();
    await service.control({ identityTtlMs: -1 });
    const ended = await adapter.registerIdentity('account-1', never);
    expect(ended).not.toEqual(first);
    expect(await store.next('account-1', null)).toBeUndefined();
  });
});
