import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Restored, Snapshot } from '../../../activities/ports.ts';
import { createGit } from './git.ts';
import { type TestRepository, openRepository } from './test-repository.ts';

const git = createGit();
const never = new AbortController().signal;
const opened: TestRepository[] = [];
afterEach(() => opened.splice(0).forEach((repository) => repository.close()));

function open(committed?: Record<string, string> | null): TestRepository {
  const repository = committed === undefined ? openRepository() : openRepository(committed);
  opened.push(repository);
  return repository;
}

type Taken = Extract<Snapshot, { status: 'taken' }>;

async function take({ root }: TestRepository, below = ''): Promise<Taken> {
  const snapshot = await git.snapshot(join(root, below), never);
  if (snapshot.status !== 'taken') throw new Error(snapshot.reason);
  return snapshot;
}

/** Takes a snapshot, lets the turn do its work, restores; index, HEAD and the rest must stay as the turn left them. */
async function undo(
  repository: TestRepository,
  turn: () => void,
  below = '',
): Promise<Restored & { warnings: string[] }> {
  const before = repository.personal();
  const { commit, warnings } = await take(repository, below);
  expect(repository.personal()).toEqual(before);
  turn();
  const left = repository.personal();
  const restored = await git.restore(join(repository.root, below), commit, never);
  expect(repository.personal()).toEqual(left);
  expect(await git.restore(join(repository.root, below), commit, never)).toMatchObject({ restored: 0, deleted: 0 });
  return { ...restored, warnings };
}

