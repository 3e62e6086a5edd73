/** Threads of two hosts on one task queue: a step runs where its files are, or not at all. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { BatchHandle, ThreadHandle } from '../../src/client/index.ts';
import { type BatchTarget, type ManagedWorkspace, type RowOutcome, toWorkflowId } from '../../src/contract/index.ts';
import { toHostWorkflowId } from '../../src/contract/plain/hosts.ts';
import { startGitServer } from '../../src/adapters/git/test-git-server.ts';
import { claimHost } from '../../src/worker/directories/host-directory.ts';
import { listRegistrations } from '../../src/client/hosts/hosts.ts';
import {
  type TestEnvironment,
  closeThread,
  itemsOf,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';
import { git, makeRepository as makeFilesIn } from '../parts/repositories.ts';
import { runCli } from '../parts/run-cli.ts';
import { isUnderWay, startSilentModel } from './lost-reviews.ts';
import { testMovedClones } from './moved-clones.ts';
import { GRACE, type TestHost, type TwoHosts, canMakeHosts, makeRepositoryOn, openHostsAlone } from './two-hosts.ts';

const MCP_SERVER = join(import.meta.dirname, '../../src/adapters/mcp/test-stdio-server.ts');

let environment: TestEnvironment;
let hosts: TwoHosts;
let close: () => Promise<void>;
// Hosts that are gone are waited for.
vi.setConfig({ testTimeout: 600_000 });
const run = describe.runIf(canMakeHosts());

beforeAll(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
  if (!canMakeHosts()) return;
  mkdirSync(hosts.a.data, { mode: 0o700 });
  const files = { command: process.execPath, args: [MCP_SERVER, join(hosts.a.data, '../mcp.log'), 'well'] };
  writeFileSync(join(hosts.a.data, 'mcp.json'), JSON.stringify({ mcpServers: { files } }));
  const shared = { BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive') };
  await Promise.all([hosts.a.start(shared), hosts.b.start({ BOBBIN_SANDBOX: 'workspace-write', ...shared })]);
  const known = async () => (await listRegistrations(environment.bobbin.service)).map(({ hostId }) => hostId);
  await vi.waitFor(async () => expect(await known()).toEqual(['host-a', 'host-b']), { timeout: 20_000 });
});
afterAll(() => close());

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

/** With a line that a review finds. */
const FILES = { 'a.ts': 'one\n// TODO: two\n' };
const makeTargetOn = ({ files }: TestHost, name: string): BatchTarget => {
  makeFilesIn(join(files, name), FILES);
  return { repository: join(hosts.shared, name) };
};
const rowsOf = async (batch: BatchHandle): Promise<RowOutcome[]> => {
  const rows: RowOutcome[] = [];
  for await (const { outcome } of batch.rows()) rows.push(outcome);
  return rows;
};
const runBatch = async (targets: BatchTarget[]): Promise<RowOutcome[]> => {
  const batch = await environment.bobbin.batches.start({ targets, concurrency: 8 });
  await batch.follow();
  return rowsOf(batch);
};

run('a batch', () => {
  it('reviews each target on a host that has it, or has fetched it', async () => {
    const fetched = makeFilesIn(join(environment.data, '..', 'fetched'), FILES);
    const targets = Array.from({ length: 4 }, (_, number) => [
      makeTargetOn(hosts.a, `target-a-${number}`),
      makeTargetOn(hosts.b, `target-b-${number}`),
      { repository: `file://${fetched}`, branch: number === 0 ? 'main' : `main-${number}` },
    ]).flat();
    for (let number = 1; number < 4; number++) git(fetched, 'branch', `main-${number}`);
    const nowhere = { repository: join(hosts.shared, 'target-nowhere') };
    const outcomes = await runBatch([...targets, nowhere]);
    const found = { status: 'reviewed', counts: { new: 1 } };
    const missing = expect.stringMatching(/host-a \(has no such folder\), host-b \(has no such folder\)/) as string;
    expect(outcomes).toMatchObject([
      ...targets.map(() => found),
      { status: 'failed', code: 'workspaceOnNoHost', message: missing },
    ]);
    expect(await runBatch(targets)).toMatchObject(targets.map(() => ({ status: 'skipped' })));
  });
});

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
      code: 'workspaceOnNoHost',
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

