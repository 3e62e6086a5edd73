import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from '../../src/adapters/git/git.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
let cwd: string;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());
beforeEach(() => {
  cwd = environment.workspace();
});

const put = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const read = (name: string) => readFileSync(join(cwd, name), 'utf8');
const has = (name: string) => existsSync(join(cwd, name));
/** The folders of references of the threads that have snapshots of this workspace. */
const kept = (): string[] => {
  const store =
    storesOf(environment.data).find((one) => readFileSync(join(one, 'workspace'), 'utf8') === `${cwd}\n`) ?? '';
  const folder = join(store, 'refs/snapshots');
  return existsSync(folder) ? readdirSync(folder) : [];
};
const storesOf = (data: string) => readdirSync(join(data, 'snapshots')).map((name) => join(data, 'snapshots', name));
const start = (more: Parameters<TestEnvironment['start']>[0] = {}) =>
  environment.start({ workspace: { cwd }, ...more });

/** The files as an earlier release kept them: a commit in the repository. */
function legacySnapshot(): string {
  const run = (args: string[], input = '') =>
    execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', ...args], {
      ...{ cwd, input, encoding: 'utf8' as const },
      env: { ...process.env, GIT_INDEX_FILE: join(environment.data, 'legacy-index') },
    }).trim();
  run(['add', '-A']);
  const message = `Bobbin snapshot\n\n${JSON.stringify({ leftOut: [] })}\n`;
  return run(['commit-tree', run(['write-tree']), '-p', run(['rev-parse', 'HEAD']), '-F', '-'], message);
}

/** A `git` that stops before it reads contents for the second time, until the barrier is opened. */
function makeBarrier(folder: string) {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const [first, reached, opened] = ['first', 'reached', 'opened'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const wait = `[ ! -e ${first} ] || { : > ${reached}; while [ ! -e ${opened} ]; do sleep 0.05; done; }; : > ${first}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'git'),
    `#!/bin/sh\ncase "$*" in 'cat-file --batch') ${wait} ;; esac\nexec ${real} "$@"\n`,
    { mode: 0o755 },
  );
  return {
    env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    isReached: () => existsSync(reached),
    open: () => writeFileSync(opened, ''),
  };
}

