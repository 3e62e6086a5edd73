/** The worker of docker-compose.yml, started as a process with exactly the environment that the file gives it. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBobbin } from '../../src/client/index.ts';
import { startIdentityService } from '../../src/dev/identity-service/server.ts';
import { startModelServer } from '../../src/dev/model-server/server.ts';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import { makeRepository } from '../parts/repositories.ts';
import { runTurn } from '../environment.ts';

const FILE = readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');

/** The entries of the worker's environment, as they stand in the file. */
function writtenEnvironment(): [name: string, value: string][] {
  const [, worker = ''] = /^ {2}worker:\n((?: {4}.*\n|\n| {4,}#.*\n)+)/m.exec(FILE) ?? [];
  const [, block = ''] = /^ {4}environment:\n((?: {6}.*\n)+)/m.exec(worker) ?? [];
  return [...block.matchAll(/^ {6}(\w+):(?: (.*))?$/gm)].map(([, name = '', value = '']) => [name, value]);
}

/** The folders of the worker that are on volumes. */
function mountedFolders(): string[] {
  return [...FILE.matchAll(/^ {6}- (?:\w+|\$\{[^}]*\}):(\/[\w/-]+)(?::ro)?$/gm)].map(([, folder]) => folder!);
}

let root: string;
let temporal: TemporalService;
let identity: Awaited<ReturnType<typeof startIdentityService>>;
let model: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-compose-'));
  const binary = await findTemporalBinary({ allowDownload: false });
  temporal = await startTemporalService({ binary, dataDirectory: join(root, 'temporal'), ephemeral: true });
  identity = await startIdentityService();
  model = await startModelServer({ requireAssertion: true, verifyUrl: identity.url });
});
afterAll(async () => {
  await model.close();
  await identity.close();
  await temporal.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Of the machine that runs the container, the addresses and the root of the file system are another's. */
function containerEnvironment(operator: Record<string, string>): Record<string, string> {
  const moved = (value: string) =>
    value.replace('temporal:7233', temporal.address).replace(/^\/(var|workspaces|etc)/, `${root}/$1`);
  const entries = writtenEnvironment().flatMap(([name, written]): [string, string][] => {
    const value = written === '' ? operator[name] : written;
    return value === undefined ? [] : [[name, moved(value)]];
  });
  return Object.fromEntries(entries);
}

/** Removes what a container that is made again does not have: everything that is not on a volume. */
function forgetLayer(folder: string): void {
  for (const name of readdirSync(join(root, folder))) {
    const path = join(folder, name);
    const mounts = mountedFolders();
    if (mounts.some((mount) => path === mount || path.startsWith(`${mount}/`))) continue;
    if (mounts.some((mount) => mount.startsWith(`${path}/`))) forgetLayer(path);
    else rmSync(join(root, path), { recursive: true });
  }
}

async function runInContainer(operator: Record<string, string>, account: string) {
  const env = containerEnvironment({
    ...operator,
    BOBBIN_IDENTITY_URL: identity.url,
    OPENAI_BASE_URL: `${model.url}/v1`,
  });
  const worker = await startWorkerChild(env, join(root, `${account}.log`));
  const bobbin = await connectBobbin({ connection: { address: temporal.address }, namespace: 'default' });
  try {
    const thread = await bobbin.threads.start({
      workspace: { cwd: makeRepository(join(root, 'workspaces', account), { 'a.txt': '' }) },
      model: 'openai/any',
    });
    return { turn: await runTurn(thread, 'say: hi'), view: await thread.view() };
  } finally {
    await bobbin.close();
    await worker.kill();
  }
}

describe('the worker of the container files', () => {
  it('gets every variable of the identity, if the operator has set it', () => {
    const names = writtenEnvironment().map(([name]) => name);
    const documented = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
    const all = [
      ...new Set([...documented.matchAll(/`(BOBBIN_(?:IDENTITY|ASSERTION)_\w+)`/g)].map(([, name]) => name)),
    ];
    expect(all.length).toBeGreaterThan(7);
    expect(names).toEqual(expect.arrayContaining(all));
    const unset = containerEnvironment({});
    expect(all.filter((name) => unset[name!] !== undefined)).toEqual([]);
    expect(Object.values(unset).filter((value) => value.includes('$'))).toEqual([]);
  });

  it('runs turns under the account, the mode and the token that the operator gives', async () => {
    const operator = {
      ...{
        BOBBIN_IDENTITY_TOKEN: 'a-token',
        BOBBIN_IDENTITY_MODE: 'strict',
        BOBBIN_IDENTITY_ACCOUNT: 'of-the-container',
      },
    };
    const { turn, view } = await runInContainer(operator, 'of-the-container');
    expect(turn).toMatchObject({ status: 'completed' });
    expect(view.agentTask).toMatchObject({ status: 'registered', mode: 'strict', account: 'of-the-container' });
  });

  it('reads accounts and token files from the folder that is mounted', async () => {
    mkdirSync(join(root, 'etc/bobbin/identity'), { recursive: true });
    writeFileSync(join(root, 'etc/bobbin/identity/token'), 'a-token\n');
    writeFileSync(
      join(root, 'etc/bobbin/identity/accounts.json'),
      JSON.stringify({ accounts: { mounted: { mode: 'strict', tokenFile: 'token' } } }),
    );
    expect(FILE).toContain('}:/etc/bobbin/identity:ro');
    const operator = {
      ...{ BOBBIN_IDENTITY_ACCOUNTS: '/etc/bobbin/identity/accounts.json', BOBBIN_IDENTITY_ACCOUNT: 'mounted' },
    };
    const { turn, view } = await runInContainer(operator, 'mounted');
    expect(turn).toMatchObject({ status: 'completed' });
    expect(view.agentTask).toMatchObject({ mode: 'strict', account: 'mounted' });
  });

  it('says what is missing where no token is given', async () => {
    const { turn } = await runInContainer({ BOBBIN_IDENTITY_ACCOUNT: 'without-token' }, 'without-token');
    expect(turn).toMatchObject({
      error: {
        code: 'agentIdentityRefused',
        message: expect.stringContaining('no access token is configured') as string,
      },
    });
  });

  it('runs turns with the key of the model alone where no identity service is set: the gate is off', async () => {
    const env = containerEnvironment({});
    expect(env['BOBBIN_IDENTITY_URL']).toBeUndefined();
    const open = await startModelServer({});
    const worker = await startWorkerChild({ ...env, OPENAI_BASE_URL: `${open.url}/v1` }, join(root, 'off.log'));
    const bobbin = await connectBobbin({ connection: { address: temporal.address }, namespace: 'default' });
    try {
      const thread = await bobbin.threads.start({
        workspace: { cwd: makeRepository(join(root, 'workspaces', 'off'), { 'a.txt': '' }) },
        model: 'openai/any',
      });
      expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'completed' });
      expect((await thread.view()).agentTask).toMatchObject({ mode: 'off', status: 'none' });
      expect(open.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined]);
    } finally {
      await bobbin.close();
      await worker.kill();
      await open.close();
    }
  });

  it('is the same host in a container that is made again: its threads go on', async () => {
    const open = await startModelServer({});
    const env = { ...containerEnvironment({ BOBBIN_HOST_GRACE: '1' }), OPENAI_BASE_URL: `${open.url}/v1` };
    const bobbin = await connectBobbin({ connection: { address: temporal.address }, namespace: 'default' });
    const first = await startWorkerChild(env, join(root, 'first.log'));
    try {
      const thread = await bobbin.threads.start({
        workspace: { cwd: makeRepository(join(root, 'workspaces', 'again'), { 'a.txt': '' }) },
        model: 'openai/any',
      });
      expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'completed' });
      await first.stop();
      forgetLayer('/var');
      const second = await startWorkerChild(env, join(root, 'second.log'));
      try {
        expect(await runTurn(thread, 'say: hi again')).toMatchObject({ status: 'completed' });
      } finally {
        await second.kill();
      }
    } finally {
      await bobbin.close();
      await first.kill();
      await open.close();
    }
  });
});
