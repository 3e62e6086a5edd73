/** What an operator does with the identities of accounts: by the client and the command line, on a real service. */
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AccountIdentity } from '../../src/contract/index.ts';
import { blockRemoval, keyFiles, openAccount, taskOf } from '../parts/accounts.ts';
import { httpClient, startHttpStand } from '../parts/http-server.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
});
afterEach(() => environment.identity.control({ delayMs: 0, failNext: { status: 500, times: 0 } }));
afterAll(() => environment.close());

const cli = (...args: string[]) => runCli(['identity', ...args], { env: environment.env });
const detailsOf = async (account: ReturnType<typeof openAccount>) => {
  const { currentDetails } = await account.entity().query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return currentDetails ?? '';
};

describe('bobbin identity', () => {
  it('lists, shows, replaces and revokes, in text and in JSON', async () => {
    await environment.identity.control({ identityTtlMs: 10 * 86_400_000 });
    const account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
    await environment.identity.control({ identityTtlMs: null });

    await expect.poll(async () => (await cli('list')).stdout, { timeout: 60_000 }).toContain(account.name);
    const listed = async () => {
      const { identities } = JSON.parse((await cli('list', '--json')).stdout) as { identities: AccountIdentity[] };
      return identities.find((one) => one.account === account.name);
    };
    // A worker that is busy may not answer in time for a list.
    await expect.poll(listed, { timeout: 60_000 }).toMatchObject({
      ...{ status: 'inUse', policy: 'recoverable', isPinned: false, registering: false, lastError: null },
      identity: { agentRuntimeId, expiresAt: expect.stringMatching(/Z$/) as string },
    });

    const shown = await cli('show', account.name);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(`${account.name}: in use\nidentity: ${agentRuntimeId}\n`);
    expect(shown.stdout).toMatch(/ends: \d{4}-.*\nreplaced ahead at: \d{4}-/);

    const replaced = JSON.parse((await cli('replace', account.name, '--json')).stdout) as AccountIdentity;
    expect(replaced.identity?.agentRuntimeId).not.toBe(agentRuntimeId);
    const again = await cli('replace', account.name, '--identity', agentRuntimeId, '--json');
    expect((JSON.parse(again.stdout) as AccountIdentity).identity).toEqual(replaced.identity);
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
    expect((await taskOf(thread)).agentRuntimeId).toBe(replaced.identity?.agentRuntimeId);

    const revoked = await cli('revoke', account.name, '--reason', 'it was\x1b[31m copied');
    expect(revoked.stdout).toContain(`${account.name}: revoked\n`);
    expect(revoked.stdout).toContain('it was⟨U+001B⟩[31m copied');
    const refused = await runTurn(thread, 'say: hi');
    expect(refused).toMatchObject({
      error: {
        code: 'agentIdentityRevoked',
        message: expect.stringContaining(`identity replace ${account.name}`) as string,
      },
    });
    expect((await cli('replace', account.name)).stdout).toContain(': in use');
    expect((await runTurn(thread, 'say: hi')).status).toBe('completed');
  });

  it('does the same over HTTP, for the scope admin', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
    const stand = await startHttpStand(environment.bobbin);
    try {
      const http = httpClient(stand.url, stand.secret);
      const path = `/v1/identities/${account.name}`;
      const listed = async () => {
        const { identities } = (await http.get('/v1/identities?limit=1000')).value as { identities: AccountIdentity[] };
        return identities.map((one) => one.account);
      };
      await expect.poll(listed, { timeout: 60_000 }).toContain(account.name);
      expect((await http.get(path)).value).toMatchObject({ status: 'inUse', identity: { agentRuntimeId } });
      const replaced = await http.post(`${path}/replace`, { agentRuntimeId });
      expect(replaced.value).not.toMatchObject({ identity: { agentRuntimeId } });
      // Sent again after its answer was lost.
      expect((await http.post(`${path}/replace`, { agentRuntimeId })).value).toEqual(replaced.value);
      const revoked = await http.post(`${path}/revoke`, { reason: 'copied' });
      expect(revoked.value).toMatchObject({ status: 'revoked', revocation: { reason: 'copied' } });
      expect((await http.post(`${path}/revoke`)).value).toMatchObject({ revocation: { reason: 'copied' } });
      await environment.identity.control({ failNext: { status: 403, times: 1, path: '/v1/agent/register' } });
      expect((await http.post(`${path}/replace`)).value).toMatchObject({ status: 422, code: 'agentIdentityRefused' });
      expect((await http.post(`${path}/replace`)).value).toMatchObject({ status: 'inUse' });
      expect((await http.get('/v1/identities/nobody')).value).toMatchObject({ status: 404, code: 'identityNotFound' });
      expect((await http.post(`${path}/replace`, { agentRuntimeId: 'not an id' })).status).toBe(400);
      const approver = await stand.client({ scopes: ['read', 'drive', 'approve'] });
      expect((await approver.get(path)).value).toMatchObject({ code: 'scopeMissing' });
      expect(stand.errors).toEqual([]);
    } finally {
      await stand.close();
    }
  });

  it('refuses an account that is unknown or is none', async () => {
    const unknown = await cli('show', 'nobody', '--json');
    expect([unknown.code, unknown.stdout]).toEqual([6, expect.stringContaining('identityNotFound')]);
    expect((await cli('replace', 'nobody')).code).toBe(6);
    expect((await cli('revoke', 'nobody')).code).toBe(6);
    expect((await cli('show', 'not an account')).code).toBe(2);
    expect((await cli('replace', 'nobody', '--identity', 'not an id')).code).toBe(2);
  });

  it('says when the service refuses', async () => {
    const account = openAccount(environment);
    await waitForEvent(await account.start(), 'agentTask/registered');
    await environment.identity.control({ failNext: { status: 403, times: 1, path: '/v1/agent/register' } });
    const refused = await cli('replace', account.name, '--json');
    expect([refused.code, refused.stdout]).toEqual([6, expect.stringContaining('agentIdentityRefused')]);
    expect(await environment.bobbin.identities.show(account.name)).toMatchObject({
      ...{ status: 'inUse', lastError: { code: 'agentIdentityRefused' } },
    });
  });
});

