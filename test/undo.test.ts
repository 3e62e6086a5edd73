import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import { startWorkerChild } from './kill/worker-child.ts';
import { type Stand, eventsSoFar, itemsOf, openStand, runTurn, turn, waitForEvent } from './stand.ts';

let stand: Stand;
let cwd: string;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.close());
beforeEach(() => {
  cwd = stand.workspace();
});

const put = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const read = (name: string) => readFileSync(join(cwd, name), 'utf8');
const has = (name: string) => existsSync(join(cwd, name));
const git = (...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8' });
const refs = () => git('for-each-ref', '--format=%(refname)', 'refs/bobbin').split('\n').filter(Boolean);
const start = (more: Parameters<Stand['start']>[0] = {}) => stand.start({ workspace: { cwd }, ...more });

/** What the model is told in the next turn, as text. */
async function toldNext(thread: ThreadHandle): Promise<string> {
  const word = `say: word-${Math.random()}`;
  await runTurn(thread, word);
  const requests = stand.model.requests.map(({ body }) => JSON.stringify(body));
  return requests.findLast((body) => body.includes(thread.threadId) && body.includes(word)) ?? '';
}

describe('undo', () => {
  it('takes back the newest turn, its files and its part in the conversation', async () => {
    const thread = await start();
    put('untracked.txt', 'mine\n');
    put('README.md', 'edited by the person\n');
    await runTurn(thread, 'run: echo 1 > one.txt\nsay: the first');
    const commands = ['echo agent | tee README.md untracked.txt > new.txt', 'mv one.txt moved.txt', 'ls'];
    await runTurn(thread, `${commands.map((command) => `run: ${command}`).join('\n')}\nsay: the second`);
    const { completion, dropped } = await thread.undo();
    expect(completion).toMatchObject({ kind: 'undo', status: 'completed' });
    expect(dropped).toMatchObject({ cause: 'undo', files: { restored: 3, deleted: 2 } });
    expect(dropped?.notUndone).toEqual(
      commands.slice(0, 2).map((command) => `Effects elsewhere, if it had any, of: ${command}`),
    );
    expect([read('README.md'), read('untracked.txt'), read('one.txt')]).toEqual([
      'edited by the person\n',
      'mine\n',
      '1\n',
    ]);
    expect([has('new.txt'), has('moved.txt')]).toEqual([false, false]);
    const told = await toldNext(thread);
    expect(told).toContain('the first');
    expect(told).not.toContain('the second');
  });

  it('walks back one turn at a time, past turns that only talked, and fails with a code where there is none', async () => {
    const thread = await start();
    await runTurn(thread, 'run: echo 1 > count.txt');
    await runTurn(thread, 'patch:\n*** Begin Patch\n*** Update File: count.txt\n@@\n-1\n+2\n*** End Patch');
    await runTurn(thread, 'say: nothing but words');
    expect(await itemsOf(thread, 'ghostSnapshot')).toHaveLength(2);
    expect((await thread.undo()).dropped).toMatchObject({ files: null, notUndone: [] });
    expect(read('count.txt')).toBe('2\n');
    expect((await thread.undo()).dropped).toMatchObject({ files: { restored: 1, deleted: 0 }, notUndone: [] });
    expect(read('count.txt')).toBe('1\n');
    await thread.undo();
    expect(has('count.txt')).toBe(false);
    expect(await thread.undo()).toMatchObject({
      completion: { status: 'failed', error: { code: 'nothingToUndo' } },
      dropped: null,
    });
    expect(await toldNext(thread)).not.toContain('count.txt');
  });

  it('takes back a turn that was interrupted', async () => {
    const thread = await start();
    const slow = turn('run: echo half > half.txt; sleep 60');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await expect.poll(() => has('half.txt')).toBe(true);
    await expect(thread.undo()).rejects.toMatchObject({ code: 'threadBusy' });
    await thread.interrupt();
    expect((await thread.undo()).dropped).toMatchObject({ files: { deleted: 1 } });
    expect(has('half.txt')).toBe(false);
  });

  it('keeps the snapshots of a thread through a collection of garbage, and lets them go when it closes', async () => {
    const thread = await start();
    const other = await start();
    put('untracked.txt', 'mine\n');
    await runTurn(thread, 'run: echo agent > untracked.txt');
    await runTurn(other, 'run: echo other > other.txt');
    expect(refs()).toHaveLength(2);
    git('gc', '-q', '--prune=now');
    await thread.undo();
    expect(read('untracked.txt')).toBe('mine\n');
    await thread.close();
    await waitForEvent(thread, 'thread/closed');
    expect(refs()).toEqual([expect.stringContaining(other.threadId) as string]);
    await other.close();
    await waitForEvent(other, 'thread/closed');
    expect(refs()).toEqual([]);
  });

  it('in a folder that is no repository says once that nothing is kept, and then drops the turn alone', async () => {
    rmSync(join(cwd, '.git'), { recursive: true });
    const thread = await start();
    await runTurn(thread, 'run: echo 1 > one.txt');
    await runTurn(thread, 'run: echo 2 > two.txt');
    const warnings = (await eventsSoFar(thread)).filter(({ type }) => type === 'warning');
    expect(warnings).toEqual([
      expect.objectContaining({
        message: `No snapshot was taken: ${cwd} is not in the work tree of a git repository.`,
      }),
    ]);
    const { dropped } = await thread.undo();
    expect(dropped).toMatchObject({ files: null });
    expect(dropped?.notUndone[0]).toMatch(/^Files are as the turn left them.*not in the work tree/);
    expect(read('two.txt')).toBe('2\n');
  });

  it('says what it left out before the turn and leaves that alone', async () => {
    put('big.bin', 'x'.repeat(11 * 1024 * 1024));
    mkdirSync(join(cwd, 'node_modules'));
    put('node_modules/dep.js', 'before\n');
    const thread = await start();
    await runTurn(thread, 'run: echo after > big.bin; echo after > node_modules/dep.js');
    const warnings = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings).toEqual([
      'Not in the snapshot, untracked files over 10 MiB: big.bin',
      'Not in the snapshot, untracked folders that builds make: node_modules/',
    ]);
    const { dropped } = await thread.undo();
    expect(dropped?.notUndone[0]).toBe('Not in the snapshot, so left as it is: big.bin, node_modules/');
    expect([read('big.bin'), read('node_modules/dep.js')]).toEqual(['after\n', 'after\n']);
  });

  it('drops the turn and says so where its snapshot is gone', async () => {
    const thread = await start();
    await runTurn(thread, 'run: echo 1 > one.txt');
    for (const ref of refs()) git('update-ref', '-d', ref);
    git('gc', '-q', '--prune=now');
    const { completion, dropped } = await thread.undo();
    expect(completion.status).toBe('completed');
    expect(dropped).toMatchObject({ files: null });
    expect(dropped?.notUndone[0]).toContain('the repository does not have it any more');
    expect(has('one.txt')).toBe(true);
  });

  it('has no snapshot to go by where the turn could only read, and says so', async () => {
    const reading = await start({ sandbox: 'read-only', approvalPolicy: 'never' });
    await runTurn(reading, 'run: ls');
    expect(await itemsOf(reading, 'ghostSnapshot')).toEqual([]);
    expect((await reading.undo()).dropped?.notUndone).toEqual([
      'Files are as the turn left them. There is no snapshot: the turn was not allowed to write.',
    ]);
  });

  it('is completed by another worker where the first one is killed in the middle', async () => {
    const own = await openStand({ worker: false });
    cwd = own.workspace();
    const [reached, go] = [join(own.data, 'reached'), join(own.data, 'go')];
    mkdirSync(own.data, { recursive: true });
    // What brings a file back stops at this filter, so that it is known where the worker dies.
    const filter = join(own.data, 'filter');
    writeFileSync(filter, `#!/bin/sh\ntouch '${reached}'\nwhile [ ! -e '${go}' ]; do sleep 0.05; done\ncat\n`);
    chmodSync(filter, 0o755);
    for (const name of ['a.txt', 'b.txt', 'slow.txt', 'z.txt']) put(name, `${name}\n`);
    put('.gitattributes', 'slow.txt filter=slow\n');
    git('config', 'filter.slow.smudge', filter);
    git('add', '-A');
    git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '-qm', 'Files');
    const env = { ...own.env };
    const first = await startWorkerChild(env, join(own.data, 'first.log'));
    const workers = [first];
    try {
      const thread = await own.start({ workspace: { cwd } });
      await runTurn(thread, 'run: rm *.txt; echo new > new.txt');
      const undone = thread.undo();
      await expect.poll(() => existsSync(reached), { timeout: 20_000 }).toBe(true);
      await first.kill();
      expect([has('new.txt'), has('z.txt')]).toEqual([true, false]);
      writeFileSync(go, '');
      workers.push(await startWorkerChild(env, join(own.data, 'second.log')));
      const { completion, dropped } = await undone;
      expect(completion.status).toBe('completed');
      expect(dropped).toMatchObject({ cause: 'undo', files: { deleted: 1 } });
      expect(git('status', '--porcelain')).toBe('');
      expect(await itemsOf(thread, 'turnsDropped')).toHaveLength(1);
    } finally {
      for (const worker of workers) await worker.kill();
      await own.close();
    }
  });
});

