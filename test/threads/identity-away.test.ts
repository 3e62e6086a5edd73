/** The identity service is down and comes back: turns and batches wait for it, as long as their thread does. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BatchRow } from '../../src/contract/index.ts';
import { startIdentityService } from '../../src/dev/identity-service/server.ts';
import { openAccount } from '../parts/accounts.ts';
import { makeRepository } from '../parts/repositories.ts';
import { type SeverableProxy, startSeverableProxy } from '../parts/severable-proxy.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';

let identity: Awaited<ReturnType<typeof startIdentityService>>;
let proxy: SeverableProxy;
let environment: TestEnvironment;
beforeAll(async () => {
  identity = await startIdentityService();
  proxy = await startSeverableProxy(identity.url);
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_URL: proxy.url, BOBBIN_IDENTITY_WAIT_MS: '60000' } });
});
afterEach(() => proxy.mend());
afterAll(async () => {
  await environment.close();
  await proxy.close();
  await identity.close();
});

const AWAY = /cannot be registered at the moment: .*(ECONNRESET|fetch failed|closed|Check that the service is up)/;
const said = (message: string) => AWAY.test(message);

describe('while the identity service is down', () => {
  it('an attended turn says so, waits, and completes when the service comes back', async () => {
    proxy.sever();
    const thread = await openAccount(environment).start();
    const waiting = turn('say: hi');
    await thread.submit(waiting);
    const { message } = await waitForEvent(thread, 'warning', (event) => said(event.message));
    expect(message).toMatch(/The turn waits up to \d+ s more\.$/);
    expect(await thread.view()).toMatchObject({
      activeTurn: { phase: { type: 'waitingForAgentTask' } },
      agentTask: { registering: true, lastError: { code: 'agentIdentityUnavailable' } },
    });
    proxy.mend();
    expect((await thread.completion(waiting.turnId)).status).toBe('completed');
    expect((await thread.view()).agentTask).toMatchObject({ status: 'registered', lastError: null });
  });

  it('an attended turn fails once its wait is over; an unattended one still waits, and completes', async () => {
    const own = await openEnvironment({ env: { BOBBIN_IDENTITY_URL: proxy.url, BOBBIN_IDENTITY_WAIT_MS: '3000' } });
    try {
      proxy.sever();
      const account = openAccount(own);
      const unattended = await account.start('recoverable', { unattended: { approvals: 'decline' } });
      const patient = turn('say: hi');
      await unattended.submit(patient);
      const { message } = await waitForEvent(unattended, 'warning', (event) => said(event.message));
      expect(Number(/up to (\d+) s more/.exec(message)?.[1])).toBeGreaterThan(500);
      const thread = await account.start();
      expect(await runTurn(thread, 'say: hi')).toMatchObject({
        status: 'failed',
        error: {
          code: 'agentIdentityUnavailable',
          message: expect.stringMatching(/It was tried for \d+ s\.$/) as string,
        },
      });
      const warnings = (await eventsSoFar(thread)).filter((event) => event.type === 'warning' && said(event.message));
      expect(warnings).toHaveLength(1);
      expect((await unattended.view()).activeTurn?.phase).toEqual({ type: 'waitingForAgentTask' });
      proxy.mend();
      expect((await unattended.completion(patient.turnId)).status).toBe('completed');
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      const { agentRuntimeId } = await account.identity();
      expect(identity.state().tasks[agentRuntimeId]).toBe(2);
    } finally {
      await own.close();
    }
  });

  it('a turn that waits can be interrupted at once, and the next one uses the registration that goes on', async () => {
    proxy.sever();
    const thread = await openAccount(environment).start('recoverable', { unattended: { approvals: 'decline' } });
    const waiting = turn('say: hi');
    await thread.submit(waiting);
    await waitForEvent(thread, 'warning', (event) => said(event.message));
    await thread.interrupt({ turnId: waiting.turnId });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'aborted' });
    const next = turn('say: hi');
    await thread.submit(next);
    proxy.mend();
    expect((await thread.completion(next.turnId)).status).toBe('completed');
  });

  it('another worker goes on with the wait of one that ends', async () => {
    const own = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_URL: proxy.url } });
    try {
      const first = await own.worker();
      proxy.sever();
      const thread = await openAccount(own).start('recoverable', { unattended: { approvals: 'decline' } });
      const waiting = turn('say: hi');
      await thread.submit(waiting);
      await waitForEvent(thread, 'warning', (event) => said(event.message));
      await first.stop();
      await own.worker();
      proxy.mend();
      expect((await thread.completion(waiting.turnId)).status).toBe('completed');
      expect((await eventsSoFar(thread)).filter(({ type }) => type === 'error')).toEqual([]);
    } finally {
      await own.close();
    }
  });

  it('the targets of a nightly batch wait, and are reviewed', async () => {
    proxy.sever();
    const repositories = [1, 2, 3].map(() =>
      makeRepository(join(environment.data, '..', '..', `repo-${randomUUID()}`), { 'a.ts': '// TODO: one\n' }),
    );
    const account = openAccount(environment);
    const batch = await environment.bobbin.batches.start({
      targets: repositories.map((repository) => ({ repository })),
      agentIdentity: { mode: 'recoverable', account: account.name },
    });
    const waits = async (number: number): Promise<boolean> => {
      const events = await eventsSoFar(environment.bobbin.threads.get(`${batch.batchId}/${number}`)).catch(() => []);
      return events.some((event) => event.type === 'warning' && said(event.message));
    };
    for (const number of repositories.keys()) await expect.poll(() => waits(number), { timeout: 60_000 }).toBe(true);
    proxy.mend();
    expect(await batch.follow()).toMatchObject({ status: 'completed', counts: { reviewed: 3 } });
    const rows: BatchRow[] = [];
    for await (const row of batch.rows()) rows.push(row);
    expect(rows.map(({ outcome }) => outcome.status)).toEqual(['reviewed', 'reviewed', 'reviewed']);
  });
});

describe('a service that takes requests and does not answer', () => {
  it('is reported after five seconds, and the turn completes once it answers', async () => {
    await identity.control({ delayMs: 600_000 });
    const thread = await openAccount(environment).start('recoverable', { unattended: { approvals: 'decline' } });
    const waiting = turn('say: hi');
    await thread.submit(waiting);
    await waitForEvent(thread, 'warning', ({ message }) => message.includes('at the moment'));
    await identity.control({ delayMs: 0 });
    expect((await thread.completion(waiting.turnId)).status).toBe('completed');
  });
});
