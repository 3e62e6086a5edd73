/** Threads that work in a clone, on two hosts that share a store: they outlive their host. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { WORKFLOW_TYPE, toWorkflowId } from '../../src/contract/index.ts';
import type { TestEnvironment } from '../environment.ts';
import { closeThread, itemsOf, runTurn, turn, waitForEvent } from '../environment.ts';
import { toPackName } from '../../src/adapters/git/packs/pack-names.ts';
import { runCli } from '../parts/run-cli.ts';
import { GRACE, type TwoHosts } from './two-hosts.ts';

export interface MovedClones {
  environment: TestEnvironment;
  hosts: TwoHosts;
  /** The folder of packs that both hosts share. */
  packs: string;
}

/** Waits until nothing of the thread is missing in the store. */
export async function stored(thread: ThreadHandle) {
  const view = async () => (await thread.view()).stored;
  await expect.poll(async () => (await view())?.isNewest, { timeout: 30_000 }).toBe(true);
  return (await view())!;
}

const filesOf = (cwd: string) =>
  execFileSync('sh', ['-c', 'find . -path ./.git -prune -o -type f -exec sha1sum {} \\; | sort'], {
    cwd,
    encoding: 'utf8',
  });

export function testMovedClones(world: () => MovedClones): void {
  const open = (host: string) => {
    const workspace = { repository: `file://${inject('repository')}`, host };
    return world().environment.start({ workspace, approvalPolicy: 'never', sandbox: 'danger-full-access' });
  };
  const cwdOf = async (thread: ThreadHandle) => (await thread.view()).settings.cwd;
  const packPath = ({ threadId }: ThreadHandle, id: string) => {
    const { namespace } = world().environment.bobbin.service;
    return join(world().packs, toPackName({ namespace, threadId }, id));
  };

  it('go on with their files where another host is, can be undone there, and come back', async () => {
    const { environment } = world();
    const thread = await open('host-a');
    const before = await cwdOf(thread);
    writeFileSync(join(before, '.gitignore'), 'built/\n');
    await runTurn(thread, 'run: echo one > made; mkdir built; echo x > built/x');
    await runTurn(thread, 'run: echo two > made; echo more > more');
    const { commit, tree, files } = await stored(thread);
    const cli = await runCli(['thread', 'move', thread.threadId, '--json'], environment);
    const move = JSON.parse(cli.stdout) as { receipt: { restored: object; notRestored: string[] } };
    expect(move).toMatchObject({
      from: { host: 'host-a', cwd: before },
      to: { host: 'host-b' },
      receipt: { restored: { commit, tree, files }, quiescent: true },
    });
    expect(move.receipt.notRestored.join('\n')).toContain('Ignored, so not stored: built/');
    const cwd = await cwdOf(thread);
    expect(cwd).not.toBe(before);
    rmSync(join(before, 'built'), { recursive: true });
    expect(filesOf(cwd)).toBe(filesOf(before));

    await runTurn(thread, 'run: hostname > where; cat made');
    expect(readFileSync(join(cwd, 'where'), 'utf8')).toBe('machine-1\n');
    const [told] = (await itemsOf(thread, 'commandExecution')).flatMap(
      ({ environment: facts }) => facts?.['moved'] ?? [],
    );
    expect(told).toContain(`${files} files were restored and verified`);
    expect(told).toContain('built/');
    for (const expected of ['two\n', 'one\n', undefined]) {
      expect(existsSync(join(cwd, 'made')) ? readFileSync(join(cwd, 'made'), 'utf8') : undefined).toBe(
        expected === 'two\n' ? 'two\n' : expected === 'one\n' ? 'two\n' : 'one\n',
      );
      expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
    }
    expect(existsSync(join(cwd, 'made'))).toBe(false);
    await stored(thread);
    expect(await thread.move({ host: 'host-a' })).toMatchObject({
      receipt: { restored: { files: expect.any(Number) as number } },
    });
    expect(filesOf(await cwdOf(thread))).toBe(filesOf(cwd));
  });

  it('bring along what was written after the end of their turns: by agents, by commands, and by turns that were rolled back', async () => {
    const thread = await open('host-a');
    const before = await cwdOf(thread);
    const writeLater = 'run: until [ -e go-agent ]; do sleep 0.1; done; echo agent > by-agent';
    await runTurn(thread, 'run: echo one > made');
    await runTurn(thread, `call: spawn_agent ${JSON.stringify({ task_name: 'helper', message: writeLater })}`);
    await stored(thread);
    writeFileSync(join(before, 'go-agent'), '');
    await expect.poll(() => existsSync(join(before, 'by-agent')), { timeout: 30_000 }).toBe(true);
    const agent = world().environment.bobbin.threads.get(`${thread.threadId}/1`);
    await agent.close();
    const statusOfAgent = async () => (await thread.view()).subThreads[0]?.status;
    await expect.poll(statusOfAgent, { timeout: 30_000 }).toBe('shutdown');
    const cmd = 'until [ -e go ]; do sleep 0.1; done; echo late > late; sleep 1000';
    await runTurn(thread, `run: echo two > made\ncall: exec_command ${JSON.stringify({ cmd, yield_time_ms: 250 })}`);
    await thread.rollback({ numTurns: 1 });
    await stored(thread);
    writeFileSync(join(before, 'go'), '');
    await expect.poll(() => existsSync(join(before, 'late'))).toBe(true);
    const since = Date.now();
    const move = await thread.move({ host: 'host-b' });
    expect(move.asOf).toBeGreaterThanOrEqual(since - 2_000);
    expect(move.receipt.quiescent).toBe(true);
    expect(move.receipt.notRestored).toContain('1 command that was left running has ended for the thread.');
    expect(filesOf(await cwdOf(thread))).toBe(filesOf(before));
    expect(readFileSync(join(await cwdOf(thread), 'late'), 'utf8')).toBe('late\n');
  });

  it('lose nothing that was stored when their host dies in the middle of a turn', async () => {
    const { environment, hosts } = world();
    const host = hosts.another('host-s');
    const worker = await host.start({ BOBBIN_ARCHIVE_DIR: join(world().packs, '..') });
    const thread = await open('host-s');
    await runTurn(thread, 'run: echo kept > kept');
    const { files, asOf } = await stored(thread);
    const lost = turn('run: echo half > kept; touch begun; until [ -e go ]; do sleep 0.1; done');
    await thread.submit(lost);
    const begun = join(await cwdOf(thread), 'begun');
    await expect.poll(() => existsSync(begun)).toBe(true);
    await worker.kill();
    await thread.interrupt({ turnId: lost.turnId });
    expect(await thread.completion(lost.turnId)).toMatchObject({ status: 'aborted', quiescent: false });
    const move = await thread.move({ host: 'host-b' });
    expect(move).toMatchObject({ asOf, receipt: { restored: { files }, quiescent: false } });
    expect(move.receipt.notRestored).toContainEqual(expect.stringContaining('are not in the store') as string);
    expect(await runTurn(thread, 'run: cat kept > seen')).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(await cwdOf(thread), 'seen'), 'utf8')).toBe('kept\n');
    const fork = await environment.bobbin.threads.fork(thread.threadId, { files: 'worktree' });
    expect(await runTurn(fork, 'run: cat kept')).toMatchObject({ status: 'completed' });
    expect((await fork.view()).settings.host).toBe('host-b');
  });

  it('go on by themselves when their host dies in the middle of a turn', async () => {
    const { environment, hosts, packs } = world();
    const host = hosts.another('host-r');
    const worker = await host.start({ BOBBIN_ARCHIVE_DIR: join(packs, '..'), BOBBIN_HOST_GRACE: GRACE });
    const thread = await open('host-r');
    await runTurn(thread, 'run: echo kept > kept');
    const { asOf } = await stored(thread);
    const work = turn(
      'run: echo half > kept; touch begun; until [ -e go ]; do sleep 0.1; done\nrun: cat kept; hostname',
    );
    await thread.submit(work);
    const begun = join(await cwdOf(thread), 'begun');
    await expect.poll(() => existsSync(begun)).toBe(true);
    await worker.kill();
    expect(await thread.completion(work.turnId)).toMatchObject({ status: 'completed' });
    expect(await waitForEvent(thread, 'workspace/moved')).toMatchObject({
      from: { host: 'host-r' },
      asOf,
      receipt: { quiescent: false, restored: { files: expect.any(Number) as number } },
    });
    const items = (await itemsOf(thread, 'commandExecution')).slice(1);
    expect(items).toMatchObject([
      { status: 'lost' },
      { status: 'completed', output: expect.stringMatching(/kept\nmachine-[01]\n$/) as string },
    ]);
    expect(await runTurn(thread, 'run: echo more > kept')).toMatchObject({ status: 'completed' });
    expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(await cwdOf(thread), 'kept'), 'utf8')).toBe('kept\n');
    await environment.bobbin.hosts.drain('host-r');
  });

  it('leave a host that is drained, after their turn', async () => {
    const { environment, hosts, packs } = world();
    const host = hosts.another('host-d');
    await host.start({ BOBBIN_ARCHIVE_DIR: join(packs, '..') });
    const [idle, busy] = [await open('host-d'), await open('host-d')];
    await runTurn(idle, 'run: echo kept > kept');
    const work = turn('run: touch begun; until [ -e go ]; do sleep 0.1; done; echo done > made');
    await busy.submit(work);
    const cwd = await cwdOf(busy);
    await expect.poll(() => existsSync(join(cwd, 'begun'))).toBe(true);
    // A thread of another task queue is nobody's here.
    const { client } = environment.bobbin.service;
    const workflowId = toWorkflowId('elsewhere-host-d');
    const elsewhere = await client.workflow.start(WORKFLOW_TYPE, { workflowId, taskQueue: 'elsewhere-host-d' });
    const draining = runCli(['host', 'drain', 'host-d', '--wait', '90', '--json'], environment);
    await waitForEvent(idle, 'workspace/moved');
    writeFileSync(join(cwd, 'go'), '');
    expect(await busy.completion(work.turnId)).toMatchObject({ status: 'completed' });
    const drained = JSON.parse((await draining).stdout) as { moved: string[]; busy: string[]; staying: object[] };
    expect([drained.moved.sort(), drained.busy, drained.staying]).toEqual([
      [idle.threadId, busy.threadId].sort(),
      [],
      [],
    ]);
    await elsewhere.terminate();
    expect(readFileSync(join(await cwdOf(busy), 'made'), 'utf8')).toBe('done\n');
    expect(await runTurn(idle, 'run: cat kept')).toMatchObject({ status: 'completed' });
    expect((await idle.view()).settings.host).not.toBe('host-d');
  });

  it('stay where they are if what is stored is damaged, and nothing is left of the attempt', async () => {
    const { hosts } = world();
    const thread = await open('host-a');
    await runTurn(thread, 'run: echo one > made');
    const id = (await stored(thread)).packs[0]?.id ?? '';
    const path = packPath(thread, id);
    const bytes = readFileSync(path);
    const before = await thread.view();
    const clones = () =>
      readdirSync(join(`${hosts.b.data}-workspaces`, 'managed')).filter((name) => !name.includes('.lock'));
    const there = clones();
    for (const damaged of [Buffer.from(bytes).fill(1, 20, 24), Buffer.alloc(0)]) {
      writeFileSync(path, damaged);
      await expect(thread.move({ host: 'host-b' })).rejects.toMatchObject({ code: 'restoreIncomplete' });
    }
    expect(clones()).toEqual(there);
    const { settings } = await thread.view();
    expect(settings).toEqual(before.settings);
    expect(await runTurn(thread, 'run: cat made')).toMatchObject({ status: 'completed' });
    await expect(thread.move({ host: 'host-a' })).rejects.toMatchObject({ code: 'samePlace' });
    await expect(thread.move({ host: 'host-b', cwd: '/tmp' })).rejects.toMatchObject({ code: 'notMovable' });
  });

  it('are stored anew if what was stored is gone, also when they were closed and the store was cleaned', async () => {
    const { environment } = world();
    const thread = await open('host-a');
    const packsOf = async () => (await stored(thread)).packs.map(({ id }) => id);
    const isThere = (id: string) => existsSync(packPath(thread, id));
    await runTurn(thread, 'run: echo one > made');
    const [first = ''] = await packsOf();
    await closeThread(thread);
    // Its workflow ends a moment after it was closed.
    const clean = async () => {
      expect(await runCli(['store', 'clean', '--closed-for', '0'], environment)).toMatchObject({ code: 0 });
      return isThere(first);
    };
    await expect.poll(clean, { timeout: 30_000 }).toBe(false);
    const { thread: resumed } = await environment.bobbin.threads.resume(thread.threadId);
    await runTurn(resumed, 'run: echo two > more');
    const [second = '', ...more] = await packsOf();
    expect([isThere(first), isThere(second), more]).toEqual([false, true, []]);
    await resumed.move({ host: 'host-b' });
    const cwd = await cwdOf(resumed);
    expect(['made', 'more'].map((name) => readFileSync(join(cwd, name), 'utf8'))).toEqual(['one\n', 'two\n']);
    for (const id of await packsOf()) rmSync(packPath(thread, id));
    await resumed.move({ host: 'host-a' });
    expect(readFileSync(join(await cwdOf(resumed), 'more'), 'utf8')).toBe('two\n');
  });

  it('bring along the files in which they began, and say so if nothing of them was stored', async () => {
    const { environment, hosts, packs } = world();
    const host = hosts.another('host-f');
    const worker = await host.start({ BOBBIN_ARCHIVE_DIR: join(packs, '..') });
    const thread = await open('host-f');
    await runTurn(thread, 'run: echo one > made');
    const fork = (files: 'shared' | 'worktree') => environment.bobbin.threads.fork(thread.threadId, { files });
    for (const files of ['shared', 'worktree'] as const) {
      const forked = await fork(files);
      await stored(forked);
      expect(await forked.move({ host: 'host-b' })).toMatchObject({ receipt: { quiescent: true } });
      expect(readFileSync(join(await cwdOf(forked), 'made'), 'utf8')).toBe('one\n');
    }
    const { settings } = await thread.view();
    const workspace = { cwd: settings.cwd, host: 'host-f' };
    await stored(await environment.start({ workspace }));
    const aside = `${packs}-aside`;
    execFileSync('mv', [packs, aside]);
    writeFileSync(packs, '');
    const late = await fork('worktree');
    expect((await late.view()).settings.managed).toEqual(settings.managed);
    await worker.kill();
    rmSync(packs);
    execFileSync('mv', [aside, packs]);
    const { receipt } = await late.move({ host: 'host-b' });
    expect(receipt.restored).toBeNull();
    expect(receipt.notRestored[0]).toContain('was in the store: the files are those of commit');
    expect(existsSync(join(await cwdOf(late), 'made'))).toBe(false);
    // Its past is in the archive, which not every host of these tests shares.
    const { itemCount: after } = await late.view();
    await runTurn(late, 'run: true');
    const told: string[] = [];
    for await (const item of late.items({ after }))
      if (item.type === 'commandExecution') told.push(item.environment?.['moved'] ?? '');
    expect(told).toEqual([expect.stringContaining('Do not rely on what you know of files from before')]);
  });

  it('wait for a store that is away, and lose nothing', async () => {
    const { packs } = world();
    const thread = await open('host-a');
    await runTurn(thread, 'run: echo one > made');
    await stored(thread);
    // A file where the folder was: nobody can write below it, not even root.
    const aside = `${packs}-aside`;
    execFileSync('mv', [packs, aside]);
    writeFileSync(packs, '');
    expect(await runTurn(thread, 'run: echo two > made')).toMatchObject({ status: 'completed' });
    const failing = async () => {
      const { raw } = await world().environment.bobbin.service.client.workflow.getHandle(thread.workflowId).describe();
      return raw.pendingActivities?.some(
        ({ attempt = 0, activityType }) => activityType?.name === 'storeSnapshots' && Number(attempt) > 1,
      );
    };
    await expect.poll(failing, { timeout: 30_000 }).toBe(true);
    expect((await thread.view()).stored?.isNewest).toBe(false);
    rmSync(packs);
    execFileSync('mv', [aside, packs]);
    await stored(thread);
    await thread.move({ host: 'host-b' });
    expect(readFileSync(join(await cwdOf(thread), 'made'), 'utf8')).toBe('two\n');
    expect(await waitForEvent(thread, 'workspace/moved')).toMatchObject({ to: { host: 'host-b' } });
  });
}