describe('a snapshot by itself', () => {
  it('is a turn that has one item, and fails where none can be taken', async () => {
    const thread = await start();
    put('untracked.txt', 'mine\n');
    await thread.submit({ turnId: 'now', kind: 'ghost_snapshot' });
    expect(await thread.completion('now')).toMatchObject({ kind: 'ghost_snapshot', status: 'completed' });
    const [snapshot] = await itemsOf(thread, 'ghostSnapshot');
    expect(git('show', `${snapshot?.commit ?? ''}:untracked.txt`)).toBe('mine\n');
    rmSync(join(cwd, '.git'), { recursive: true });
    await thread.submit({ turnId: 'then', kind: 'ghost_snapshot' });
    expect(await thread.completion('then')).toMatchObject({
      status: 'failed',
      error: { code: 'snapshotUnavailable' },
    });
  });
});

describe('rollback', () => {
  it('drops turns from the conversation and leaves files alone', async () => {
    const thread = await start();
    await runTurn(thread, 'say: the first');
    await runTurn(thread, 'run: echo 2 > two.txt\nsay: the second');
    const third = turn('say: the third');
    await thread.submit(third);
    await thread.completion(third.turnId);
    await expect(thread.rollback({ numTurns: 4 })).rejects.toMatchObject({ code: 'notEnoughTurns' });
    expect((await thread.rollback({ numTurns: 2 })).dropped).toEqual([expect.any(String), third.turnId]);
    await waitForEvent(thread, 'thread/rolledBack');
    expect(has('two.txt')).toBe(true);
    const told = await toldNext(thread);
    expect(told).toContain('the first');
    expect(told).not.toContain('the second');
    expect(told).not.toContain('the third');
  });

  it('is refused in the middle of a turn, as an update and as a signal', async () => {
    const thread = await start();
    await runTurn(thread, 'say: the first');
    const slow = turn('run: sleep 60');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await expect(thread.rollback({ numTurns: 1 })).rejects.toMatchObject({ code: 'threadBusy' });
    await thread.requestRollback({ numTurns: 1 });
    const rejected = await waitForEvent(thread, 'message/rejected');
    expect(rejected).toMatchObject({ message: 'rollbackTurns', code: 'threadBusy' });
    await thread.interrupt();
    await thread.requestRollback({ numTurns: 2 });
    expect(await waitForEvent(thread, 'thread/rolledBack')).toMatchObject({ numTurns: 2 });
  });
});
