/** The mode of an account is its operator's: a client may ask for a stricter one, never for a less strict one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentIdentityMode } from '../../src/contract/index.ts';
import { openAccount, taskOf } from '../parts/accounts.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
});
afterAll(() => environment.close());

const modes: AgentIdentityMode[] = ['off', 'recoverable', 'strict'];

describe.each(modes)('an account whose policy is %s', (policy) => {
  let own: TestEnvironment;
  beforeAll(async () => {
    own = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: policy } });
  });
  afterAll(() => own.close());

  it.each(modes)('serves a thread that asks for %s with the stricter one of both', async (asked) => {
    const expected = modes[Math.max(modes.indexOf(policy), modes.indexOf(asked))];
    const thread = await openAccount(own).start(asked);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect((await thread.view()).settings.agentIdentity.mode).toBe(expected);
  });
});

it('a file names the policy of each account; the entry * is for all others', async () => {
  const own = await openEnvironment({ worker: false });
  try {
    const file = join(own.cwd, '../accounts.json');
    writeFileSync(file, JSON.stringify({ accounts: { safe: { mode: 'strict' }, '*': { mode: 'off' } } }));
    await own.worker({ BOBBIN_IDENTITY_ACCOUNTS: file });
    const modeOf = async (account: string) => {
      const agentIdentity = { mode: 'off' as const, account };
      const thread = await own.start({ agentIdentity });
      return (await thread.view()).agentTask.mode;
    };
    expect([await modeOf('safe'), await modeOf('any-other')]).toEqual(['strict', 'off']);
  } finally {
    await own.close();
  }
});

describe('an identity that a strict thread uses', () => {
  it('is replaced by no recoverable thread, only by an operator', async () => {
    const account = openAccount(environment);
    const [strict, recoverable] = [await account.start('strict'), await account.start('recoverable')];
    const { agentRuntimeId } = await waitForEvent(strict, 'agentTask/registered');
    await waitForEvent(recoverable, 'agentTask/registered');
    await environment.identity.control({ revokeIdentities: agentRuntimeId });
    expect(await runTurn(recoverable, 'say: hi')).toMatchObject({
      error: { code: 'agentIdentityRefused', message: expect.stringContaining('bobbin identity replace') as string },
    });
    expect(await runTurn(strict, 'say: hi')).toMatchObject({ error: { code: 'agentAssertionRejected' } });
    const later = await account.start('recoverable');
    expect(await runTurn(later, 'say: hi')).toMatchObject({ error: { code: 'agentIdentityRefused' } });
    expect(account.registered().identities).toBe(1);
    const second = await account.replace(agentRuntimeId);
    for (const thread of [strict, recoverable, later]) {
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect((await taskOf(thread)).agentRuntimeId).toBe(second.agentRuntimeId);
    }
    expect(account.registered().identities).toBe(2);
  });
});

describe('a policy that becomes stricter', () => {
  it('is adopted by threads that began before, with their next model step', async () => {
    const own = await openEnvironment({ worker: false });
    try {
      const before = await own.worker({ BOBBIN_IDENTITY_MODE: 'off' });
      const thread = await own.start();
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect((await thread.view()).agentTask).toMatchObject({ mode: 'off', status: 'none' });
      await before.stop();
      own.model.demandAssertions(true);
      const strict = await own.worker({ BOBBIN_IDENTITY_MODE: 'strict' });
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect((await thread.view()).agentTask).toMatchObject({ mode: 'strict', status: 'registered' });
      expect((await eventsSoFar(thread)).filter(({ type }) => type === 'warning')).toMatchObject([
        { message: expect.stringContaining('is strict now') as string },
      ]);
      await strict.stop();
      await own.worker({ BOBBIN_IDENTITY_MODE: 'off' });
      expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
      expect((await thread.view()).agentTask.mode).toBe('strict');
    } finally {
      await own.close();
    }
  });

  it('stops a recoverable thread that began before from replacing the identity, and from registering again', async () => {
    const own = await openEnvironment({ worker: false, requireAssertion: true });
    try {
      const before = await own.worker();
      const thread = await own.start();
      const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
      await before.stop();
      await own.worker({ BOBBIN_IDENTITY_MODE: 'strict' });
      await own.identity.control({ revokeIdentities: agentRuntimeId });
      expect(await runTurn(thread, 'say: hi')).toMatchObject({ error: { code: 'agentAssertionRejected' } });
      expect(own.identity.state()).toMatchObject({ identities: 1, tasks: { [agentRuntimeId]: 1 } });
    } finally {
      await own.close();
    }
  });
});
