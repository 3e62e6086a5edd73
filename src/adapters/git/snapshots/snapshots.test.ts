import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RevertRequest, Snapshot } from '../../../../activities/ports.ts';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-snapshots-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });
const never = new AbortController().signal;
const opened: TestRepository[] = [];
afterEach(() => opened.splice(0).forEach((repository) => repository.close()));

function open(committed?: Record<string, string> | null): TestRepository {
  const repository = committed === undefined ? openRepository() : openRepository(committed);
  opened.push(repository);
  return repository;
}

type Taken = Extract<Snapshot, { status: 'taken' }>;

async function take({ root }: TestRepository, { below = '', after = null as string | null } = {}): Promise<Taken> {
  const snapshot = await git.snapshot(join(root, below), after, never);
  if (snapshot.status !== 'taken') throw new Error(snapshot.reason);
  return snapshot;
}

interface Since {
  below?: string;
  /** The later changes of somebody else. */
  since?: () => void;
}

/**
 * A turn between two snapshots, what happens after it, and the undo of it, which does what its preview said, and does the
 * same when it is asked again. Index, HEAD and the rest must stay as the turn left them.
 */
async function undo(repository: TestRepository, turn: () => void, { below = '', since }: Since = {}) {
  const personal = repository.personal();
  const { commit, warnings } = await take(repository, { below });
  expect(repository.personal()).toEqual(personal);
  turn();
  const after = await take(repository, { below, after: commit });
  since?.();
  const [left, files] = [repository.personal(), repository.files()];
  const request: RevertRequest = {
    ...{ cwd: join(repository.root, below), before: commit, after: after.commit },
    ...{ preview: false, keepAs: null },
  };
  const preview = await git.revert({ ...request, preview: true }, never);
  expect(repository.files()).toEqual(files);
  const { paths, notUndone } = await git.revert(request, never);
  expect(preview.paths).toEqual(paths);
  expect((await git.revert(request, never)).paths).toEqual(paths);
  expect(repository.personal()).toEqual(left);
  const count = (outcome: string) => paths.filter((one) => one.outcome === outcome).length;
  const counts = { restored: count('restored'), deleted: count('deleted') };
  return { ...counts, paths, notUndone, warnings };
}

/** Goes back from one snapshot, taken now, to an earlier one. */
async function back(repository: TestRepository, before: string) {
  const { commit } = await take(repository, { after: before });
  const request = { cwd: repository.root, before, after: commit, preview: false, keepAs: null };
  return git.revert(request, never);
}