run('threads of a repository', () => {
  const repository = () => `file://${inject('repository')}`;
  const start = (workspace: Partial<ManagedWorkspace> = {}) =>
    environment.start({ workspace: { repository: repository(), ...workspace }, approvalPolicy: 'never' });

  const makeSource = (name: string): string => {
    const source = join(dirname(hosts.shared), name);
    mkdirSync(join(source, 'inner'), { recursive: true });
    writeFileSync(join(source, 'inner/file'), 'one\n');
    const git = (...args: string[]) => execFileSync('git', args, { cwd: source });
    git('init', '-q');
    git('add', '-A');
    git('-c', 'user.name=P', '-c', 'user.email=p@example.invalid', 'commit', '-q', '-m', 'First');
    return source;
  };
  const clonesOn = ({ data }: TestHost) => readdirSync(join(`${data}-workspaces`, 'managed'));

  it('spread over the hosts, and each works in its own clone', async () => {
    // The id of a thread decides where it goes: of these, two go to host B.
    const workspace = { repository: repository() };
    const threads = await Promise.all(
      Array.from({ length: 8 }, (_, number) =>
        environment.start({ threadId: `spread-${number}`, workspace, approvalPolicy: 'never' }),
      ),
    );
    const ends = await Promise.all(threads.map((thread) => runTurn(thread, 'run: hostname > who; git status --short')));
    expect(ends.map(({ status }) => status)).toEqual(Array(8).fill('completed'));
    const views = await Promise.all(threads.map((thread) => thread.view()));
    expect(new Set(views.map(({ settings }) => settings.host))).toEqual(new Set(['host-a', 'host-b']));
    expect(new Set(views.map(({ settings }) => settings.cwd)).size).toBe(8);
    for (const { threadId, settings } of views) {
      const { cwd, host = '', managed } = settings;
      expect(readFileSync(join(cwd, 'who'), 'utf8')).toBe(host === 'host-a' ? 'machine-0\n' : 'machine-1\n');
      expect(managed).toEqual({ repository: repository(), commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string });
      const thread = environment.bobbin.threads.get(threadId);
      expect(await waitForEvent(thread, 'workspace/bound')).toMatchObject({ seq: 2, host, cwd, managed });
      expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
        { output: expect.stringMatching(/\n\?\? who\n$/) as string },
      ]);
    }
  });

  it('work in a folder of it, where commands in a sandbox read its repository and cannot change it', async () => {
    const source = makeSource('with-folder');
    const thread = await start({ repository: `file://${source}`, path: 'inner', host: 'host-b' });
    await runTurn(thread, 'run: git log --format=%s; echo more > file\nrun: git commit -am changed; echo x > ../top');
    const { cwd } = (await thread.view()).settings;
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('more\n');
    expect(existsSync(join(cwd, '../top'))).toBe(false);
    const [log, commit] = await itemsOf(thread, 'commandExecution');
    expect(log?.output).toContain('First');
    expect(commit?.output).toContain('Read-only file system');
  });

  it('have their agents, forks and undo in their clone', async () => {
    const thread = await start({ host: 'host-b' });
    const { cwd, managed } = (await thread.view()).settings;
    const spawn = 'call: spawn_agent {"task_name": "helper", "message": "run: pwd > by-agent"}';
    await runTurn(thread, `run: echo changed > README.md\n${spawn}\ncall: wait_agent {}`);
    expect(readFileSync(join(cwd, 'by-agent'), 'utf8')).toBe(`${cwd}\n`);
    const agent = environment.bobbin.threads.get((await thread.view()).subThreads[0]?.threadId ?? '');
    expect((await agent.view()).settings).toMatchObject({ host: 'host-b', cwd, managed });
    const fork = await environment.bobbin.threads.fork(thread.threadId, { files: 'worktree' });
    expect((await fork.view()).settings).toMatchObject({ host: 'host-b', managed });
    await runTurn(fork, 'run: git rev-parse HEAD > head');
    const own = (await fork.view()).settings.cwd;
    expect(own).not.toBe(cwd);
    expect(readFileSync(join(own, 'README.md'), 'utf8')).toBe('changed\n');
    expect(readFileSync(join(own, 'head'), 'utf8')).toBe(`${managed?.commit}\n`);
    expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
    expect(existsSync(join(cwd, 'by-agent'))).toBe(false);
    expect(readFileSync(join(cwd, 'README.md'), 'utf8')).not.toBe('changed\n');
  });

  it('share the rules of their repository across hosts, until one is revoked', async () => {
    const strict = { approvalPolicy: 'untrusted', sandbox: 'danger-full-access' } as const;
    const open = (host: string, address: string) =>
      environment.start({ workspace: { repository: address, host }, ...strict });
    const first = await open('host-a', repository());
    const asking = turn('run: touch made');
    await first.submit(asking);
    const { requestId } = await waitForRequest(first);
    await first.resolve({ requestId, decision: 'accept', remember: { scope: 'repository' } });
    expect(await first.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    const second = await open('host-b', `${repository()}/`.replace('file:', 'FILE:'));
    expect(await runTurn(second, 'run: touch made')).toMatchObject({ status: 'completed' });
    expect(existsSync(join((await second.view()).settings.cwd, 'made'))).toBe(true);
    const [rule] = (await second.repositoryRules()).rules;
    expect(rule).toMatchObject({ match: { type: 'commandExecution', cwd: '.' } });
    await second.revokeRepositoryRule({ ruleId: rule?.ruleId ?? '' });
    const after = turn('run: touch made');
    await first.submit(after);
    await waitForRequest(first);
    await first.interrupt({ turnId: after.turnId });
  });

  it('leave their clone to an operator, who removes it when they are closed', async () => {
    const [closed, open] = [await start({ host: 'host-a' }), await start({ host: 'host-a' })];
    const folders = await Promise.all([closed, open].map(async (one) => (await one.view()).settings.cwd));
    await closeThread(closed);
    const clean = (...words: string[]) =>
      runCli(['host', 'clean', '--data-dir', hosts.a.data, '--json', ...words], { env: environment.env });
    // Its workflow ends a moment after it was closed.
    const cleaning = async () => (await clean()).stdout;
    await expect.poll(cleaning, { timeout: 60_000 }).toContain('its thread was closed a short time ago');
    expect(folders.map((folder) => existsSync(folder))).toEqual([true, true]);
    const cleaned = await clean('--closed-for', '0');
    expect(cleaned).toMatchObject({ code: 0, stderr: '' });
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, true]);
    expect(await runTurn(open, 'run: ls')).toMatchObject({ status: 'completed' });
    expect((await clean('--closed-for', '0')).stdout).not.toContain(closed.threadId);
  });

  it('begin when their host is back, if its worker is killed while it fetches', async () => {
    const host = hosts.another('host-q');
    const config = join(dirname(hosts.shared), 'gitconfig');
    writeFileSync(config, '[credential]\n\thelper = "!f() { echo username=me; echo password=hunter2; }; f"\n');
    const env = { GIT_CONFIG_GLOBAL: config };
    const worker = await host.start(env);
    const server = await startGitServer(dirname(inject('repository')), 'me', 'hunter2');
    const held = server.hold();
    const thread = await start({ repository: `${server.url}/${basename(inject('repository'))}`, host: 'host-q' });
    await held;
    await worker.kill();
    await host.start(env);
    expect(await runTurn(thread, 'run: git status --short; git config -l')).toMatchObject({ status: 'completed' });
    await server.close();
    const [item] = await itemsOf(thread, 'commandExecution');
    expect(item?.output).toContain(`remote.origin.url=${server.url}`);
    expect(JSON.stringify([await thread.view(), item])).not.toContain('hunter2');
    expect(clonesOn(host)).toEqual([basename((await thread.view()).settings.cwd)]);
  });

  it('are refused what no host can fetch, by name, and leave nothing', async () => {
    const before = clonesOn(hosts.a).length;
    const server = await startGitServer(dirname(inject('repository')), 'me', 'hunter2');
    const url = `${server.url}/${basename(inject('repository'))}`;
    const refusals = await Promise.all(
      [
        start({ repository: url, host: 'host-a' }),
        start({ ref: 'nowhere', host: 'host-a' }),
        start({ repository: 'file:///nonexistent', host: 'host-a' }),
        start({ host: 'host-c' }),
      ].map(async (opened) => resultOf(await opened)),
    );
    await server.close();
    const reasons = ['repositoryUnauthorized', 'repositoryRefMissing', 'repositoryMissing', 'workspaceOnNoHost'];
    expect(refusals).toEqual(
      reasons.map((code) => ({ status: 'refused', code, reason: expect.stringContaining(`${code}: `) as string })),
    );
    expect(clonesOn(hosts.a)).toHaveLength(before);
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
    await claimHost(service, own, { say: () => undefined });
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
      /Host host-a is registered by machine machine-0.*machine machine-\d+ cannot/,
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
    // What a worker knows of hosts may be some seconds old.
    const opened = async () => {
      const another = await open(cwd, 'host-w');
      const bound = waitForEvent(another, 'workspace/bound').catch(() => resultOf(another));
      return Promise.race([resultOf(another), bound]);
    };
    await expect.poll(opened).toMatchObject({ status: 'refused' });
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

  it('is shown as such in lists, and no longer as soon as it is back', async () => {
    const host = hosts.another('host-w');
    const cwd = makeRepositoryOn(host, hosts, 'listed');
    const first = await host.start({ BOBBIN_HOST_GRACE: '40' });
    const thread = await open(cwd, 'host-w');
    expect(await runTurn(thread, 'say: there')).toMatchObject({ status: 'completed' });
    await first.stop();
    const waiting = turn('hang: 1');
    await thread.submit(waiting);
    const status = async () => {
      const described = await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).describe();
      return described.typedSearchAttributes.get(defineSearchAttributeKey('BobbinStatus', 'KEYWORD'));
    };
    await expect.poll(status, { timeout: 100_000 }).toBe('waitingForHost');
    const again = await host.start();
    await expect.poll(status, { timeout: 100_000 }).toBe('active');
    await thread.interrupt({ turnId: waiting.turnId });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'aborted' });
    await again.stop();
  });

  it('fails a step after the grace time, by its own code', async () => {
    const host = hosts.another('host-x');
    const cwd = makeRepositoryOn(host, hosts, 'grace');
    const worker = await host.start({ BOBBIN_HOST_GRACE: GRACE });
    const thread = await open(cwd, 'host-x');
    expect(await runTurn(thread, 'say: there')).toMatchObject({ status: 'completed' });
    await worker.kill();
    const error = { code: 'hostAway', message: expect.stringContaining('No worker of host host-x') as string };
    expect(await runTurn(thread, 'say: gone')).toMatchObject({ status: 'failed', error });
  });
});