describe('a revocation', () => {
  it('in the middle of a turn fails it at its next step, at once and with its reason; nothing hangs', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
    const running = turn('run: until [ -e revoked ]; do sleep 0.02; done');
    await thread.submit(running);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    const view = await environment.bobbin.identities.revoke(account.name, { reason: 'a test' });
    expect(view).toMatchObject({ status: 'revoked', identity: null, revocation: { agentRuntimeId, problem: null } });
    await runTurn(
      await environment.start({ agentIdentity: { mode: 'off', account: 'another' } }),
      'run: touch revoked',
    );
    expect(await thread.completion(running.turnId)).toMatchObject({
      error: { code: 'agentIdentityRevoked', message: expect.stringContaining('(a test)') as string },
    });
    expect(keyFiles(environment).some((file) => file.agentRuntimeId === agentRuntimeId)).toBe(false);
  });

  it('while an identity is being registered revokes that one; several at once are one', async () => {
    const account = openAccount(environment);
    const asked = () => environment.identity.state().requests['POST /v1/agent/register'] ?? 0;
    const before = asked();
    await environment.identity.control({ delayMs: 1_000 });
    const thread = await account.start();
    await expect.poll(asked, { timeout: 20_000 }).toBe(before + 1);
    const views = await Promise.all([1, 2, 3].map(() => environment.bobbin.identities.revoke(account.name)));
    expect(views.map(({ status }) => status)).toEqual(['revoked', 'revoked', 'revoked']);
    expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'failed' });
    expect(account.registered().identities).toBe(0);
  });

  it('that the service does not take part in stops the use here, and says so', async () => {
    const account = openAccount(environment);
    const thread = await account.start();
    await waitForEvent(thread, 'agentTask/registered');
    await environment.identity.control({ failNext: { status: 503, times: 1, path: '/revoke' } });
    const { revocation } = await environment.bobbin.identities.revoke(account.name);
    expect(revocation?.problem).toMatch(/HTTP 503/);
    expect(await detailsOf(account)).toMatch(/\*\*revoked\*\*[^]*the service did not take part: .*HTTP 503/);
    expect(await runTurn(thread, 'say: hi')).toMatchObject({ error: { code: 'agentIdentityRevoked' } });
  });
});

describe('a revocation that cannot remove the key', () => {
  it('says that the key is left, and removes it when it is repeated', async () => {
    const account = openAccount(environment);
    await waitForEvent(await account.start(), 'agentTask/registered');
    const { agentRuntimeId } = await account.identity();
    const { path = '' } = keyFiles(environment).find((file) => file.agentRuntimeId === agentRuntimeId) ?? {};
    const removed = blockRemoval(path);
    const failed = await cli('revoke', account.name, '--reason', 'a test', '--json');
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('its key is still there')]);
    expect((await cli('show', account.name)).stdout).toMatch(
      /\nrevoked: .*: a test\n.*its key is still there: .*key store/,
    );
    expect(await detailsOf(account)).toMatch(/its key is still there: /);
    removed();
    const again = await cli('revoke', account.name, '--json');
    expect([again.code, existsSync(path)]).toEqual([0, false]);
    const { revocation } = JSON.parse(again.stdout) as AccountIdentity;
    expect(revocation).toMatchObject({ agentRuntimeId, reason: 'a test' });
    expect(revocation).not.toHaveProperty('keyLeft');
    expect(await environment.bobbin.identities.revoke(account.name)).toMatchObject({ revocation });
  });
});

describe('the workflow of an account in the Temporal UI', () => {
  it('shows its identity, its end, its policy and its last error', async () => {
    await environment.identity.control({ identityTtlMs: 86_400_000 });
    const account = openAccount(environment);
    await waitForEvent(await account.start('strict'), 'agentTask/registered');
    await environment.identity.control({ identityTtlMs: null, failNext: { status: 503, times: 1 } });
    await environment.bobbin.identities.replace(account.name).catch(() => undefined);
    const { agentRuntimeId } = await account.identity();
    const details = await detailsOf(account);
    for (const words of [
      '**in use**',
      `- identity: \`${agentRuntimeId}\``,
      '- ends: `20',
      '- policy: `recoverable`',
      'only an operator replaces it',
      '- last error: `agentIdentityUnavailable` at `',
      `bobbin identity show ${account.name}`,
    ])
      expect(details).toContain(words);
  });
});