describe('undo of files', () => {
  it('removes a new file, and the folders it was alone in', async () => {
    const repository = open();
    const before = repository.files();
    const done = await undo(repository, () => repository.write('deep/er/new.txt', 'new\n'));
    expect(done).toEqual({ restored: 0, deleted: 1, notUndone: [], warnings: [] });
    expect(repository.files()).toEqual(before);
    expect(existsSync(join(repository.root, 'deep'))).toBe(false);
  });

  it('restores edits of tracked and of untracked files, and deleted ones', async () => {
    const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'sub/c.txt': 'c\n' });
    repository.write('a.txt', 'a, edited by the person\n');
    repository.write('untracked.txt', 'mine\n');
    repository.write('sub/untracked.txt', 'mine, too\n');
    const before = repository.files();
    const done = await undo(repository, () => {
      repository.write('a.txt', 'by the agent\n');
      repository.write('b.txt', 'by the agent\n');
      repository.write('untracked.txt', 'by the agent\n');
      repository.remove('sub');
    });
    expect(done).toMatchObject({ restored: 5, deleted: 0, notUndone: [] });
    expect(repository.files()).toEqual(before);
  });

  it('sees an edit that changes neither the size nor the second', async () => {
    const repository = open({ 'a.txt': 'aaaa\n' });
    repository.write('a.txt', 'bbbb\n');
    const { commit } = await take(repository);
    repository.write('a.txt', 'cccc\n');
    await git.restore(repository.root, commit, never);
    expect(repository.files()).toEqual({ 'a.txt': 'bbbb\n' });
  });

  it('undoes moves and renames', async () => {
    const repository = open({ 'from/a.txt': 'a\n', 'from/b.txt': 'b\n' });
    const before = repository.files();
    await undo(repository, () => {
      renameSync(join(repository.root, 'from'), join(repository.root, 'to'));
      repository.git('mv', '-k', 'to/a.txt', 'c.txt');
    });
    expect(repository.files()).toEqual(before);
  });

  it('leaves ignored files and folders as they are', async () => {
    const repository = open({ '.gitignore': '*.log\nout/\n', 'a.txt': 'a\n' });
    repository.write('kept.log', 'before\n');
    await undo(repository, () => {
      repository.write('kept.log', 'after\n');
      repository.write('new.log', 'new\n');
      repository.write('out/made.txt', 'made\n');
    });
    expect(repository.files()).toMatchObject({ 'kept.log': 'after\n', 'new.log': 'new\n', 'out/made.txt': 'made\n' });
  });

  it('goes by the rules of what is ignored from before the turn', async () => {
    const repository = open({ '.gitignore': 'secret.txt\n', 'a.txt': 'a\n' });
    repository.write('secret.txt', 'not in any snapshot\n');
    const before = repository.files();
    await undo(repository, () => {
      repository.write('.gitignore', 'made.txt\n');
      repository.write('made.txt', 'made\n');
      repository.write('sub/.gitignore', 'hidden.txt\n');
      repository.write('sub/hidden.txt', 'made\n');
    });
    expect(repository.files()).toEqual(before);
  });

  it('overwrites what the person edited by hand since', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    await undo(repository, () => {
      repository.write('a.txt', 'by the agent\n');
      repository.write('a.txt', 'by the agent, and by hand\n');
    });
    expect(repository.files()).toEqual({ 'a.txt': 'a\n' });
  });

  it('keeps unrelated staged changes staged', async () => {
    const repository = open({ 'a.txt': 'a\n', 'staged.txt': 'old\n' });
    repository.write('staged.txt', 'staged\n');
    repository.write('added.txt', 'added\n');
    repository.git('add', 'staged.txt', 'added.txt');
    await undo(repository, () => repository.write('a.txt', 'by the agent\n'));
    expect(repository.git('status', '--porcelain')).toBe('A  added.txt\nM  staged.txt\n');
  });

  it('takes back from the work tree what the turn staged or committed, and says that commits stay', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    const before = repository.files();
    const done = await undo(repository, () => {
      repository.write('staged.txt', 'staged\n');
      repository.git('add', 'staged.txt');
      repository.write('a.txt', 'committed\n');
      repository.git('commit', '-q', '-m', 'By the agent', 'a.txt');
    });
    expect(repository.files()).toEqual(before);
    expect(done.notUndone).toEqual([expect.stringContaining('HEAD stays at') as string]);
  });

  it('restores links, executable bits, and files whose place was taken by a folder or the other way round', async () => {
    const repository = open({ file: 'f\n', 'folder/a': 'a\n', 'run.sh': '#!/bin/sh\n' });
    symlinkSync('folder', join(repository.root, 'link'));
    chmodSync(join(repository.root, 'run.sh'), 0o755);
    const before = repository.files();
    await undo(repository, () => {
      repository.remove('file');
      repository.write('file/inside', 'x\n');
      repository.remove('folder');
      repository.write('folder', 'x\n');
      repository.remove('link');
      repository.write('link', 'x\n');
      chmodSync(join(repository.root, 'run.sh'), 0o644);
    });
    expect(repository.files()).toEqual(before);
  });

  it('never follows a link out of the folder', async () => {
    const repository = open({ 'sub/a.txt': 'a\n' });
    const outside = join(repository.root, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'a.txt'), 'not ours\n');
    writeFileSync(join(outside, 'b.txt'), 'not ours\n');
    const { commit } = await take(repository);
    repository.remove('sub');
    symlinkSync(outside, join(repository.root, 'sub'));
    await git.restore(repository.root, commit, never);
    expect(repository.files()).toEqual({ 'sub/a.txt': 'a\n' });
    expect(execFileSync('cat', [join(outside, 'a.txt'), join(outside, 'b.txt')]).toString()).toBe(
      'not ours\nnot ours\n',
    );
  });

  it('knows files by any name', async () => {
    const names = [' lead', 'new\nline', 'quo"te', 'ünï', '-dash', ':(top)x', 'star*', 'tab\t', 'a\\b', '%41', '[x]'];
    const repository = open(Object.fromEntries(names.slice(0, 5).map((name) => [name, `${name}\n`])));
    for (const name of names.slice(5)) repository.write(name, 'untracked\n');
    writeFileSync(Buffer.from([...Buffer.from(`${repository.root}/`), 0xff, 0xfe]), 'no text\n');
    const before = repository.files();
    const done = await undo(repository, () => {
      for (const name of names) repository.write(name, 'by the agent\n');
      writeFileSync(Buffer.from([...Buffer.from(`${repository.root}/`), 0xff, 0xfe]), 'by the agent\n');
      writeFileSync(Buffer.from([...Buffer.from(`${repository.root}/`), 0xfd]), 'new\n');
      repository.write('new\nfolder/new\nfile', 'new\n');
    });
    expect(done).toMatchObject({ restored: names.length + 1, deleted: 2 });
    expect(repository.files()).toEqual(before);
  });

  it('walks back one snapshot after the other', async () => {
    const repository = open({ 'a.txt': '0\n' });
    const first = await take(repository);
    repository.write('a.txt', '1\n');
    repository.write('one.txt', '1\n');
    const second = await take(repository);
    repository.write('a.txt', '2\n');
    repository.write('two.txt', '2\n');
    await git.restore(repository.root, second.commit, never);
    expect(repository.files()).toEqual({ 'a.txt': '1\n', 'one.txt': '1\n' });
    await git.restore(repository.root, first.commit, never);
    expect(repository.files()).toEqual({ 'a.txt': '0\n' });
  });
});