/** What the model is told in the next turn, as text. */
async function toldNext(thread: ThreadHandle): Promise<string> {
  const word = `say: word-${Math.random()}`;
  await runTurn(thread, word);
  const requests = environment.model.requests.map(({ body }) => JSON.stringify(body));
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

  it('keeps what somebody else changed while a turn that only patched was running, and says when it cannot tell', async () => {
    const thread = await start({ approvalPolicy: 'untrusted' });
    put('text.txt', 'old\n');
    const inTurn = async (words: string) => {
      const submitted = turn(words);
      await thread.submit(submitted);
      const { requestId } = await waitForRequest(thread);
      put('mine.txt', `made while ${requestId} was open\n`);
      await thread.resolve({ requestId, decision: 'accept' });
      await thread.completion(submitted.turnId);
    };
    await inTurn(
      'run: cat text.txt\npatch:\n*** Begin Patch\n*** Update File: text.txt\n@@\n-old\n+new\n*** End Patch',
    );
    expect(await thread.previewUndo()).toMatchObject({ files: { restored: 1, kept: 1 }, ofPatchesAlone: true });
    const reason = 'it was changed during the turn by something else than its patches';
    const { dropped } = await thread.undo();
    expect(dropped?.paths).toEqual([
      { path: 'mine.txt', outcome: 'kept', reason },
      { path: 'text.txt', outcome: 'restored' },
    ]);
    expect([read('text.txt'), has('mine.txt')]).toEqual(['old\n', true]);
    await inTurn('run: echo by the turn > text.txt');
    expect(await thread.previewUndo()).toMatchObject({ files: { restored: 2 }, ofPatchesAlone: false });
  });

  it('takes back a turn that was interrupted', async () => {
    const thread = await start();
    const slow = turn('run: echo half > half.txt; sleep 60');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await expect.poll(() => has('half.txt')).toBe(true);
    await expect(thread.undo()).rejects.toMatchObject({ code: 'threadBusy' });
    await thread.interrupt();
    put('mine.txt', 'made after the turn\n');
    expect((await thread.undo()).dropped).toMatchObject({ files: { deleted: 1 } });
    expect([has('half.txt'), has('mine.txt')]).toEqual([false, true]);
  });

  it('leaves what somebody else did since, shows ahead what it would do, and can be taken back', async () => {
    const thread = await start();
    put('text.txt', 'first\n1\n2\n3\nlast\n');
    await runTurn(
      thread,
      'run: sed -i s/first/agent/ text.txt; echo agent > README.md; echo agent > new.txt\nsay: the turn',
    );
    put('text.txt', read('text.txt').replace('last', 'person'));
    put('README.md', 'person\n');
    put('mine.txt', 'person\n');
    const paths = [
      { path: 'README.md', outcome: 'kept', reason: 'it was changed since in the same place' },
      { path: 'new.txt', outcome: 'deleted' },
      { path: 'text.txt', outcome: 'merged' },
    ];
    const preview = await thread.previewUndo();
    expect(preview).toMatchObject({ files: { restored: 0, deleted: 1, merged: 1, kept: 1 }, paths, morePaths: 0 });
    expect([has('new.txt'), read('text.txt')]).toEqual([true, 'agent\n1\n2\n3\nperson\n']);
    const { dropped } = await thread.undo();
    expect(dropped).toMatchObject({ files: preview.files, paths, notUndone: preview.notUndone });
    const after = () => [has('new.txt'), read('text.txt'), read('README.md'), read('mine.txt')];
    expect(after()).toEqual([false, 'first\n1\n2\n3\nperson\n', 'person\n', 'person\n']);
    const { completion, restored } = await thread.redo();
    expect(completion).toMatchObject({ kind: 'redo', status: 'completed' });
    expect(restored).toMatchObject({ files: { restored: 2, deleted: 0, merged: 0, kept: 0 } });
    expect(after()).toEqual([true, 'agent\n1\n2\n3\nperson\n', 'person\n', 'person\n']);
    expect(await toldNext(thread)).toContain('the turn');
    await thread.undo();
    await runTurn(thread, 'say: another way');
    expect((await thread.redo()).completion).toMatchObject({ status: 'failed', error: { code: 'nothingToRedo' } });
  });

  it('of an earlier release is undone from the repository, and what it did not know is named', async () => {
    const thread = await start();
    await runTurn(thread, 'run: echo agent > README.md; echo agent > new.txt');
    const before = legacySnapshot();
    put('other.txt', 'by somebody\n');
    const old = createGit({ directory: join(environment.data, 'another') });
    const request = { cwd, before, after: null, preview: false, keepAs: { threadId: 't', name: 'n' } };
    put('README.md', 'later\n');
    const { paths, notUndone, redo } = await old.revert(request, AbortSignal.timeout(20_000));
    expect(paths).toEqual([
      { path: 'README.md', outcome: 'restored' },
      { path: 'other.txt', outcome: 'deleted' },
    ]);
    expect(notUndone[0]).toMatch(/^How the files were at the end of the turn is not known/);
    const back = { cwd, before: redo?.before ?? '', after: redo?.after ?? '', preview: false, keepAs: null };
    await old.revert(back, AbortSignal.timeout(20_000));
    expect([read('README.md'), read('other.txt')]).toEqual(['later\n', 'by somebody\n']);
  });

  it('keeps the snapshots of a thread whatever happens to the repository, and lets them go when it closes', async () => {
    const thread = await start();
    const other = await start();
    put('untracked.txt', 'mine\n');
    await runTurn(thread, 'run: echo agent > untracked.txt; rm -rf .git');
    await runTurn(other, 'run: echo other > other.txt');
    expect(kept()).toHaveLength(2);
    await thread.undo();
    expect([read('untracked.txt'), has('other.txt')]).toEqual(['mine\n', true]);
    await thread.close();
    await waitForEvent(thread, 'thread/closed');
    expect(kept()).toHaveLength(1);
    await other.close();
    await waitForEvent(other, 'thread/closed');
    expect(kept()).toEqual([]);
  });

  it('works in a folder that is no repository', async () => {
    rmSync(join(cwd, '.git'), { recursive: true });
    const thread = await start();
    await runTurn(thread, 'run: echo 1 > one.txt; echo agent > README.md');
    expect((await eventsSoFar(thread)).filter(({ type }) => type === 'warning')).toEqual([]);
    expect((await thread.undo()).dropped).toMatchObject({ files: { restored: 1, deleted: 1 } });
    expect(has('one.txt')).toBe(false);
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
    for (const store of storesOf(environment.data)) rmSync(store, { recursive: true });
    const { completion, dropped } = await thread.undo();
    expect(completion.status).toBe('completed');
    expect(dropped).toMatchObject({ files: null });
    expect(dropped?.notUndone[0]).toContain('is not in the data folder of this worker any more');
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
    const own = await openEnvironment({ worker: false });
    cwd = own.workspace();
    mkdirSync(own.data, { recursive: true, mode: 0o700 });
    const barrier = makeBarrier(join(own.data, 'programs'));
    // Contents of 32 MiB are asked for at a time, so the last two files take a second process of git.
    const names = Array.from({ length: 5 }, (_, n) => `file-${n}.txt`);
    for (const name of names) put(name, name.repeat(1_000_000));
    const list = () => names.filter(has);
    const workers = [await startWorkerChild({ ...own.env, ...barrier.env }, join(own.data, 'first.log'))];
    try {
      const thread = await own.start({ workspace: { cwd } });
      await runTurn(thread, 'run: rm file-*.txt; echo new > new.txt');
      const undone = thread.undo();
      await expect.poll(barrier.isReached, { timeout: 60_000 }).toBe(true);
      expect(list()).toEqual(names.slice(0, 3));
      await workers[0]?.kill();
      expect(list()).toEqual(names.slice(0, 3));
      barrier.open();
      workers.push(await startWorkerChild(own.env, join(own.data, 'second.log')));
      const { completion, dropped } = await undone;
      expect(completion.status).toBe('completed');
      expect(dropped).toMatchObject({ cause: 'undo', files: { restored: 5, deleted: 1, kept: 0 } });
      expect(names.filter((name) => read(name) === name.repeat(1_000_000))).toEqual(names);
      expect(await itemsOf(thread, 'turnsDropped')).toHaveLength(1);
      await thread.redo();
      expect([list(), read('new.txt')]).toEqual([[], 'new\n']);
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
    const stored = storesOf(environment.data).flatMap((store) => {
      const args = ['--git-dir', store, 'cat-file', 'blob', `${snapshot?.commit ?? ''}:untracked.txt`];
      const found = spawnSync('git', args, { encoding: 'utf8' });
      return found.status === 0 ? [found.stdout] : [];
    });
    expect(stored).toEqual(['mine\n']);
    const inside = await start({ workspace: { cwd: join(cwd, '.git') } });
    await inside.submit({ turnId: 'here', kind: 'ghost_snapshot' });
    const failure = (code: string) => ({ status: 'failed', error: { code } });
    expect(await inside.completion('here')).toMatchObject(failure('snapshotUnavailable'));
    rmSync(cwd, { recursive: true });
    await thread.submit({ turnId: 'then', kind: 'ghost_snapshot' });
    expect(await thread.completion('then')).toMatchObject(failure('workspaceMissing'));
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
