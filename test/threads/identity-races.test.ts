/** Many at once, and workers that are killed: nothing is registered twice without need, and nothing waits for ever. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWorkerChild } from '../kill/worker-child.ts';
import { openAccount, taskOf } from '../parts/accounts.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
  // Two workers serve everything.
  await environment.worker();
});
afterEach(() => environment.identity.control({ delayMs: 0 }));
afterAll(() => environment.close());

const requests = (of: TestEnvironment, path: string) => of.identity.state().requests[`POST ${path}`] ?? 0;
const identities = (of: TestEnvironment) => requests(of, '/v1/agent/register');
const tasks = (of: TestEnvironment) => requests(of, '/v1/agent/{id}/task/register');

describe('at the same time', () => {
  it('ten operators replace an identity, and one is registered; so they do after a revocation', async () => {
    const account = openAccount(environment);
    await waitForEvent(await account.start(), 'agentTask/registered');
    // Long enough for all ten to have seen the identity that is there now.
    await environment.identity.control({ delayMs: 4_000 });
    const before = identities(environment);
    const replaceTen = () =>
      Promise.all(Array.from({ length: 10 }, () => environment.bobbin.identities.replace(account.name)));
    const replaced = await replaceTen();
    expect(new Set(replaced.map(({ identity }) => identity?.agentRuntimeId)).size).toBe(1);
    expect(identities(environment)).toBe(before + 1);
    await environment.bobbin.identities.revoke(account.name);
    const again = await replaceTen();
    expect(new Set(again.map(({ identity }) => identity?.agentRuntimeId)).size).toBe(1);
    expect(identities(environment)).toBe(before + 2);
  });

  it('an operator replaces the identity while turns run, and each thread registers one task more', async () => {
    const account = openAccount(environment);
    const threads = await Promise.all([1, 2, 3, 4].map(() => account.start()));
    const first = await Promise.all(threads.map((thread) => waitForEvent(thread, 'agentTask/registered')));
    const before = tasks(environment);
    const turns = threads.map((thread) => runTurn(thread, 'run: sleep 0.5\nrun: sleep 0.5\nsay: done'));
    const { identity } = await environment.bobbin.identities.replace(account.name);
    expect((await Promise.all(turns)).map(({ status }) => status)).toEqual(threads.map(() => 'completed'));
    expect(
      (await Promise.all(threads.map((thread) => runTurn(thread, 'say: hi')))).map(({ status }) => status),
    ).toEqual(threads.map(() => 'completed'));
    for (const thread of threads) expect((await taskOf(thread)).agentRuntimeId).toBe(identity?.agentRuntimeId);
    expect(first.every(({ agentRuntimeId }) => agentRuntimeId !== identity?.agentRuntimeId)).toBe(true);
    expect(tasks(environment)).toBe(before + threads.length);
  });

  it('an operator revokes and another one replaces: turns end either way, and the next ones run', async () => {
    const account = openAccount(environment);
    const threads = await Promise.all([1, 2, 3].map(() => account.start()));
    await Promise.all(threads.map((thread) => waitForEvent(thread, 'agentTask/registered')));
    const { identities: of } = environment.bobbin;
    for (let round = 0; round < 3; round++) {
      const turns = threads.map((thread) => runTurn(thread, 'run: true\nsay: done'));
      await Promise.all([of.revoke(account.name), of.replace(account.name)]);
      const ends = await Promise.all(turns);
      expect(ends.filter(({ status }) => status !== 'completed' && status !== 'failed')).toEqual([]);
    }
    await of.replace(account.name);
    const last = await Promise.all(threads.map((thread) => runTurn(thread, 'say: hi')));
    expect(last.map(({ status }) => status)).toEqual(threads.map(() => 'completed'));
  });
});

describe('a worker that is killed', () => {
  it('while it registers the identity, and then while it registers a task, costs no turn', async () => {
    const own = await openEnvironment({ requireAssertion: true, worker: false });
    const log = (name: string) => join(own.cwd, '..', `${name}.log`);
    try {
      const first = await startWorkerChild(own.env, log('first'));
      await own.identity.control({ delayMs: 60_000 });
      const thread = await own.start();
      const waiting = turn('say: hi');
      await thread.submit(waiting);
      await expect.poll(() => identities(own), { timeout: 30_000 }).toBe(1);
      await first.kill();
      await own.identity.control({ delayMs: 2_000 });
      const second = await startWorkerChild(own.env, log('second'));
      await expect.poll(() => tasks(own), { timeout: 60_000 }).toBe(1);
      await second.kill();
      await own.identity.control({ delayMs: 0 });
      await startWorkerChild(own.env, log('third')).then(async (third) => {
        expect((await thread.completion(waiting.turnId)).status).toBe('completed');
        expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
        await third.kill();
      });
      // One more for each answer that nobody received; on a slow machine the second worker may have given up on one.
      expect(identities(own)).toBe(2);
      expect(tasks(own)).toBeLessThanOrEqual(3);
    } finally {
      await own.close();
    }
  });

  it('while an operator replaces the identity keeps the old one until the new one is there', async () => {
    const own = await openEnvironment({ requireAssertion: true, worker: false });
    try {
      const first = await startWorkerChild(own.env, join(own.cwd, '..', 'first.log'));
      const account = openAccount(own, own.account);
      const thread = await account.start();
      const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
      await own.identity.control({ delayMs: 60_000 });
      const replacing = own.bobbin.identities.replace(account.name).catch(() => null);
      await expect.poll(() => identities(own), { timeout: 30_000 }).toBe(2);
      await first.kill();
      await own.identity.control({ delayMs: 0 });
      await own.worker();
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      await replacing;
      const end = await own.bobbin.identities.replace(account.name, { agentRuntimeId });
      expect(end.identity?.agentRuntimeId).not.toBe(agentRuntimeId);
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect((await eventsSoFar(thread)).filter(({ type }) => type === 'error')).toEqual([]);
      expect(identities(own)).toBe(3);
    } finally {
      await own.close();
    }
  });
});