describe('a snapshot', () => {
  it('runs no hook, and leaves index, HEAD, branches, stash and settings as they are', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    repository.write('a.txt', 'stashed\n');
    repository.git('stash');
    repository.write('a.txt', 'staged\n');
    repository.git('add', 'a.txt');
    repository.write('a.txt', 'edited\n');
    repository.write('b.txt', 'untracked\n');
    const before = repository.personal();
    expect(before.hooks).not.toBe('');
    const { commit } = await take(repository);
    await git.keep({ cwd: repository.root, threadId: 't', name: 'n' }, commit, never);
    repository.write('b.txt', 'by the agent\n');
    await git.restore(repository.root, commit, never);
    await git.release({ cwd: repository.root, threadId: 't', names: 'all' }, never);
    expect(repository.personal()).toEqual(before);
  });

  it('outlives a collection of garbage while it is kept, and not when it was released', async () => {
    const repository = open();
    repository.write('untracked.txt', 'only in the snapshot\n');
    const { root: cwd } = repository;
    const kept = { cwd, threadId: 'thread.lock', name: 'a/../b:~^@{x}' };
    const { commit } = await take(repository);
    await git.keep(kept, commit, never);
    await git.keep(kept, commit, never);
    await git.keep({ ...kept, name: 'other' }, (await take(repository)).commit, never);
    repository.write('untracked.txt', 'by the agent\n');
    repository.git('gc', '-q', '--prune=now');
    await git.restore(cwd, commit, never);
    expect(repository.files()).toMatchObject({ 'untracked.txt': 'only in the snapshot\n' });
    await git.release({ cwd, threadId: kept.threadId, names: [kept.name] }, never);
    expect(repository.git('for-each-ref', 'refs/bobbin')).toContain('other');
    await git.release({ cwd, threadId: 'thread', names: 'all' }, never);
    expect(repository.git('for-each-ref', 'refs/bobbin')).toContain('other');
    await git.release({ cwd, threadId: kept.threadId, names: 'all' }, never);
    await git.release({ cwd, threadId: kept.threadId, names: 'all' }, never);
    expect(repository.git('for-each-ref', 'refs/bobbin')).toBe('');
    repository.git('gc', '-q', '--prune=now');
    await expect(git.restore(cwd, commit, never)).rejects.toMatchObject({ code: 'snapshotMissing' });
  });

  it('takes ids of any length as names', async () => {
    const repository = open();
    const { commit } = await take(repository);
    const place = { cwd: repository.root, threadId: ':'.repeat(200), name: '@'.repeat(200) };
    await git.keep(place, commit, never);
    await git.keep({ ...place, name: `${'@'.repeat(199)}.` }, commit, never);
    await git.release({ ...place, names: [place.name] }, never);
    expect(repository.git('for-each-ref', 'refs/bobbin').trim().split('\n')).toHaveLength(1);
  });

  it('leaves out large files, large folders and builds with a warning, and undo leaves them as they are', async () => {
    const repository = open({ 'src/a.txt': 'a\n', 'src/build/tracked.txt': 'tracked\n' });
    const big = Buffer.alloc(10 * 1024 * 1024 + 1);
    repository.write('src/big.bin', big);
    repository.write('fits.bin', big.subarray(1));
    for (let n = 0; n < 200; n++) repository.write(`data/many/${n}.txt`, 'x');
    for (let n = 0; n < 199; n++) repository.write(`data/few/${n}.txt`, 'x');
    repository.write('src/node_modules/dep/index.js', 'dep\n');
    const done = await undo(repository, () => {
      repository.write('src/big.bin', 'by the agent\n');
      repository.write('fits.bin', 'by the agent\n');
      repository.write('data/many/0.txt', 'by the agent');
      repository.write('data/many/new.txt', 'by the agent');
      repository.write('data/few/0.txt', 'by the agent');
      repository.write('src/node_modules/dep/index.js', 'by the agent\n');
      repository.write('src/build/tracked.txt', 'by the agent\n');
      repository.write('new/node_modules/x.js', 'by the agent\n');
    });
    expect(done.warnings).toEqual([
      'Not in the snapshot, untracked files over 10 MiB: src/big.bin',
      'Not in the snapshot, untracked folders of 200 files and more: data/many/',
      'Not in the snapshot, untracked folders that builds make: src/node_modules/',
    ]);
    expect(done).toMatchObject({ restored: 3, deleted: 1 });
    expect(done.notUndone).toEqual([
      'Not in the snapshot, so left as it is: src/big.bin, data/many/, src/node_modules/',
    ]);
    expect(repository.files()).toMatchObject({
      'src/big.bin': 'by the agent\n',
      'data/many/0.txt': 'by the agent',
      'data/many/new.txt': 'by the agent',
      'data/few/0.txt': 'x',
      'src/node_modules/dep/index.js': 'by the agent\n',
      'src/build/tracked.txt': 'tracked\n',
    });
  });

  it.skipIf(process.getuid?.() === 0)('leaves out what cannot be read', async () => {
    const repository = open({ 'tracked.txt': 'a\n' });
    repository.write('untracked.txt', 'b\n');
    for (const name of ['tracked.txt', 'untracked.txt']) chmodSync(join(repository.root, name), 0);
    const { warnings } = await take(repository);
    expect(warnings).toHaveLength(2);
    for (const name of ['tracked.txt', 'untracked.txt']) chmodSync(join(repository.root, name), 0o644);
  });

  it('is skipped where there is no repository, or none with a work tree', async () => {
    const repository = open();
    const plain = join(repository.root, '..', 'plain');
    mkdirSync(plain);
    expect(await git.snapshot(plain, never)).toMatchObject({ status: 'skipped' });
    expect(await git.snapshot(join(repository.root, '.git'), never)).toMatchObject({ status: 'skipped' });
    await expect(git.snapshot(join(plain, 'nowhere'), never)).resolves.toMatchObject({ status: 'skipped' });
  });

  it('stops when it is told to, with the reason, and leaves nothing in the way of the next', async () => {
    const repository = open();
    for (let n = 0; n < 150; n++) repository.write(`${n}.bin`, Buffer.alloc(100_000, n));
    const stop = new AbortController();
    const reason = new Error('the turn was stopped');
    const running = git.snapshot(repository.root, stop.signal);
    setTimeout(() => stop.abort(reason), 10);
    await expect(running).rejects.toBe(reason);
    expect(await take(repository)).toMatchObject({ warnings: [] });
  });
});

