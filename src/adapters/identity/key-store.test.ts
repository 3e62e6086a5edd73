import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AgentIdentity } from '../../../activities/ports.ts';
import {
  adapterFor,
  failureOf,
  inFolder,
  keyDirectory,
  never,
  registered,
  secretSpellings,
  startService,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';

useOwnFolder();

describe('a key file', () => {
  const path = (identity: AgentIdentity) => join(keyDirectory(), `${identity.agentRuntimeId}.json`);

  it('that is gone is reported with its path and what to do', async () => {
    const { adapter, identity } = await registered(await startService());
    const task = await adapter.registerTask(identity, never);
    await rm(path(identity));
    for (const attempt of [
      () => adapter.registerTask(identity, never),
      () => adapter.useIdentity(identity),
      () => adapter.assertion('account-1', task),
    ]) {
      const failure = await failureOf(attempt());
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
    const service = await startService({ stateFile: inFolder('service.json') });
    const { adapter, identity } = await registered(service);
    const secrets = await secretSpellings(identity);
    const task = await adapter.registerTask(identity, never);
    const said = [inspect(task), inspect(identity), await readFile(inFolder('service.json'), 'utf8')];
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
