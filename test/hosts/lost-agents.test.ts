/** Threads with open agents, whose host dies: they continue on another host, without the agents and with the files in the store. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, itemsOf, runTurn, turn, waitForEvent } from '../environment.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { stored } from './moved-clones.ts';
import { GRACE, type TwoHosts, canMakeHosts, makeRepositoryOn, openHostsAlone } from './two-hosts.ts';

let environment: TestEnvironment;
let hosts: TwoHosts;
vi.setConfig({ testTimeout: 300_000 });

let close: () => Promise<void>;
beforeAll(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
  if (canMakeHosts()) await start('host-b');
});
afterAll(() => close());

const statusOf = async (hostId: string) =>
  (await environment.bobbin.hosts.list()).find((host) => host.hostId === hostId)?.status;

/** Threads ask for their host only if they are opened while several are known. */
async function start(hostId: string): Promise<WorkerChild> {
  const host = hostId === 'host-b' ? hosts.b : hosts.another(hostId);
  const env = { BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive'), BOBBIN_HOST_GRACE: GRACE };
  const worker = await host.start(env);
  await vi.waitFor(async () => expect(await statusOf(hostId)).toBe('serving'), { timeout: 90_000 });
  return worker;
}

/** In a clone, with a file that is stored. */
async function open(host: string): Promise<ThreadHandle> {
  const workspace = { repository: `file://${inject('repository')}`, host };
  const thread = await environment.start({ workspace, approvalPolicy: 'never', sandbox: 'danger-full-access' });
  await runTurn(thread, 'run: echo kept > kept');
  await stored(thread);
  return thread;
}

const agentOf = ({ threadId }: ThreadHandle, path: string) => environment.bobbin.threads.get(`${threadId}/${path}`);
const cwdOf = async (thread: ThreadHandle) => (await thread.view()).settings.cwd;
const spawn = (name: string, message: string) => `call: spawn_agent ${JSON.stringify({ task_name: name, message })}`;
const WAIT = 'call: wait_agent {"timeout_ms": 300000}';
const endless = (file: string) => `run: touch ${file}; until [ -e never ]; do sleep 0.1; done`;

describe.runIf(canMakeHosts())('a thread with open agents whose host is lost', () => {
  it('goes on without them in the middle of its turn, and starts new ones', async () => {
    const worker = await start('host-m');
    const thread = await open('host-m');
    const cwd = await cwdOf(thread);
    const deep = `${spawn('below', endless('below'))}\n${endless('above')}`;
    const again = spawn('again', 'run: cat kept > by-agent');
    const work = turn([spawn('deep', deep), endless('parent'), again, WAIT, 'run: cat by-agent'].join('\n'));
    await thread.submit(work);
    for (const file of ['below', 'above', 'parent'])
      await expect.poll(() => existsSync(join(cwd, file)), { timeout: 30_000 }).toBe(true);
    const asked = environment.model.requests.length;
    await worker.kill();
    expect(await thread.completion(work.turnId)).toMatchObject({ status: 'completed' });
    const lost = `Agents were lost with the host, and are closed: deep (${thread.threadId}/1).`;
    expect(await waitForEvent(thread, 'workspace/moved')).toMatchObject({
      from: { host: 'host-m' },
      to: { host: 'host-b' },
      receipt: { quiescent: false, notRestored: expect.arrayContaining([expect.stringContaining(lost)]) as string[] },
    });
    expect(JSON.stringify(environment.model.requests.slice(asked))).toContain(lost);
    expect((await itemsOf(thread, 'commandExecution')).slice(1)).toMatchObject([
      { status: 'lost' },
      { status: 'completed', output: expect.stringMatching(/kept\n$/) as string },
    ]);
    expect(readFileSync(join(await cwdOf(thread), 'by-agent'), 'utf8')).toBe('kept\n');
    expect((await agentOf(thread, '2').view()).settings.host).toBe('host-b');
    for (const path of ['1', '1/1']) await waitForEvent(agentOf(thread, path), 'thread/closed');
    expect((await thread.view()).subThreads).toMatchObject([{ status: 'shutdown' }, { status: 'completed' }]);
  });

  it('goes on after a wait for agents that have failed for want of their host', async () => {
    const worker = await start('host-w');
    const thread = await open('host-w');
    const cwd = await cwdOf(thread);
    const work = turn([spawn('first', endless('first')), WAIT, spawn('second', 'say: hello'), WAIT].join('\n'));
    await thread.submit(work);
    await expect.poll(() => existsSync(join(cwd, 'first')), { timeout: 30_000 }).toBe(true);
    await worker.kill();
    expect(await thread.completion(work.turnId)).toMatchObject({ status: 'completed' });
    const outputs = (await itemsOf(thread, 'collabAgentToolCall')).map(({ output }) => output);
    expect(outputs[1]).toContain('hostAway');
    expect(outputs[3]).toContain('hello');
    await waitForEvent(agentOf(thread, '1'), 'thread/closed');
  });

  it('can be moved at rest once no worker serves its host, and not before', async () => {
    const worker = await start('host-q');
    const thread = await open('host-q');
    await runTurn(thread, `${spawn('helper', 'say: hello')}\n${WAIT}`);
    await expect(thread.move({})).rejects.toMatchObject({ code: 'agentsOpen' });
    expect((await thread.view()).settings.host).toBe('host-q');
    await worker.kill();
    await expect.poll(() => statusOf('host-q'), { interval: 1_000, timeout: 180_000 }).toBe('away');
    expect(await thread.move({})).toMatchObject({ to: { host: 'host-b' }, receipt: { quiescent: false } });
    await waitForEvent(agentOf(thread, '1'), 'thread/closed');
    expect(await runTurn(thread, 'run: cat kept')).toMatchObject({ status: 'completed' });
    const said = expect.stringContaining('hello') as string;
    expect((await thread.view()).subThreads).toMatchObject([{ status: 'shutdown', lastAgentMessage: said }]);
  });
});

describe.runIf(canMakeHosts())('agents in a folder that hosts share', () => {
  it('leave commands behind that still write, until a worker of the lost host has ended them', async () => {
    const [first, second] = ['group-1', 'group-2'].map((id) => hosts.another(id, hosts.a.files));
    const shared = { BOBBIN_HOST_GROUP: 'shared', BOBBIN_DATA_DIR: hosts.a.data, BOBBIN_HOST_GRACE: GRACE };
    const startInGroup = async (host = first!) => {
      const worker = await host.startAmongOthers(shared);
      await expect.poll(() => statusOf(host.hostId), { timeout: 90_000 }).toBe('serving');
      return worker;
    };
    await startInGroup(second);
    const lost = await startInGroup();
    const cwd = makeRepositoryOn(hosts.a, hosts, 'left-agents');
    const files = join(hosts.a.files, 'left-agents');
    const thread = await environment.start({ workspace: { cwd, host: 'group-1' }, approvalPolicy: 'never' });
    const writes = 'run: until [ -e go ]; do echo x >> written; sleep 0.05; done';
    // Its turn would be over before the loss otherwise.
    const after = 'run: until [ -e lost ]; do sleep 0.05; done; echo after > after';
    const work = turn([spawn('deep', spawn('below', writes)), WAIT, WAIT, after].join('\n'));
    await thread.submit(work);
    await expect.poll(() => existsSync(join(files, 'written')), { timeout: 30_000 }).toBe(true);
    await lost.kill();
    writeFileSync(join(files, 'lost'), '');
    // And the command of the thread, if its step came before the loss was noticed.
    const commandIds = expect.arrayContaining([`tool/${thread.threadId}/1/*`]) as string[];
    const left = [{ host: 'group-1', commandIds }];
    expect(await thread.completion(work.turnId)).toMatchObject({ status: 'completed', mayStillRun: left });
    expect((await thread.view()).settings).toMatchObject({ host: 'group-2', cwd });
    const written = () => statSync(join(files, 'written')).size;
    const before = written();
    await expect.poll(written).toBeGreaterThan(before);
    await startInGroup();
    const cleaned = async () => (await runTurn(thread, 'run: sleep 1')).mayStillRun ?? 'nothing';
    await expect.poll(cleaned, { timeout: 60_000 }).toBe('nothing');
    const last = written();
    await runTurn(thread, 'run: sleep 0.5');
    expect(written()).toBe(last);
  });
});