describe('in a repository of another kind', () => {
  it('without a commit everything that is not ignored is in the snapshot', async () => {
    const repository = open(null);
    repository.write('a.txt', 'a\n');
    const before = repository.files();
    const done = await undo(repository, () => {
      repository.write('a.txt', 'by the agent\n');
      repository.write('b.txt', 'new\n');
    });
    expect(done).toMatchObject({ restored: 1, deleted: 1, notUndone: [] });
    expect(repository.files()).toEqual(before);
  });

  it('with a detached HEAD it is the same', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    repository.git('checkout', '-q', '--detach');
    await undo(repository, () => repository.write('a.txt', 'by the agent\n'));
    expect(repository.files()).toEqual({ 'a.txt': 'a\n' });
  });

  it('with a merge that is not done, its marks come back', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    repository.git('checkout', '-q', '-b', 'other');
    repository.write('a.txt', 'other\n');
    repository.git('commit', '-qam', 'Other');
    repository.git('checkout', '-q', 'main');
    repository.write('a.txt', 'main\n');
    repository.git('commit', '-qam', 'Main');
    expect(() => repository.git('merge', '-q', 'other')).toThrow();
    const before = repository.files();
    await undo(repository, () => repository.write('a.txt', 'merged by the agent\n'));
    expect(repository.files()).toEqual(before);
    expect(repository.git('status', '--porcelain')).toBe('UU a.txt\n');
  });

  it('only what lies below the folder is looked at', async () => {
    const repository = open({ 'in/a.txt': 'a\n', 'out/b.txt': 'b\n' });
    const done = await undo(
      repository,
      () => {
        repository.write('in/a.txt', 'by the agent\n');
        repository.write('in/new.txt', 'by the agent\n');
        repository.write('out/b.txt', 'by hand\n');
        repository.write('out/new.txt', 'by hand\n');
      },
      'in',
    );
    expect(done).toMatchObject({ restored: 1, deleted: 1 });
    expect(repository.files()).toEqual({ 'in/a.txt': 'a\n', 'out/b.txt': 'by hand\n', 'out/new.txt': 'by hand\n' });
  });

  it('submodules and repositories within keep their files, and that is said', async () => {
    const inner = open({ 'inner.txt': 'i\n' });
    const repository = open({ 'a.txt': 'a\n' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'module');
    repository.git('commit', '-qm', 'With a submodule');
    repository.git('init', '-q', 'empty');
    repository.git('clone', '-q', inner.root, 'cloned');
    const done = await undo(repository, () => {
      repository.write('module/inner.txt', 'by the agent\n');
      repository.write('module/new.txt', 'by the agent\n');
      repository.git('-C', 'module', 'commit', '-qam', 'By the agent');
      repository.write('cloned/inner.txt', 'by the agent\n');
      repository.git('clone', '-q', inner.root, 'new');
    });
    expect(done.warnings).toEqual(['Not in the snapshot, repositories within this one: cloned/, empty/']);
    expect(done.notUndone).toEqual([
      'Submodules that moved keep their place: module',
      'New repositories within this one are not deleted: new/',
      'Not in the snapshot, so left as it is: cloned/, empty/',
    ]);
    expect(repository.files()).toMatchObject({
      'module/inner.txt': 'by the agent\n',
      'module/new.txt': 'by the agent\n',
      'cloned/inner.txt': 'by the agent\n',
      'new/inner.txt': 'i\n',
    });
  });
});

