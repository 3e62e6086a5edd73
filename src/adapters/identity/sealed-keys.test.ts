/** Hosts with folders of their own that keep the keys of identities, sealed, in one store. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  TOKEN,
  adapterFor,
  failureOf,
  inFolder,
  never,
  secretSpellings,
  startService,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';
import { createFolderStore } from '../store/folder-store.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';

useOwnFolder();

const KEY = randomBytes(32);
const shared = () => inFolder('shared');

function hostOf(url: string, name: string, key = KEY, store: Store = createFolderStore(shared())) {
  return adapterFor(url, { keyDirectory: inFolder(name), sealed: { store, key } });
}

async function objects(): Promise<Map<string, Buffer>> {
  const names = await readdir(shared()).catch(() => []);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(shared(), name))] as const)));
}

describe('hosts that share sealed keys', () => {
  it('sign for an identity that another one registered, and keep no key on their disks', async () => {
    const { url } = await startService();
    const [here, there] = [hostOf(url, 'a'), hostOf(url, 'b')];
    const identity = await here.registerIdentity('ann@example.net', never);
    await here.useIdentity(identity);
    const task = await there.registerTask(identity, never);
    expect(await there.assertion('ann@example.net', task)).toMatch(/^AgentAssertion /);
    expect(await Promise.all(['a', 'b'].map((name) => readdir(inFolder(name)).catch(() => [])))).toEqual([[], []]);
  });

  it('show who reads the store neither keys nor accounts', async () => {
    const { url } = await startService();
    // The same account with its key in a folder shows how the key would look.
    const plain = adapterFor(url);
    const identity = await plain.registerIdentity('ann@example.net', never);
    await plain.useIdentity(identity);
    const secrets = await secretSpellings(identity);
    const moved = hostOf(url, 'keys');
    await moved.registerTask(identity, never);
    await moved.currentIdentity('ann@example.net');
    const all = [...(await objects())].map(([name, bytes]) => `${name} ${bytes.toString('latin1')}`).join('\n');
    expect(all).toContain('bobbin-sealed-1');
    for (const secret of [...secrets, 'ann', TOKEN, identity.agentRuntimeId]) expect(all).not.toContain(secret);
  });

  it('use an identity that another one has put in the place of the one they knew, at once', async () => {
    const { url } = await startService();
    const [here, there] = [hostOf(url, 'a'), hostOf(url, 'b')];
    const first = await here.registerIdentity('ann', never);
    await here.useIdentity(first);
    await there.assertion('ann', await there.registerTask(first, never));
    const second = await here.registerIdentity('ann', never, first.agentRuntimeId);
    await here.useIdentity(second);
    expect(await there.assertion('ann', await there.registerTask(second, never))).toMatch(/^AgentAssertion /);
    expect(await there.currentIdentity('ann')).toEqual(second);
  });

  it('with another key use nothing, register nothing and change nothing', async () => {
    const service = await startService();
    const here = hostOf(service.url, 'a');
    const identity = await here.registerIdentity('ann', never);
    await here.useIdentity(identity);
    const [before, asked] = [await objects(), service.state().identities];
    const wrong = hostOf(service.url, 'b', randomBytes(32));
    for (const attempt of [() => wrong.registerTask(identity, never), () => wrong.currentIdentity('ann')]) {
      const failure = await failureOf(attempt());
      expect(failure.code).toBe('agentKeyMissing');
      expect(failure.message).toContain('sealed with another BOBBIN_STORE_KEY');
    }
    expect((await failureOf(wrong.registerIdentity('bob', never))).message).toContain('another BOBBIN_STORE_KEY');
    expect(service.state().identities).toBe(asked);
    expect(await objects()).toEqual(before);
  });

  it('refuse an object that was put in the place of another, changed or cut off', async () => {
    const { url } = await startService();
    const identities = [];
    for (const account of ['ann', 'bob']) {
      const before = new Set((await objects()).keys());
      const host = hostOf(url, 'a');
      const identity = await host.registerIdentity(account, never);
      await host.useIdentity(identity);
      identities.push({ identity, names: [...(await objects()).keys()].filter((name) => !before.has(name)) });
    }
    const [ann, bob] = identities;
    const failures = [];
    for (const name of ann!.names) {
      const path = join(shared(), name);
      const whole = await readFile(path);
      for (const other of [...bob!.names.map((one) => join(shared(), one)), whole.subarray(0, -1), Buffer.alloc(0)]) {
        await (typeof other === 'string' ? copyFile(other, path) : writeFile(path, other));
        const trying = hostOf(url, 'b');
        const end = await trying
          .registerTask(ann!.identity, never)
          .then((task) => trying.assertion('ann', task))
          .catch((error: unknown) => (error as Error).message);
        if (!end.startsWith('AgentAssertion')) failures.push(end);
      }
      await writeFile(path, whole);
    }
    expect(failures.length).toBeGreaterThan(2);
    for (const failure of failures) expect(failure).toMatch(/sealed with another|no sealed file/);
  });
});

describe('a host that begins to share its keys', () => {
  it('takes them over once, and a removed one does not come back from its folder', async () => {
    const { url } = await startService();
    const [alone, other] = [adapterFor(url, { keyDirectory: inFolder('a') }), inFolder('b')];
    const identity = await alone.registerIdentity('ann', never);
    await alone.useIdentity(identity);
    // The folder was copied to another host before.
    await mkdir(join(other, 'current'), { recursive: true });
    for (const name of [`${identity.agentRuntimeId}.json`, 'current/ann.json'])
      await copyFile(join(inFolder('a'), name), join(other, name));
    const [here, there] = [hostOf(url, 'a'), hostOf(url, 'b')];
    await here.assertion('ann', await here.registerTask(identity, never));
    expect(await there.currentIdentity('ann')).toEqual(identity);
    expect(await here.revokeIdentity(identity, never)).toEqual({ problem: null });
    expect(await there.currentIdentity('ann')).toBeUndefined();
    expect((await failureOf(hostOf(url, 'b').registerTask(identity, never))).code).toBe('agentKeyMissing');
  });
});

it('a store that is away for a moment is no missing key, and nothing is registered a second time', async () => {
  const service = await startService();
  const store = createFolderStore(shared());
  let isAway = false;
  const away = () => Promise.reject(new StoreUnavailable('s3://b could not be read: 503', '503', undefined));
  const shaky: Store = {
    ...store,
    place: 's3://b',
    read: (name) => (isAway ? away() : store.read(name)),
    write: (name, bytes) => (isAway ? away() : store.write(name, bytes)),
  };
  const host = hostOf(service.url, 'a', KEY, shaky);
  const identity = await host.registerIdentity('ann', never);
  isAway = true;
  const fresh = hostOf(service.url, 'b', KEY, shaky);
  for (const attempt of [
    () => fresh.useIdentity(identity),
    () => fresh.registerIdentity('ann', never),
    () => fresh.currentIdentity('ann'),
  ])
    expect(await failureOf(attempt())).toMatchObject({ code: 'agentIdentityUnavailable' });
  isAway = false;
  expect(await fresh.registerIdentity('ann', never)).toEqual(identity);
  expect(service.state().identities).toBe(1);
});
