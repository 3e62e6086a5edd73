/** Threads in clones that lose a second host: the one that takes them, while it restores their files or a moment later. */
import { execFileSync } from 'node:child_process';
import {
  constants,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { type GitServer, startGitServer } from '../../src/adapters/git/test-git-server.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, eventsSoFar, itemsOf, runTurn, turn } from '../environment.ts';
import { gaps, itemViolations } from '../kill/checks.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { stored } from './moved-clones.ts';
import { GRACE, type TestHost, type TwoHosts, becomesServed, canMakeHosts, openHostsAlone } from './two-hosts.ts';

// Hosts that are gone are waited for.
vi.setConfig({ testTimeout: 300_000 });

let environment: TestEnvironment;
let hosts: TwoHosts;
let close: () => Promise<void>;
let server: GitServer;
/** The host of the thread; the ones that take it are `hosts.a`, then `hosts.b`. */
let first: TestHost;
beforeEach(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
  first = hosts.another('host-r');
  server = await startGitServer(dirname(inject('repository')), 'me', 'secret');
  const config = join(dirname(hosts.shared), 'gitconfig');
  writeFileSync(config, '[credential]\n\thelper = "!f() { echo username=me; echo password=secret; }; f"\n');
});
afterEach(async () => {
  await server.close();
  await close();
});

const start = (host: TestHost): Promise<WorkerChild> =>
  host.start({
    BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive'),
    BOBBIN_HOST_GRACE: GRACE,
    GIT_CONFIG_GLOBAL: join(dirname(hosts.shared), 'gitconfig'),
  });

const cwdOf = async (thread: ThreadHandle) => (await thread.view()).settings.cwd;
const clonesOn = ({ data }: TestHost): string[] => {
  const folder = join(`${data}-workspaces`, 'managed');
  return existsSync(folder) ? readdirSync(folder) : [];
};
const BEGUN = 'run: echo half > kept; touch begun; until [ -e go ]; do sleep 0.1; done';
const AFTER = 'run: cat kept; hostname';

/** A thread on the first host whose turn has begun a command. */
async function begin(text = `${BEGUN}\n${AFTER}`): Promise<{ thread: ThreadHandle; turnId: string }> {
  const thread = await open();
  const work = turn(text);
  await thread.submit(work);
  const begun = join(await cwdOf(thread), 'begun');
  await expect.poll(() => existsSync(begun), { timeout: 30_000 }).toBe(true);
  return { thread, turnId: work.turnId };
}

/** A thread on the first host, at rest, whose files are in the store. */
async function open(): Promise<ThreadHandle> {
  const workspace = { repository: `${server.url}/${basename(inject('repository'))}`, host: first.hostId };
  const thread = await environment.start({ workspace, approvalPolicy: 'never', sandbox: 'danger-full-access' });
  await runTurn(thread, 'run: echo kept > kept; mkdir more; for n in 1 2 3; do echo $n > more/$n; done');
  await stored(thread);
  return thread;
}

/** Nobody can read its only pack until it is let go. Resolves once somebody tries. */
function holdPack(): { read: () => Promise<void>; letGo: () => void } {
  const packs = join(environment.data, 'archive', 'packs');
  const [name = ''] = readdirSync(packs, { recursive: true, encoding: 'utf8' }).filter((one) =>
    /[0-9a-f]{64}$/.test(one),
  );
  const path = join(packs, name);
  renameSync(path, `${path}.aside`);
  execFileSync('mkfifo', [path]);
  return {
    read: () => expect.poll(() => isRead(path), { timeout: 120_000 }).toBe(true),
    letGo() {
      rmSync(path);
      renameSync(`${path}.aside`, path);
    },
  };
}

async function loseWhileRestoring(worker: WorkerChild, second: WorkerChild): Promise<void> {
  const pack = holdPack();
  await worker.kill();
  await pack.read();
  await second.kill();
  pack.letGo();
}

async function loseWhileFetching(worker: WorkerChild, second: WorkerChild): Promise<void> {
  const held = server.hold();
  await worker.kill();
  await held;
  await second.kill();
}

function isRead(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
}

