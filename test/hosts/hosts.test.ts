/** Threads of two hosts on one task queue: a step runs where its files are, or not at all. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { toWorkflowId } from '../../src/contract/index.ts';
import { toHostWorkflowId } from '../../src/contract/plain/hosts.ts';
import { claimHost } from '../../src/worker/directories/host-directory.ts';
import { listRegistrations } from '../../src/client/hosts/hosts.ts';
import {
  type TestEnvironment,
  closeThread,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
} from '../environment.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestHost, type TwoHosts, canMakeHosts, makeRepositoryOn, openTwoHosts } from './two-hosts.ts';

const MCP_SERVER = join(import.meta.dirname, '../../src/adapters/mcp/test-stdio-server.ts');

let environment: TestEnvironment;
let hosts: TwoHosts;
const run = describe.runIf(canMakeHosts());

beforeAll(async () => {
  environment = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_MODE: 'off' } });
  hosts = openTwoHosts(environment);
  if (!canMakeHosts()) return;
  mkdirSync(hosts.a.data, { mode: 0o700 });
  const files = { command: process.execPath, args: [MCP_SERVER, join(hosts.a.data, '../mcp.log'), 'well'] };
  writeFileSync(join(hosts.a.data, 'mcp.json'), JSON.stringify({ mcpServers: { files } }));
  await Promise.all([hosts.a.start(), hosts.b.start({ BOBBIN_SANDBOX: 'workspace-write' })]);
  const known = async () => (await listRegistrations(environment.bobbin.service)).map(({ hostId }) => hostId);
  await vi.waitFor(async () => expect(await known()).toEqual(['host-a', 'host-b']), { timeout: 20_000 });
});
afterAll(async () => {
  await hosts.close();
  await environment.close();
});

const open = (cwd: string, host?: string): Promise<ThreadHandle> =>
  environment.start({ workspace: host === undefined ? { cwd } : { cwd, host }, approvalPolicy: 'never' });

const resultOf = ({ workflowId }: ThreadHandle): Promise<unknown> =>
  environment.bobbin.service.client.workflow.getHandle(workflowId).result();

const hostOf = async (thread: ThreadHandle) => (await thread.view()).settings.host;

async function openMany(count: number, cwd: string): Promise<ThreadHandle[]> {
  return Promise.all(Array.from({ length: count }, () => open(cwd)));
}

/** A name for a folder that both hosts have, with other content. */
function onBoth(name: string): string {
  const cwd = makeRepositoryOn(hosts.a, hosts, name);
  makeRepositoryOn(hosts.b, hosts, name);
  for (const { files, hostId } of [hosts.a, hosts.b]) writeFileSync(join(files, name, 'owner'), `${hostId}\n`);
  return cwd;
}

const read = ({ files }: TestHost, ...path: string[]) => readFileSync(join(files, ...path), 'utf8');

