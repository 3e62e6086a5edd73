import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { FailureCode } from '../../../activities/failures.ts';
import {
  TOKEN,
  adapterFor,
  failureOf,
  listen,
  never,
  startScripted,
  startService,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';

useOwnFolder();

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
    const adapter = adapterFor(await listen(() => aborting.abort(reason)));
    await expect(adapter.registerIdentity('account-1', aborting.signal)).rejects.toBe(reason);
    await expect(adapter.registerIdentity('account-1', aborting.signal)).rejects.toBe(reason);
  });
});