/** What every thread must be in the end. */
async function expectWhole(thread: ThreadHandle, { host, moves }: { host: string; moves: string[] }): Promise<void> {
  const events = await eventsSoFar(thread);
  const items = await itemsOf(thread);
  expect([...gaps(events), ...itemViolations(events, items)]).toEqual([]);
  expect(events.flatMap((event) => (event.type === 'workspace/moved' ? [event.to.host] : []))).toEqual(moves);
  expect((await thread.view()).settings.host).toBe(host);
  const cwd = await cwdOf(thread);
  expect(readFileSync(join(cwd, 'kept'), 'utf8')).toBe('kept\n');
  expect(readdirSync(join(cwd, 'more')).sort()).toEqual(['1', '2', '3']);
  expect(await runTurn(thread, 'run: echo later > kept')).toMatchObject({ status: 'completed' });
  expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
  expect(readFileSync(join(cwd, 'kept'), 'utf8')).toBe('kept\n');
}

const commandsOf = async (thread: ThreadHandle) => (await itemsOf(thread, 'commandExecution')).slice(1, 3);

describe.runIf(canMakeHosts())('a thread whose next host is lost, too', () => {
  it('goes to a third one if that happens while the repository is fetched', async () => {
    const [worker, second] = [await start(first), await start(hosts.a)];
    await start(hosts.b);
    const { thread, turnId } = await begin();
    await loseWhileFetching(worker, second);
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    expect(await commandsOf(thread)).toMatchObject([
      { status: 'lost' },
      { status: 'completed', output: expect.stringMatching(/kept\nmachine-1\n$/) as string },
    ]);
    await expectWhole(thread, { host: 'host-b', moves: ['host-b'] });
    expect(clonesOn(hosts.a).filter((name) => !name.endsWith('.draft'))).toEqual([]);
  });

  it('goes to a third one if that happens while files are restored, and what was begun does not count', async () => {
    const [worker, second] = [await start(first), await start(hosts.a)];
    await start(hosts.b);
    const { thread, turnId } = await begin();
    await loseWhileRestoring(worker, second);
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    await expectWhole(thread, { host: 'host-b', moves: ['host-b'] });
    const [left = ''] = clonesOn(hosts.a);
    await start(hosts.a);
    await becomesServed(environment, 'host-a');
    expect(await thread.move({ host: 'host-a' })).toMatchObject({ to: { host: 'host-a' } });
    expect(basename(await cwdOf(thread))).not.toBe(left);
  });

  it('is restored there if that host is back in time', async () => {
    const [worker, second] = [await start(first), await start(hosts.a)];
    const { thread, turnId } = await begin();
    await loseWhileRestoring(worker, second);
    await start(hosts.a);
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    await expectWhole(thread, { host: 'host-a', moves: ['host-a'] });
    expect(clonesOn(hosts.a)).toEqual([basename(await cwdOf(thread))]);
  });

  it('waits for its own host if there is no third one, says why, and continues there', async () => {
    const [worker, second] = [await start(first), await start(hosts.a)];
    // Another host must be there to say that no host takes the thread.
    await start(hosts.b);
    await environment.bobbin.hosts.drain('host-b');
    const { thread, turnId } = await begin();
    await loseWhileFetching(worker, second);
    expect(await thread.completion(turnId)).toMatchObject({ status: 'failed', error: { code: 'hostAway' } });
    const warnings = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /^Host host-r is away, and the thread could not be moved to another one: .*host-a \(does not answer\), host-b \(draining\), host-r \(\w+\)/,
      ),
    );
    await start(first);
    expect(await runTurn(thread, 'run: echo kept > kept')).toMatchObject({ status: 'completed' });
    await expectWhole(thread, { host: 'host-r', moves: [] });
  });

  it('continues on a third one if that happens after the turn has continued', async () => {
    const [worker, second] = [await start(first), await start(hosts.a)];
    await start(hosts.b);
    const { thread, turnId } = await begin([BEGUN, BEGUN, AFTER].join('\n'));
    await worker.kill();
    await expect.poll(async () => (await thread.view()).settings.host, { timeout: 120_000 }).toBe('host-a');
    const begun = join(await cwdOf(thread), 'begun');
    await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
    await second.kill();
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    await expectWhole(thread, { host: 'host-b', moves: ['host-a', 'host-b'] });
  });

  it('stays on its host if the host that a move names is lost', async () => {
    const [, second] = [await start(first), await start(hosts.a)];
    await start(hosts.b);
    const thread = await open();
    const held = server.hold();
    const move = thread.move({ host: 'host-a' });
    move.catch(() => undefined);
    await held;
    await second.kill();
    const code = 'hostNotServing';
    await expect(move).rejects.toMatchObject({ code, message: expect.stringContaining('does not answer') as string });
    await expectWhole(thread, { host: 'host-r', moves: [] });
  });
});