describe('undo of files', () => {
  it('removes a new file, and the folders it was alone in', async () => {
    const repository = open();
    const before = repository.files();
    const done = await undo(repository, () => repository.write('deep/er/new.txt', 'new\n'));
    expect(done).toMatchObject({ restored: 0, deleted: 1, notUndone: [], warnings: [] });
    expect(done.paths).toEqual([{ path: 'deep/er/new.txt', outcome: 'deleted' }]);
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
    await back(repository, commit);
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

  it('keeps a file that the person made after the turn, and an edit of theirs', async () => {
    const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const done = await undo(repository, () => repository.write('a.txt', 'by the agent\n'), {
      since: () => {
        repository.write('made.txt', 'by the person\n');
        repository.write('b.txt', 'by the person\n');
      },
    });
    expect(done.paths).toEqual([{ path: 'a.txt', outcome: 'restored' }]);
    expect(repository.files()).toEqual({ 'a.txt': 'a\n', 'b.txt': 'by the person\n', 'made.txt': 'by the person\n' });
  });

  it('merges what was changed since in another place of a text, and keeps the rest with a reason', async () => {
    const lines = (first: string, last: string) => `${first}\n1\n2\n3\n4\n5\n${last}\n`;
    const repository = open({
      ...{ 'merged.txt': lines('a', 'z'), 'conflict.txt': 'a\n', 'binary.bin': 'a\0\n', 'mode.sh': 'a\n' },
      ...{ 'deleted.txt': 'a\n', 'gone.txt': 'a\n', 'mode-only.sh': 'a\n' },
    });
    symlinkSync('a', join(repository.root, 'link'));
    const relink = (to: string) => {
      repository.remove('link');
      symlinkSync(to, join(repository.root, 'link'));
    };
    const done = await undo(
      repository,
      () => {
        repository.write('merged.txt', lines('agent', 'z'));
        repository.write('conflict.txt', 'agent\n');
        repository.write('binary.bin', 'agent\0\n');
        repository.write('mode.sh', 'agent\n');
        repository.write('deleted.txt', 'agent\n');
        repository.write('new.txt', 'agent\n');
        repository.remove('gone.txt');
        chmodSync(join(repository.root, 'mode-only.sh'), 0o755);
        relink('b');
      },
      {
        since: () => {
          repository.write('merged.txt', lines('agent', 'person'));
          repository.write('conflict.txt', 'person\n');
          repository.write('binary.bin', 'person\0\n');
          chmodSync(join(repository.root, 'mode.sh'), 0o755);
          repository.remove('deleted.txt');
          repository.write('new.txt', 'agent\nperson\n');
          repository.write('gone.txt', 'person\n');
          repository.write('mode-only.sh', 'person\n');
          relink('c');
        },
      },
    );
    const kept = (path: string, reason: string) => ({ path, outcome: 'kept', reason });
    expect(done.paths.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      kept('binary.bin', 'it was changed since, and is not text'),
      kept('conflict.txt', 'it was changed since in the same place'),
      kept('deleted.txt', 'it was deleted since'),
      kept('gone.txt', 'it was made anew since'),
      kept('link', 'it was changed since'),
      { path: 'merged.txt', outcome: 'merged' },
      kept('mode-only.sh', 'its content was changed since'),
      kept('mode.sh', 'its permissions were changed since'),
      kept('new.txt', 'it was changed since'),
    ]);
    expect(repository.files()).toEqual({
      ...{ 'merged.txt': lines('a', 'person'), 'conflict.txt': 'person\n', 'binary.bin': 'person\0\n' },
      ...{ 'mode.sh': 'x agent\n', 'new.txt': 'agent\nperson\n', 'gone.txt': 'person\n', link: '-> c' },
      'mode-only.sh': 'x person\n',
    });
  });

  it('keeps a folder, a link or a pipe that is now in the place of a file or of a folder on its way', async () => {
    const repository = open({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n', 'pipe.txt': 'p\n' });
    const outside = join(repository.root, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'b.txt'), 'agent\n');
    const done = await undo(
      repository,
      () => ['a.txt', 'sub/b.txt', 'pipe.txt'].forEach((path) => repository.write(path, 'agent\n')),
      {
        since: () => {
          for (const path of ['a.txt', 'sub', 'pipe.txt']) repository.remove(path);
          mkdirSync(join(repository.root, 'a.txt'));
          symlinkSync(outside, join(repository.root, 'sub'));
          symlinkSync('/dev/zero', join(repository.root, 'pipe.txt'));
        },
      },
    );
    expect(done.paths.map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'kept']);
    expect(readFileSync(join(outside, 'b.txt'), 'utf8')).toBe('agent\n');
  });

  it('brings permissions back exactly, also those that git does not know', async () => {
    const repository = open({ 'secret.txt': 'a\n', 'b.txt': 'b\n' });
    const modeOf = (path: string) => (statSync(join(repository.root, path)).mode & 0o7777).toString(8);
    for (const path of ['secret.txt', 'b.txt']) chmodSync(join(repository.root, path), 0o600);
    await undo(repository, () => {
      repository.remove('secret.txt');
      chmodSync(join(repository.root, 'b.txt'), 0o640);
    });
    expect([modeOf('secret.txt'), modeOf('b.txt')]).toEqual(['600', '600']);
  });

  it.each(['* text=auto\n', '*.txt text eol=crlf\n', '* filter=broken\n'])(
    'brings bytes back whatever line endings and filters say: %j',
    async (attributes) => {
      const repository = open({ '.gitattributes': attributes });
      repository.git('config', 'core.autocrlf', 'true');
      repository.git('config', 'filter.broken.clean', 'false');
      repository.git('config', 'filter.broken.required', 'true');
      const mixed = 'one\r\ntwo\nthree\r\n';
      repository.write('a.txt', mixed);
      repository.write('version.txt', 'version https://git-lfs.github.com/spec/v1\nwhole\n');
      const before = repository.files();
      await undo(repository, () => {
        repository.write('a.txt', mixed.replaceAll('\r', ''));
        repository.write('version.txt', 'agent\n');
      });
      expect(repository.files()).toEqual(before);
    },
  );

  it('keeps the edit of a tracked file that a sparse checkout or skip-worktree hides from git', async () => {
    const repository = open({ 'in/a.txt': 'a\n', 'out/b.txt': 'b\n', 'skipped.txt': 's\n' });
    repository.git('sparse-checkout', 'set', 'in');
    repository.git('update-index', '--skip-worktree', 'skipped.txt');
    repository.write('out/b.txt', 'edited by the person\n');
    repository.write('skipped.txt', 'edited by the person\n');
    const before = repository.files();
    const done = await undo(repository, () => {
      repository.write('in/a.txt', 'agent\n');
      repository.write('skipped.txt', 'agent\n');
    });
    expect(done.restored).toBe(2);
    expect(repository.files()).toEqual(before);
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
    expect(done.paths.filter(({ outcome }) => outcome === 'kept').map(({ path }) => path)).toEqual([
      '.git/index',
      '.git/refs/heads/main',
    ]);
    expect(done.notUndone).toEqual([]);
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
    await back(repository, commit);
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
    await back(repository, second.commit);
    expect(repository.files()).toEqual({ 'a.txt': '1\n', 'one.txt': '1\n' });
    await back(repository, first.commit);
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
    await back(repository, commit);
    await git.release({ cwd: repository.root, threadId: 't', names: 'all' }, never);
    expect(repository.personal()).toEqual(before);
  });

  it('leaves no object and no reference in the repository, and outlives it', async () => {
    const repository = open();
    repository.write('untracked.txt', 'only in the snapshot\n');
    const list = () => readdirSync(join(repository.root, '.git'), { recursive: true }).sort();
    const before = list();
    const kept = { cwd: repository.root, threadId: 'thread.lock', name: 'a/../b:~^@{x}' };
    const { commit } = await take(repository);
    await git.keep(kept, commit, never);
    await git.keep(kept, commit, never);
    expect(list()).toEqual(before);
    repository.remove('.git');
    repository.write('untracked.txt', 'by the agent\n');
    await back(repository, commit);
    expect(readFileSync(join(repository.root, 'untracked.txt'), 'utf8')).toBe('only in the snapshot\n');
    execFileSync('git', ['init', '-q'], { cwd: repository.root });
  });

  it('is kept for as long as a name is, and then collected', async () => {
    const repository = open();
    const { root: cwd } = repository;
    const kept = { cwd, threadId: ':'.repeat(200), name: '@'.repeat(200) };
    repository.write('untracked.txt', '1\n');
    const first = await take(repository);
    await git.keep(kept, first.commit, never);
    await git.keep({ ...kept, name: `${'@'.repeat(199)}.` }, first.commit, never);
    repository.write('untracked.txt', '2\n');
    const second = await take(repository);
    const collect = () => {
      const store = storeOf(cwd);
      execFileSync('git', ['--git-dir', store, 'gc', '-q', '--prune=now'], { stdio: 'ignore' });
    };
    await git.release({ ...kept, names: [kept.name] }, never);
    collect();
    const request = { cwd, before: first.commit, after: second.commit, preview: true, keepAs: null };
    expect((await git.revert(request, never)).paths).toHaveLength(1);
    await git.release({ ...kept, threadId: 'another', names: 'all' }, never);
    await git.release({ ...kept, names: 'all' }, never);
    await git.release({ ...kept, names: 'all' }, never);
    collect();
    await expect(git.revert(request, never)).rejects.toMatchObject({ code: 'snapshotMissing' });
  });

  it('has nothing of the worker, wherever its folders lie', async () => {
    const repository = open();
    const inside = join(repository.root, 'state');
    mkdirSync(inside);
    writeFileSync(join(inside, 'key.json'), 'secret\n');
    const here = createGit({ directory: inside, apart: [join(repository.root, 'keys')] });
    repository.write('keys/key.json', 'secret\n');
    symlinkSync('state', join(repository.root, 'linked'));
    const taken = await here.snapshot(repository.root, null, never);
    const [store = ''] = readdirSync(join(inside, 'snapshots'));
    const { commit } = taken as Taken;
    const args = ['--git-dir', join(inside, 'snapshots', store), 'ls-tree', '-r', '--name-only', commit];
    expect(execFileSync('git', args, { encoding: 'utf8' })).toBe('README.md\nlinked\n');
  });

  it('names pipes and sockets, and opens none', async () => {
    const repository = open({ 'tracked.txt': 'a\n' });
    repository.remove('tracked.txt');
    for (const name of ['pipe', '.gitignore', '.gitattributes', 'tracked.txt'])
      execFileSync('mkfifo', [join(repository.root, name)]);
    const { warnings } = await take(repository);
    expect(warnings).toEqual([
      expect.stringMatching(/^Not in the snapshot, pipes, sockets and devices: .*pipe/) as string,
    ]);
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
    expect(done).toMatchObject({ restored: 3, deleted: 0 });
    expect(done.notUndone).toEqual([
      'Not in the snapshot, so left as it is: src/big.bin, data/many/, src/node_modules/, new/node_modules/',
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

  it('is skipped inside of the data of a repository, and fails where there is no folder', async () => {
    const repository = open();
    expect(await git.snapshot(join(repository.root, '.git'), null, never)).toMatchObject({ status: 'skipped' });
    await expect(git.snapshot(join(repository.root, 'nowhere'), null, never)).rejects.toMatchObject({
      code: 'workspaceMissing',
    });
  });

  it('stops when it is told to, with the reason, and leaves nothing in the way of the next', async () => {
    const repository = open();
    for (let n = 0; n < 150; n++) repository.write(`${n}.bin`, Buffer.alloc(100_000, n));
    const stop = new AbortController();
    const reason = new Error('the turn was stopped');
    const running = git.snapshot(repository.root, null, stop.signal);
    setTimeout(() => stop.abort(reason), 10);
    await expect(running).rejects.toBe(reason);
    expect(await take(repository)).toMatchObject({ warnings: [] });
  });
});

describe('a snapshot by another worker', () => {
  const script = `
    const [, module, directory, cwd] = process.argv;
    const { createGit } = await import(module);
    const taken = await createGit({ directory }).snapshot(cwd, null, new AbortController().signal);
    process.stdout.write(taken.commit);
  `;
  const takeElsewhere = ({ root }: TestRepository) => {
    const args = ['--input-type=module', '-e', script, join(import.meta.dirname, '../git.ts'), data, root];
    return execFileSync(process.execPath, args, { encoding: 'utf8' });
  };

  it('is gone on from, and one that ended while it wrote leaves nothing wrong', async () => {
    const repository = open({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n' });
    await take(repository);
    repository.write('c.txt', 'c\n');
    repository.remove('a.txt');
    const elsewhere = takeElsewhere(repository);
    expect((await take(repository)).commit).toBe(elsewhere);
    repository.write('sub/b.txt', 'other\n');
    const { commit } = await take(repository);
    expect(takeElsewhere(repository)).toBe(commit);
    const manifest = join(storeOf(repository.root), 'manifest.jsonl');
    truncateSync(manifest, statSync(manifest).size - 10);
    repository.write('d.txt', 'd\n');
    const torn = takeElsewhere(repository);
    expect((await take(repository)).commit).toBe(torn);
    expect(takeElsewhere(repository)).toBe(torn);
    const args = ['--git-dir', storeOf(repository.root), 'ls-tree', '-r', '--name-only', torn];
    expect(execFileSync('git', args, { encoding: 'utf8' })).toBe('c.txt\nd.txt\nsub/b.txt\n');
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
      { below: 'in' },
    );
    expect(done).toMatchObject({ restored: 1, deleted: 1 });
    expect(repository.files()).toEqual({ 'in/a.txt': 'a\n', 'out/b.txt': 'by hand\n', 'out/new.txt': 'by hand\n' });
  });

  it('files of submodules and of repositories within come back, and what they have checked out is named', async () => {
    const inner = open({ 'inner.txt': 'i\n', '.gitignore': 'ignored\n' });
    const repository = open({ 'a.txt': 'a\n' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'module');
    repository.git('commit', '-qm', 'With a submodule');
    repository.git('clone', '-q', inner.root, 'cloned');
    const before = repository.files();
    const done = await undo(repository, () => {
      repository.write('module/inner.txt', 'by the agent\n');
      repository.write('module/new.txt', 'by the agent\n');
      repository.git('-C', 'module', 'commit', '-qam', 'By the agent');
      repository.write('cloned/inner.txt', 'by the agent\n');
      repository.git('clone', '-q', inner.root, 'new');
    });
    expect(done.warnings).toEqual([]);
    expect(done.paths.filter(({ outcome }) => outcome === 'kept').map(({ path }) => path)).toEqual([
      'module/.git/index',
      'module/.git/refs/heads/main',
    ]);
    expect(done.notUndone).toEqual(['New repositories keep their .git: new/.git/']);
    expect(repository.files()).toEqual(before);
  });

  it('in a folder without repository it is the same', async () => {
    const repository = open({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n' });
    repository.remove('.git');
    for (let n = 0; n < 250; n++) repository.write(`many/${n}.txt`, 'x');
    const before = repository.files();
    const cwd = repository.root;
    const first = await take(repository);
    repository.write('a.txt', 'agent\n');
    repository.write('many/0.txt', 'agent\n');
    repository.write('new.txt', 'agent\n');
    const { commit } = await take(repository, { after: first.commit });
    const done = await git.revert({ cwd, before: first.commit, after: commit, preview: false, keepAs: null }, never);
    expect(done.paths.map(({ outcome }) => outcome).sort()).toEqual(['deleted', 'restored', 'restored']);
    expect(repository.files()).toEqual(before);
  });

  it('a repository that the turn makes, or whose config names programs, is looked at by no git', async () => {
    const repository = open({ 'a.txt': 'a\n' });
    const marker = join(data, 'marker');
    const plant = (...args: string[]) => repository.git('config', ...args, `touch '${marker}'`);
    for (const key of ['filter.x.clean', 'filter.x.smudge', 'core.fsmonitor', 'diff.x.textconv']) plant(key);
    await undo(repository, () => {
      repository.write('.gitattributes', '* filter=x diff=x\n');
      repository.write('a.txt', 'agent\n');
      repository.git('init', '-q', 'sub');
      repository.git('-C', 'sub', 'config', 'core.fsmonitor', `touch '${marker}'`);
      repository.write('sub/b.txt', 'agent\n');
    });
    expect(existsSync(marker)).toBe(false);
    expect(repository.files()).toEqual({ 'a.txt': 'a\n' });
  });
});

/** The store of a workspace. */
function storeOf(cwd: string): string {
  const stores = readdirSync(join(data, 'snapshots')).map((name) => join(data, 'snapshots', name));
  return stores.find((store) => readFileSync(join(store, 'workspace'), 'utf8') === `${cwd}\n`) ?? '';
}

describe('a work tree of a snapshot', () => {
  it('has its files, is detached where the snapshot was taken, and twice is once', async () => {
    const repository = open({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n', 'gone.txt': 'g\n' });
    repository.write('a.txt', 'edited\n');
    repository.write('untracked.txt', 'untracked\n');
    repository.remove('gone.txt');
    repository.write('node_modules/x.js', 'x\n');
    const before = repository.files();
    const { commit } = await take(repository);
    const { commit: below } = await take(repository, { below: 'sub' });
    const head = repository.git('rev-parse', 'HEAD');
    repository.write('a.txt', 'later\n');
    repository.git('commit', '-qam', 'Later');
    const personal = repository.personal();
    const path = join(repository.root, '..', 'fork');
    const place = { cwd: repository.root, path, commit };
    expect(await git.worktree(place, never)).toEqual({
      cwd: path,
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
    const second = {
      cwd: join(repository.root, 'sub'),
      path: join(repository.root, '..', 'fork-below'),
      commit: below,
    };
    expect(await git.worktree(second, never)).toEqual({ cwd: join(second.path, 'sub'), warnings: [] });
    const status = execFileSync('git', ['-C', second.path, 'status', '--porcelain'], { encoding: 'utf8' });
    expect(status).toBe('');
    await expect(git.worktree({ ...place, commit: '0'.repeat(40) }, never)).rejects.toMatchObject({
      code: 'snapshotMissing',
    });
  });
});
