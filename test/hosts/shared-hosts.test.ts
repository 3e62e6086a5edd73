/** Hosts that share their files, their data folder, or neither the archive: what one of them does when another is lost. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, itemsOf, runTurn, turn, waitForEvent } from '../environment.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestHost, type TwoHosts, canMakeHosts, makeRepositoryOn, openHostsAlone } from './two-hosts.ts';

let environment: TestEnvironment;
let hosts: TwoHosts;
vi.setConfig({ testTimeout: 300_000 });

let close: () => Promise<void>;
beforeAll(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
});
afterAll(() => close());

const open = (cwd: string, host: string): Promise<ThreadHandle> =>
  environment.start({ workspace: { cwd, host }, approvalPolicy: 'never' });

const known = async (...ids: string[]) => {
  const listed = async () => (await environment.bobbin.hosts.list()).map(({ hostId, status }) => `${hostId} ${status}`);
  const all = ids.map((id) => `${id} serving`);
  await expect.poll(listed, { timeout: 90_000 }).toEqual(expect.arrayContaining(all));
};

describe.runIf(canMakeHosts())('hosts of a group', () => {
  /** Sees the files of host A, and has its data folder, too. */
  const inGroup = (host: TestHost, group = 'shared') =>
    host.startAmongOthers({ BOBBIN_HOST_GROUP: group, BOBBIN_DATA_DIR: hosts.a.data, BOBBIN_HOST_GRACE: '5' });
  const another = (id: string): TestHost => hosts.another(id, hosts.a.files);

  it('take over a turn when the worker of its host is killed, and say that its command may still write', async () => {
    const [first, second] = [another('group-1'), another('group-2')];
    const cwd = makeRepositoryOn(hosts.a, hosts, 'taken-over');
    const files = join(hosts.a.files, 'taken-over');
    await inGroup(second);
    const lost = await inGroup(first);
    await known('group-1', 'group-2');
    const thread = await open(cwd, 'group-1');
    expect((await thread.view()).settings).toMatchObject({ host: 'group-1', hostGroup: 'shared' });
    const work = turn(
      'run: touch begun; until [ -e go ]; do echo x >> written; sleep 0.05; done\nrun: hostname > after',
    );
    await thread.submit(work);
    await expect.poll(() => existsSync(join(files, 'begun'))).toBe(true);
    await lost.kill();
    const end = await thread.completion(work.turnId);
    const left = [{ host: 'group-1', commandIds: [expect.any(String) as string] }];
    expect(end).toMatchObject({ status: 'completed', mayStillRun: left });
    expect(await waitForEvent(thread, 'workspace/moved')).toMatchObject({
      from: { host: 'group-1', cwd },
      to: { host: 'group-2', cwd },
      receipt: { quiescent: false, notRestored: [expect.stringContaining('share the folder') as string] },
    });
    expect(await itemsOf(thread, 'commandExecution')).toMatchObject([{ status: 'lost' }, { status: 'completed' }]);
    expect(readFileSync(join(files, 'after'), 'utf8')).toMatch(/^machine-\d+\n$/);
    // It does, until a worker of the lost host has ended it.
    const written = () => statSync(join(files, 'written')).size;
    const before = written();
    await expect.poll(written).toBeGreaterThan(before);
    expect(await runTurn(thread, 'say: more')).toMatchObject({ mayStillRun: left });
    await inGroup(first);
    const cleaned = async () => (await runTurn(thread, 'run: sleep 1')).mayStillRun ?? 'nothing';
    await expect.poll(cleaned, { timeout: 60_000 }).toBe('nothing');
    const last = written();
    await runTurn(thread, 'run: sleep 0.5');
    expect(written()).toBe(last);
  });

  it('take the threads of one that is drained, in their folder', async () => {
    const [first, second] = [another('group-3'), another('group-4')];
    const cwd = makeRepositoryOn(hosts.a, hosts, 'drained');
    await Promise.all([inGroup(first, 'two'), inGroup(second, 'two')]);
    await known('group-3', 'group-4');
    const thread = await open(cwd, 'group-3');
    await runTurn(thread, 'run: echo kept > kept');
    await expect(thread.move({ host: 'group-2' })).rejects.toMatchObject({ code: 'notMovable' });
    const drained = await runCli(['host', 'drain', 'group-3', '--wait', '60', '--json'], environment);
    expect(JSON.parse(drained.stdout)).toMatchObject({ moved: [thread.threadId], staying: [] });
    expect((await thread.view()).settings).toMatchObject({ host: 'group-4', cwd });
    expect(await runTurn(thread, 'run: cat kept')).toMatchObject({ status: 'completed' });
  });
});