run('threads on two hosts', () => {
  it.each(['a', 'b'] as const)('work where their folder is, whichever worker opens them: %s', async (name) => {
    const host = hosts[name];
    const cwd = makeRepositoryOn(host, hosts, `only-${name}`);
    const threads = await openMany(8, cwd);
    const ends = await Promise.all(threads.map((thread) => runTurn(thread, 'run: hostname >> who')));
    expect(ends.map(({ status }) => status)).toEqual(Array(8).fill('completed'));
    expect(await Promise.all(threads.map(hostOf))).toEqual(Array(8).fill(host.hostId));
    const who = read(host, `only-${name}`, 'who').trim().split('\n');
    expect(who).toHaveLength(8);
    expect(new Set(who).size).toBe(1);
    const [first] = threads;
    expect(await waitForEvent(first as ThreadHandle, 'workspace/bound')).toMatchObject({
      seq: 2,
      host: host.hostId,
      cwd,
    });
  });

  it('never mix two folders of one path, and get the one of the host that is named', async () => {
    const cwd = onBoth('both');
    const unnamed = await openMany(6, cwd);
    const onB = await open(cwd, 'host-b');
    const add = (number: number) =>
      `run: cat owner > by-${number}\npatch:\n*** Begin Patch\n*** Add File: added-${number}\n+x\n*** End Patch`;
    const ends = await Promise.all([...unnamed, onB].map((thread, number) => runTurn(thread, add(number))));
    expect(ends.map(({ status }) => status)).toEqual(Array(7).fill('completed'));
    expect(await hostOf(onB)).toBe('host-b');
    // The same for each, so that their settings do not depend on who opened them.
    expect(await Promise.all(unnamed.map(hostOf))).toEqual(Array(6).fill('host-a'));
    for (const [number, host] of [...Array<TestHost>(6).fill(hosts.a), hosts.b].entries()) {
      const other = host === hosts.a ? hosts.b : hosts.a;
      expect(read(host, 'both', `by-${number}`)).toBe(`${host.hostId}\n`);
      expect(existsSync(join(host.files, 'both', `added-${number}`))).toBe(true);
      expect(existsSync(join(other.files, 'both', `added-${number}`))).toBe(false);
    }
  });

  it('have the settings of the host that has their folder', async () => {
    const cwd = onBoth('settings');
    const threads = [...(await openMany(8, cwd)), await open(cwd, 'host-b')];
    const sandboxes = await Promise.all(threads.map(async (thread) => (await thread.view()).settings.sandbox));
    expect(sandboxes).toEqual([...Array<string>(8).fill('danger-full-access'), 'workspace-write']);
  });

  it('undo on the host that made the turn, and agents and forks stay on it', async () => {
    const cwd = onBoth('undo');
    const thread = await open(cwd, 'host-b');
    const spawn = 'call: spawn_agent {"task_name": "helper", "message": "run: cat owner > by-agent"}';
    await runTurn(thread, `run: echo changed > owner\n${spawn}\ncall: wait_agent {}`);
    expect(read(hosts.b, 'undo', 'by-agent')).toBe('changed\n');
    expect(existsSync(join(hosts.a.files, 'undo', 'by-agent'))).toBe(false);
    const fork = await environment.bobbin.threads.fork(thread.threadId);
    expect(await hostOf(fork)).toBe('host-b');
    const { client, taskQueue } = environment.bobbin.service;
    const argument = { threadId: 'lost', workspace: { cwd, host: 'host-c' }, fork: { threadId: thread.threadId } };
    const raw = { taskQueue, workflowId: toWorkflowId('lost'), args: [argument] };
    const lost = await client.workflow.start('thread', raw);
    expect(await lost.result()).toMatchObject({
      reason: expect.stringContaining('Host host-c takes no new threads; known are host-a (serving)') as string,
    });
    const undone = await runTurn(thread, '', { kind: 'undo', input: [] });
    expect(undone).toMatchObject({ status: 'completed' });
    expect(read(hosts.b, 'undo', 'owner')).toBe('host-b\n');
    expect(read(hosts.a, 'undo', 'owner')).toBe('host-a\n');
  });

  it('have the tools of the MCP servers of their host, each time', async () => {
    const cwd = makeRepositoryOn(hosts.a, hosts, 'mcp');
    const threads = await openMany(6, cwd);
    await Promise.all(threads.map((thread) => runTurn(thread, 'call: mcp__files__add {"a": 20, "b": 22}')));
    for (const thread of threads)
      expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([{ status: 'completed', output: 'sum 42' }]);
  });

  it('are refused a folder that no host has, with the hosts that were asked', async () => {
    const cwd = join(hosts.shared, 'nowhere');
    const refusal = async (host?: string) => resultOf(await open(cwd, host));
    expect(await refusal()).toEqual({
      status: 'refused',
      reason: expect.stringMatching(
        /workspaceOnNoHost: no host has the folder .*nowhere: host-a \(has no such folder\), host-b \(has no such folder\)/,
      ) as string,
    });
    expect(await refusal('host-c')).toMatchObject({
      reason: expect.stringContaining(
        'host host-c takes no new threads; known are host-a (serving), host-b (serving)',
      ) as string,
    });
  });
});

run('a command that starts a thread', () => {
  it('says why no host takes it, and runs on the host that it names', async () => {
    const { env } = environment;
    const cwd = onBoth('by-command');
    const on = (host: string, ...words: string[]) => runCli(['run', ...words, '--host', host], { env });
    const ran = await on('host-b', 'run: cat owner', '--cwd', cwd);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('host-b') as string });
    const refused = await on('host-c', 'say: hi', '--cwd', cwd);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain('host host-c takes no new threads');
    expect((await on('host-b', 'say: hi')).stderr).toContain('name the folder there by its absolute path');
  });
});