describe('a work tree of a snapshot', () => {
  it('has its files, is detached where the snapshot was taken, and twice is once', async () => {
    const repository = open({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n', 'gone.txt': 'g\n' });
    repository.write('a.txt', 'edited\n');
    repository.write('untracked.txt', 'untracked\n');
    repository.remove('gone.txt');
    repository.write('node_modules/x.js', 'x\n');
    const before = repository.files();
    const { commit } = await take(repository);
    const head = repository.git('rev-parse', 'HEAD');
    repository.write('a.txt', 'later\n');
    repository.git('commit', '-qam', 'Later');
    const personal = repository.personal();
    const path = join(repository.root, '..', 'fork');
    const place = { cwd: join(repository.root, 'sub'), path, commit };
    expect(await git.worktree(place, never)).toEqual({
      cwd: join(path, 'sub/'),
      warnings: ['Not in the snapshot, so not in the new work tree: node_modules/'],
    });
    await git.worktree(place, never);
    const { 'node_modules/x.js': left, ...files } = before;
    expect(left).toBe('x\n');
    const fork = (...args: string[]) => execFileSync('git', ['-C', path, ...args], { encoding: 'utf8', stdio: 'pipe' });
    expect(
      Object.fromEntries(Object.keys(files).map((name) => [name, execFileSync('cat', [join(path, name)]).toString()])),
    ).toEqual(files);
    expect(fork('status', '--porcelain')).toBe(' M a.txt\n D gone.txt\n?? untracked.txt\n');
    expect(fork('rev-parse', 'HEAD')).toBe(head);
    expect(() => fork('symbolic-ref', '-q', 'HEAD')).toThrow();
    expect({ ...repository.personal(), hooks: '' }).toEqual({ ...personal, hooks: '' });
    await expect(git.worktree({ ...place, commit: '0'.repeat(40) }, never)).rejects.toMatchObject({
      code: 'snapshotMissing',
    });
  });
});
