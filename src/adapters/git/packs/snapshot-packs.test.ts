import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { NamedSnapshots, StoredFiles, StoredPack } from '../../../../activities/ports.ts';
import { createFolderStore } from '../../store/folder-store.ts';
import { createGit, toSnapshotPlace } from '../git.ts';
import { findStore } from '../snapshots/snapshot-store.ts';
import { openRepository } from '../test-repository.ts';
import { readPackName, toPackName } from './pack-names.ts';
import { idOf } from './pack-objects.ts';
import { createSnapshotPacks } from './snapshot-packs.ts';

const root = mkdtempSync(join(tmpdir(), 'bobbin-packs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const never = new AbortController().signal;
const store = createFolderStore(join(root, 'store'));

/** A host with its own data folder. */
function openHost(name: string) {
  const options = { directory: join(root, name) };
  mkdirSync(options.directory, { recursive: true });
  const place = toSnapshotPlace(options);
  return { ...options, git: createGit(options), packs: createSnapshotPacks({ store, namespace: 'default', place }) };
}

const [a, b] = [openHost('a'), openHost('b')];
let threads = 0;

/** A thread with two turns in a clone: the second one of them changed, removed and made files. */
async function twoTurns() {
  threads += 1;
  const threadId = `Thread/${threads}`;
  const origin = openRepository({
    'kept.txt': randomBytes(20_000).toString('hex'),
    'gone.txt': 'gone\n',
    'changed.txt': 'one\n',
    '.gitignore': 'out/\n',
  });
  const clone = (name: string) => {
    const path = join(root, `${name}-${threads}`);
    execFileSync('git', ['clone', '-q', origin.root, path]);
    return path;
  };
  const cwd = clone('on-a');
  const take = async (after: string | null) => {
    const taken = await a.git.snapshot(cwd, after, never);
    if (taken.status !== 'taken') throw new Error(taken.reason);
    return taken.commit;
  };
  const turn = async (name: string, body: () => void): Promise<NamedSnapshots> => {
    const before = await take(null);
    body();
    const commits = [before, await take(before)];
    for (const commit of commits) await a.git.keep({ cwd, threadId, name }, commit, never);
    return { name, commits };
  };
  const first = await turn('first', () => {
    writeFileSync(join(cwd, 'changed.txt'), 'two\n');
    writeFileSync(join(cwd, 'untracked.bin'), Buffer.from([0, 255, 13, 10]));
  });
  const store = (newest: string, snapshots: NamedSnapshots[], stored: string[]) =>
    a.packs.store({ threadId, cwd, newest, snapshots, stored }, never);
  const whole = await store(first.commits[1]!, [first], []);
  const second = await turn('second', () => {
    rmSync(join(cwd, 'gone.txt'));
    mkdirSync(join(cwd, 'deep/er'), { recursive: true });
    writeFileSync(join(cwd, 'deep/er/run.sh'), '#!/bin/sh\n');
    chmodSync(join(cwd, 'deep/er/run.sh'), 0o700);
    symlinkSync('../kept.txt', join(cwd, 'deep/link'));
    writeFileSync(join(cwd, '.gitmodules'), '[submodule "x"]\n\tpath = -x\n\turl = --upload-pack=touch\n');
    mkdirSync(join(cwd, 'out'));
    writeFileSync(join(cwd, 'out/built'), 'x');
  });
  const next = await store(second.commits[1]!, [second], first.commits);
  const packs = [whole.pack, next.pack];
  const restore = (more: { packs?: StoredPack[]; newest?: StoredFiles } = {}) => {
    const request = { threadId, packs, newest: next.newest, snapshots: [first, second], ...more };
    const at = clone(`on-b-${Math.random().toString(36).slice(2)}`);
    return { at, done: b.packs.restore({ ...request, cwd: at }, never) };
  };
  return { threadId, origin, cwd, first, second, whole, next, packs, store, restore };
}

/** A thread with one turn in a clone, and a clone on the other host. */
async function oneTurn(committed: Record<string, string | Buffer>, body: (cwd: string) => void, isLater = false) {
  threads += 1;
  const threadId = `Thread/${threads}`;
  const origin = openRepository(committed);
  origin.write('.gitignore', '*.log\n');
  origin.git('add', '.gitignore');
  origin.git('commit', '-q', '-m', 'Ignore');
  const clone = (name: string) => {
    const path = join(root, `${name}-${threads}`);
    execFileSync('git', ['clone', '-q', origin.root, path]);
    return path;
  };
  const [cwd, at] = [clone('on-a'), clone('on-b')];
  const take = async (after: string | null) => {
    const taken = await a.git.snapshot(cwd, after, never);
    if (taken.status !== 'taken') throw new Error(taken.reason);
    return taken.commit;
  };
  let before = await take(null);
  body(cwd);
  if (isLater) before = await take(null);
  const snapshots = [{ name: 'turn', commits: [before, await take(before)] }];
  const newest = snapshots[0]!.commits[1]!;
  const stored = await a.packs.store({ threadId, cwd, newest, snapshots, stored: [] }, never);
  const request = { threadId, cwd: at, packs: [stored.pack], newest: stored.newest, snapshots };
  return { threadId, cwd, at, move: () => b.packs.restore(request, never) };
}

const listing = (path: string) =>
  execFileSync(
    'sh',
    [
      '-c',
      'find . -path ./.git -prune -o -type f -printf "%P %m " -exec sha1sum {} \\; -o -type l -printf "%P -> %l\\n" | sort',
    ],
    { cwd: path, encoding: 'utf8' },
  );

describe('snapshots in the store', () => {
  it('become the same files in another folder of another host, with the earlier snapshots', async () => {
    const { threadId, cwd, first, second, whole, next, restore } = await twoTurns();
    expect([whole.whole, next.whole]).toEqual([true, false]);
    expect(next.pack.bytes).toBeLessThan(whole.pack.bytes);
    expect(next.newest.files).toBe(7);
    const { at, done } = restore();
    const { notRestored } = await done;
    rmSync(join(cwd, 'out'), { recursive: true });
    expect(listing(at)).toBe(listing(cwd));
    expect(notRestored.join('\n')).toContain('Ignored, so not stored: out/');

    const [before, after] = second.commits as [string, string];
    const undo = { cwd: at, before, after, preview: false, keepAs: null };
    const { paths } = await b.git.revert(undo, never);
    expect(paths.filter(({ outcome }) => outcome === 'kept')).toEqual([]);
    expect(existsSync(join(at, 'gone.txt'))).toBe(true);
    const [start] = first.commits as [string];
    await b.git.revert({ ...undo, before: start, after: before }, never);
    expect(readFileSync(join(at, 'changed.txt'), 'utf8')).toBe('one\n');
    // They are kept until the thread releases them.
    await b.git.release({ cwd: at, threadId, names: 'all' }, never);
  });

  it('do not bring back what a turn deleted, though it would be left out if nobody tracked it', async () => {
    const many = Array.from({ length: 205 }, (_, n): [string, string] => [`legacy/${n}.txt`, `${n}\n`]);
    const { threadId, cwd, at, move } = await oneTurn(
      {
        ...Object.fromEntries(many),
        ...{ 'dist/x.js': 'x\n', 'env/one.txt': '1\n', 'big.bin': Buffer.alloc(11 * 1024 * 1024, 7) },
        ...{ 'forced.log': 'log\n', 'kept.txt': 'kept\n' },
      },
      (cwd) => {
        for (const path of ['legacy', 'dist', 'env', 'big.bin', 'forced.log'])
          rmSync(join(cwd, path), { recursive: true });
      },
    );
    const { notRestored } = await move();
    expect(listing(at)).toBe(listing(cwd));
    expect(readdirSync(at).sort()).toEqual(['.git', '.gitignore', 'kept.txt']);
    expect(notRestored).toHaveLength(1);
    await b.git.release({ cwd: at, threadId, names: 'all' }, never);
  });

  it('leave what they could not contain as it is in the clone, and name it', async () => {
    const { at, move } = await oneTurn(
      { 'grown.bin': 'small\n', 'dist/x.js': 'x\n', 'kept.txt': 'kept\n' },
      (cwd) => {
        truncateSync(join(cwd, 'grown.bin'), 257 * 1024 * 1024);
        execFileSync('git', ['-C', cwd, 'rm', '-q', '--cached', '-r', 'dist']);
      },
      true,
    );
    const { notRestored } = await move();
    expect(notRestored[0]).toBe('Too large or not readable, so not stored: dist/, grown.bin');
    expect(readFileSync(join(at, 'grown.bin'), 'utf8')).toBe('small\n');
  });

  it('are the same object when they are stored twice, and a whole pack where the stored ones are unknown', async () => {
    const { next, second, first, store } = await twoTurns();
    const again = await store(second.commits[1]!, [second], first.commits);
    expect(again.pack).toEqual(next.pack);
    const elsewhere = await store(second.commits[1]!, [second], ['0'.repeat(40)]);
    expect(elsewhere.whole).toBe(true);
  });

  it('are known to be all there, or not', async () => {
    const { threadId, packs } = await twoTurns();
    const ids = packs.map(({ id }) => id);
    expect(await a.packs.hasAll(threadId, ids)).toBe(true);
    expect(await a.packs.hasAll(`${threadId}0`, ids)).toBe(false);
    await a.packs.remove(threadId, ids.slice(0, 1));
    expect(await a.packs.hasAll(threadId, ids)).toBe(false);
    expect(await a.packs.hasAll(threadId, ids.slice(1))).toBe(true);
  });

  it('are restored only as a whole', async () => {
    const { threadId, packs, next, whole, restore } = await twoTurns();
    const path = (pack: StoredPack) => join(root, 'store', toPackName({ namespace: 'default', threadId }, pack.id));
    const refused = async (why: RegExp, more: Parameters<typeof restore>[0] = {}) => {
      await expect(restore(more).done).rejects.toMatchObject({
        code: 'restoreIncomplete',
        message: expect.stringMatching(why) as string,
      });
    };
    await refused(/refers to one that is missing|in none of the packs/, { packs: packs.slice(1) });
    await refused(/is in none of the packs/, { packs: packs.slice(0, 1) });
    await refused(/7 files of tree \w+ where 8 files/, { newest: { ...next.newest, files: 8 } });
    await refused(/where 7 files of tree 0000/, { newest: { ...next.newest, tree: '0'.repeat(40) } });
    const bytes = readFileSync(path(next.pack));
    writeFileSync(path(next.pack), readFileSync(path(whole.pack)));
    await refused(/is damaged/);
    writeFileSync(path(next.pack), Buffer.from(bytes).fill(7, 40, 44));
    await refused(/is damaged/);
    rmSync(path(next.pack));
    await refused(/is not in the store/);
    // Whoever writes the store can also name its objects; git then finds what is wrong in them.
    const broken = Buffer.from(bytes).fill(7, 40, 44);
    const named = { id: idOf(broken), bytes: broken.length };
    writeFileSync(path(named), broken);
    await refused(/an object that is damaged/, { packs: [whole.pack, named] });
  });

  it('never write into the data of a repository', async () => {
    const { threadId, whole, restore } = await twoTurns();
    const evil = join(root, `evil-${threads}`);
    execFileSync('git', ['init', '-q', '--bare', evil]);
    const git = (args: string[], input = '') =>
      execFileSync('git', ['-C', evil, ...args], { input, encoding: 'utf8' }).trim();
    const blob = git(['hash-object', '-w', '--stdin'], 'touch /tmp/owned\n');
    const hooks = git(['mktree'], `100755 blob ${blob}\tpost-checkout\n`);
    const dot = git(['mktree'], `040000 tree ${hooks}\thooks\n`);
    const tree = git(['mktree'], `040000 tree ${dot}\t.git\n`);
    const message = `Bobbin snapshot\n\n${JSON.stringify({ leftOut: {}, heads: {}, ignored: {}, repositories: [], isLimited: false, modes: {} })}\n`;
    const who = ['-c', 'user.name=x', '-c', 'user.email=x@x'];
    const commit = git([...who, 'commit-tree', tree], message);
    const pack = execFileSync('git', ['-C', evil, 'pack-objects', '--revs', '--stdout', '-q'], {
      input: `${commit}\n`,
    });
    const named = { id: idOf(pack), bytes: pack.length };
    await store.write(toPackName({ namespace: 'default', threadId }, named.id), pack);
    const { at, done } = restore({ packs: [whole.pack, named], newest: { commit, tree, files: 1 } });
    await expect(done).rejects.toMatchObject({ code: 'restoreIncomplete' });
    expect(existsSync(join(at, '.git/hooks/post-checkout'))).toBe(false);
  });

  it('fail as not stored if the store cannot be used, and say why', async () => {
    const { threadId, cwd, next } = await twoTurns();
    const inTheWay = join(root, `file-${threads}`);
    writeFileSync(inTheWay, '');
    const place = toSnapshotPlace({ directory: a.directory });
    const shut = createSnapshotPacks({ store: createFolderStore(inTheWay), namespace: 'default', place });
    const request = { threadId, cwd, newest: next.newest.commit, snapshots: [], stored: [] };
    const failure = { code: 'storeUnavailable', message: expect.stringContaining(inTheWay) as string };
    await expect(shut.store(request, never)).rejects.toMatchObject(failure);
  });

  it('are removed by the names of their packs, and forgotten on a host', async () => {
    const { threadId, packs, restore } = await twoTurns();
    await a.packs.remove(threadId, [packs[0]!.id, '0'.repeat(64)]);
    const names = [];
    for await (const { name } of store.list(toPackName({ namespace: 'default', threadId }, ''))) names.push(name);
    expect(names.map(readPackName)).toEqual([{ threadId, id: packs[1]!.id }]);
    const { at, done } = restore();
    await expect(done).rejects.toMatchObject({ code: 'restoreIncomplete' });
    await b.packs.forget(at);
    expect(existsSync((await findStore(b.directory, at)).gitDir)).toBe(false);
  });
});