run('a host', () => {
  it('stays as an operator has set it when its registration continues as new', async () => {
    const { service } = environment.bobbin;
    const own = { hostId: 'host-v', key: 'a key', machine: { name: 'machine-v', bootId: 'v' } };
    await claimHost(service, own);
    const handle = service.client.workflow.getHandle(toHostWorkflowId(service.taskQueue, own.hostId));
    const { runId } = await handle.describe();
    // So that its history is soon long enough.
    const drain = () => handle.signal('drainHost', 'x'.repeat(200_000));
    for (let sent = 0; sent < 30; sent += 1) await drain();
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 30_000 }).not.toBe(runId);
    const known = () => listRegistrations(service);
    await expect.poll(known).toContainEqual(expect.objectContaining({ hostId: 'host-v', draining: true }));
    await handle.signal('forgetHost');
    await handle.result();
  });

  it('is refused to another machine, with both named', async () => {
    const thief = hosts.another('host-a');
    await expect(thief.start()).rejects.toThrow(
      /Host host-a is registered by machine machine-0.*machine machine-2 cannot/,
    );
  });

  it('has no odd characters in its id', async () => {
    const odd = hosts.another('host a;rm');
    await expect(odd.start()).rejects.toThrow(/BOBBIN_HOST: a host id has at most 63 lower-case letters/);
  });
});

run('an operator', () => {
  it('lists hosts, drains one and forgets one that is gone', async () => {
    const host = hosts.another('host-w');
    const cwd = makeRepositoryOn(host, hosts, 'drained');
    const worker = await host.start();
    const thread = await open(cwd, 'host-w');
    await runTurn(thread, 'say: there');
    const { env } = environment;
    const cli = async (...words: string[]) => runCli(['host', ...words], { env });
    const listed = async () => (await cli('list')).stdout;
    await expect.poll(listed, { timeout: 60_000 }).toMatch(/^host-w +serving +on machine-\d+$/m);
    expect((await cli('forget', 'host-w')).stderr).toContain('a worker serves it');
    expect(await cli('drain', 'host-w', '--wait', '60')).toMatchObject({
      stdout: expect.stringMatching(
        /^host host-w takes no new threads; (it runs 0 steps|the service does not say)/,
      ) as string,
    });
    const refused = async () => {
      const { workflowId } = await open(cwd, 'host-w');
      return environment.bobbin.service.client.workflow.getHandle(workflowId).describe();
    };
    await expect.poll(async () => (await refused()).status.name).toBe('COMPLETED');
    expect(await runTurn(thread, 'say: still there')).toMatchObject({ status: 'completed' });
    await worker.stop();
    await expect.poll(async () => (await cli('forget', 'host-w')).code, { timeout: 90_000 }).toBe(0);
    await expect.poll(async () => (await cli('show', 'host-w')).stderr).toContain('There is no host host-w');
  });
});

run('a host that is away', () => {
  const GATE = 'run: touch begun; until [ -e go ]; do sleep 0.1; done\nrun: hostname > after';

  it('is waited for, in the middle of a turn too, and no other host takes over', async () => {
    const host = hosts.another('host-y');
    const cwd = makeRepositoryOn(host, hosts, 'away');
    const first = await host.start();
    const [thread, idle] = [await open(cwd, 'host-y'), await open(cwd, 'host-y')];
    expect(await hostOf(idle)).toBe('host-y');
    const submitted = turn(GATE);
    await thread.submit(submitted);
    await expect.poll(() => existsSync(join(host.files, 'away', 'begun'))).toBe(true);
    writeFileSync(join(host.files, 'away', 'go'), '');
    await first.stop();
    const again = await host.start();
    expect(await thread.completion(submitted.turnId)).toMatchObject({ status: 'completed' });
    expect(read(host, 'away', 'after')).not.toMatch(/^machine-[01]$/m);
    await again.stop();

    const waiting = turn('run: hostname > later');
    await thread.submit(waiting);
    const phase = async () => (await thread.view()).activeTurn?.phase;
    const expected = { type: 'waitingForHost', host: 'host-y', since: expect.any(Number) as number };
    await expect.poll(phase, { timeout: 100_000 }).toEqual(expected);
    await thread.interrupt({ turnId: waiting.turnId });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'aborted', quiescent: true });
    await idle.submit(turn('run: hostname > later'));
    await closeThread(idle);
    expect(existsSync(join(host.files, 'away', 'later'))).toBe(false);
  });

  it('fails a step after the grace time, by its own code', async () => {
    const host = hosts.another('host-x');
    const cwd = makeRepositoryOn(host, hosts, 'grace');
    const worker = await host.start({ BOBBIN_HOST_GRACE: '1' });
    const thread = await open(cwd, 'host-x');
    expect(await runTurn(thread, 'say: there')).toMatchObject({ status: 'completed' });
    await worker.kill();
    const error = { code: 'hostAway', message: expect.stringContaining('No worker of host host-x') as string };
    expect(await runTurn(thread, 'say: gone')).toMatchObject({ status: 'failed', error });
  });
});