run('a batch whose host is lost', () => {
  it('tries its target on another one, once, and records it once', async () => {
    const silent = await startSilentModel();
    const lost = hosts.another('host-0');
    const worker = await lost.start({ BOBBIN_HOST_GRACE: GRACE, BOBBIN_OFFLINE_MODEL_URL: silent.url });
    const target = makeTargetOn(lost, 'target-lost');
    const batch = await environment.bobbin.batches.start({ targets: [target] });
    await silent.asked;
    await isUnderWay(environment, `${batch.batchId}/0`);
    makeTargetOn(hosts.b, 'target-lost');
    await worker.kill();
    silent.close();
    await batch.follow();
    expect(await rowsOf(batch)).toMatchObject([{ status: 'reviewed', counts: { new: 1 } }]);
    const { targets } = await batch.record();
    expect(targets[0]?.ledger?.findings).toHaveLength(1);
    expect(targets[0]?.ledger?.runs).toHaveLength(1);
    const again = await environment.bobbin.threads.get(`${batch.batchId}/0/again`).view();
    expect(again.settings.host).toBe('host-b');
    expect(await runCli(['host', 'forget', 'host-0'], { env: environment.env })).toBeDefined();
  });
});

run('a thread that is moved', () => {
  const move = (thread: ThreadHandle, ...words: string[]) =>
    runCli(['thread', 'move', thread.threadId, ...words, '--json'], { env: environment.env });

  it('works in the folder of the other host from then on, and its model is told', async () => {
    const cwd = onBoth('moved');
    const thread = await open(cwd, 'host-a');
    await runTurn(thread, 'run: cat owner > seen\nrun: echo changed > owner');
    const moved = await move(thread, '--host', 'host-b', '--cwd', cwd);
    expect(JSON.parse(moved.stdout)).toMatchObject({
      from: { host: 'host-a', cwd },
      to: { host: 'host-b', cwd },
      receipt: { restored: null, notRestored: expect.any(Array) as string[], quiescent: true },
    });
    expect((await thread.view()).settings).toMatchObject({ host: 'host-b', cwd, root: cwd });
    expect(await waitForEvent(thread, 'workspace/moved')).toMatchObject({ to: { host: 'host-b', cwd } });
    await runTurn(thread, 'run: cat owner > seen');
    expect([read(hosts.a, 'moved', 'seen'), read(hosts.b, 'moved', 'seen')]).toEqual(['host-a\n', 'host-b\n']);
    const told = (await itemsOf(thread, 'commandExecution')).map(({ environment: facts }) => facts?.['moved']);
    expect(told).toEqual([undefined, undefined, expect.stringContaining(`from ${cwd} on host host-a`) as string]);

    // The turn on the new host can be undone, and the one before only as a whole or not at all.
    expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
    expect(existsSync(join(hosts.b.files, 'moved', 'seen'))).toBe(false);
    const error = { code: 'snapshotElsewhere', message: expect.stringContaining('on host host-a') as string };
    expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'failed', error });
    await expect(thread.previewUndo()).rejects.toMatchObject({ code: 'snapshotElsewhere' });
    expect(read(hosts.a, 'moved', 'owner')).toBe('changed\n');
    expect((await thread.view()).turnCount).toBe(4);
  });

  it('is refused what cannot be, and stays as it is', async () => {
    const cwd = onBoth('refused');
    const only = makeRepositoryOn(hosts.a, hosts, 'refused-on-b');
    const thread = await open(cwd, 'host-a');
    await runTurn(thread, 'say: hello');
    const before = await thread.view();
    const refusals: [{ host?: string; cwd?: string }, string][] = [
      [{ host: 'host-a', cwd }, 'samePlace'],
      [{ host: 'host-b' }, 'notMovable'],
      [{ host: 'host-z', cwd }, 'hostUnknown'],
      [{ host: 'host-b', cwd: only }, 'workspaceMissing'],
    ];
    for (const [wanted, code] of refusals) await expect(thread.move(wanted)).rejects.toMatchObject({ code });
    const refused = await runCli(['thread', 'move', thread.threadId, '--host', 'host-z', '--cwd', cwd], environment);
    expect(refused).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/There is no host host-z; known are .*host-a \(serving\)/) as string,
    });
    expect(await thread.view()).toEqual({ ...before, updatedAt: expect.any(Number) as number });
    await thread.submit(turn('run: until [ -e go ]; do sleep 0.1; done'));
    await expect(thread.move({ host: 'host-b', cwd })).rejects.toMatchObject({ code: 'threadBusy' });
    await thread.interrupt();
    expect(await thread.move({ cwd: only })).toMatchObject({ to: { host: 'host-a', cwd: only } });
    await closeThread(thread);
    await expect(thread.move({ host: 'host-b', cwd })).rejects.toMatchObject({ code: 'threadClosed' });
  });

  it('leaves a host that is dead in the middle of a command, and does what is asked meanwhile afterwards', async () => {
    const host = hosts.another('host-u');
    const cwd = makeRepositoryOn(host, hosts, 'dead');
    makeRepositoryOn(hosts.b, hosts, 'dead');
    const worker = await host.start();
    const thread = await open(cwd, 'host-u');
    const lost = turn('run: touch begun; until [ -e go ]; do sleep 0.1; done');
    await thread.submit(lost);
    await expect.poll(() => existsSync(join(host.files, 'dead', 'begun'))).toBe(true);
    await worker.kill();
    await thread.interrupt({ turnId: lost.turnId });
    expect(await thread.completion(lost.turnId)).toMatchObject({ status: 'aborted', quiescent: false });
    expect(await thread.move({ host: 'host-b', cwd })).toMatchObject({ receipt: { quiescent: false } });
    expect(await runTurn(thread, 'run: echo here > later')).toMatchObject({ status: 'completed' });
    expect(read(hosts.b, 'dead', 'later')).toBe('here\n');
    await closeThread(thread);
    const { thread: resumed } = await environment.bobbin.threads.resume(thread.threadId);
    expect(await hostOf(resumed)).toBe('host-b');
    expect(await runTurn(resumed, 'run: echo again > later')).toMatchObject({ status: 'completed' });
  });
});

run('threads of a repository that are moved', () =>
  testMovedClones(() => ({ environment, hosts, packs: join(environment.data, 'archive', 'packs') })),
);