describe.runIf(canMakeHosts())('two hosts with one data folder', () => {
  it('leave a command to its host, whose next worker takes it over', async () => {
    const [first, second] = [hosts.another('alive-1'), hosts.another('alive-2')];
    const env = { BOBBIN_DATA_DIR: first.data };
    const [worker] = await Promise.all([first.startAmongOthers(env), second.startAmongOthers(env)]);
    const thread = await open(makeRepositoryOn(first, hosts, 'alive'), 'alive-1');
    const files = join(first.files, 'alive');
    const gate = turn('run: echo begun >> said; until [ -e go ]; do sleep 0.05; done; echo ended | tee -a said');
    await thread.submit(gate);
    await expect.poll(() => existsSync(join(files, 'said'))).toBe(true);
    await worker.kill();
    writeFileSync(join(files, 'go'), '');
    await first.startAmongOthers(env);
    expect(await thread.completion(gate.turnId)).toMatchObject({ status: 'completed' });
    expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
      { status: 'completed', output: expect.stringMatching(/\nended\n$/) as string },
    ]);
    expect(readFileSync(join(files, 'said'), 'utf8')).toBe('begun\nended\n');
  });

  it('leave the records and the supervisors of each other alone', async () => {
    const [first, second] = [hosts.another('data-1'), hosts.another('data-2')];
    const env = { BOBBIN_DATA_DIR: first.data };
    await Promise.all([first.start(env), second.start(env)]);
    const [here, there] = [makeRepositoryOn(first, hosts, 'one-data'), makeRepositoryOn(second, hosts, 'one-data')];
    const gate = turn('run: touch begun; until [ -e go ]; do sleep 0.05; done; echo done > made');
    const thread = await open(here, 'data-1');
    await thread.submit(gate);
    await expect.poll(() => existsSync(join(first.files, 'one-data', 'begun'))).toBe(true);
    const records = () => readdirSync(join(first.data, 'commands'), { recursive: true, encoding: 'utf8' });
    const running = records();
    // The same path, so that its commands clean up what is left there first.
    const other = await open(there, 'data-2');
    expect(await runTurn(other, 'run: echo other > made')).toMatchObject({ status: 'completed' });
    expect(records()).toEqual(running);
    writeFileSync(join(first.files, 'one-data', 'go'), '');
    expect(await thread.completion(gate.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(first.files, 'one-data', 'made'), 'utf8')).toBe('done\n');
    expect(readFileSync(join(second.files, 'one-data', 'made'), 'utf8')).toBe('other\n');
  });
});

describe.runIf(canMakeHosts())('a host without the archive of another', () => {
  it('says that a part of the past is missing, and where it was looked for', async () => {
    const { environment: alone, hosts: pair, close: closeAlone } = await openHostsAlone();
    const short = { BOBBIN_CONTINUE_AFTER_EVENTS: '20' };
    const worker = await pair.a.start(short);
    const cwd = makeRepositoryOn(pair.a, pair, 'past');
    const thread = await alone.start({ workspace: { cwd }, approvalPolicy: 'never' });
    const handle = alone.bobbin.service.client.workflow.getHandle(thread.workflowId);
    const isArchived = async () => {
      await runTurn(thread, 'say: hello');
      return (await handle.query<{ archived: unknown }, [unknown]>('items', { after: 0, limit: 1 })).archived !== null;
    };
    await expect.poll(isArchived, { timeout: 60_000 }).toBe(true);
    await worker.kill();
    await pair.b.start(short);
    const message = expect.stringMatching(/^read the archive: Segment .* does not exist/) as string;
    await expect(thread.events({ after: 0 }).next()).rejects.toMatchObject({ code: 'archiveMissing', message });
    await closeAlone();
  });
});
