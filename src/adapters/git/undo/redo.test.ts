import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useGit } from './test-turn.ts';

const { git, signal, open, takeTurn } = useGit();

/** A signal that does something each time it is looked at: in an undo, before each path. */
function watched(look: () => void): AbortSignal {
  const { signal } = new AbortController();
  return Object.assign(signal, { throwIfAborted: look });
}

it('takes back nothing that somebody else changed while the undo was under way', async () => {
  const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n' });
  const { root: cwd } = repository;
  const turn = await takeTurn(cwd, () => {
    for (const name of ['a.txt', 'b.txt']) repository.write(name, 'by the turn\n');
    mkdirSync(join(cwd, 'made/deep'), { recursive: true });
  });
  const request = { ...turn, preview: false };
  const meddling = watched(() => {
    if (readFileSync(join(cwd, 'a.txt'), 'utf8') !== 'a\n' || existsSync(join(cwd, 'mine.txt'))) return;
    repository.write('mine.txt', 'mine\n');
    repository.write('c.txt', 'mine\n');
  });
  const { redo } = await git.revert({ ...request, keepAs: { threadId: 't', name: 'n' } }, meddling);
  const undone = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'mine\n', 'mine.txt': 'mine\n' };
  expect(repository.files()).toEqual(undone);
  expect(existsSync(join(cwd, 'made'))).toBe(false);
  if (redo === null) throw new Error('nothing was kept');
  const { paths } = await git.revert({ ...request, ...redo, keepAs: null }, signal);
  expect(paths.map(({ path, outcome }) => `${outcome} ${path}`)).toEqual([
    'restored a.txt',
    'restored b.txt',
    'restored made/deep/',
  ]);
  expect(repository.files()).toEqual({ ...undone, 'a.txt': 'by the turn\n', 'b.txt': 'by the turn\n' });
  // The next snapshot has everything.
  const next = await takeTurn(cwd, () => ['c.txt', 'mine.txt'].forEach((name) => repository.remove(name)));
  await git.revert({ ...next, preview: false, keepAs: null }, signal);
  expect(repository.files()).toMatchObject({ 'c.txt': 'mine\n', 'mine.txt': 'mine\n' });
});

const text = (first: string, last: string) => `${first}two\nthree\nfour\nfive\n${last}`;

/** A turn that changed the first lines of two files, and an undo of it that ends at `b.txt`. */
async function undoneInPart() {
  const repository = open({ 'a.txt': text('a\n', 'z\n'), 'b.txt': text('b\n', 'z\n'), 'c.txt': 'c\n' });
  const { root: cwd } = repository;
  const turn = await takeTurn(cwd, () =>
    ['a.txt', 'b.txt'].forEach((name) => repository.write(name, text('by the turn\n', 'z\n'))),
  );
  const request = { ...turn, preview: false, actionId: 't undo', keepAs: { threadId: 't', name: 'undo' } };
  const killed = watched(() => {
    if (readFileSync(join(cwd, 'a.txt'), 'utf8') === text('a\n', 'z\n')) throw new Error('killed');
  });
  const first = () => git.revert(request, killed);
  const again = () => git.revert({ ...request, retried: true }, signal);
  const redo = async (to: { before: string; after: string } | null) => {
    if (to === null) throw new Error('nothing was kept');
    await git.revert({ cwd, ...to, preview: false, keepAs: null }, signal);
  };
  return { repository, cwd, request, first, again, redo };
}

it('takes back nothing that somebody else changed between two tries of the undo', async () => {
  const { repository, cwd, first, again, redo } = await undoneInPart();
  await expect(first()).rejects.toThrow('killed');
  repository.write('a.txt', text('a\n', 'mine\n'));
  for (const name of ['c.txt', 'mine.txt']) repository.write(name, 'mine\n');
  // Another thread in the folder begins a turn.
  await git.snapshot(cwd, null, signal);
  const { redo: redone } = await again();
  const mine = { 'c.txt': 'mine\n', 'mine.txt': 'mine\n' };
  expect(repository.files()).toEqual({ ...mine, 'a.txt': text('a\n', 'mine\n'), 'b.txt': text('b\n', 'z\n') });
  await redo(redone);
  const turns = { 'a.txt': text('by the turn\n', 'mine\n'), 'b.txt': text('by the turn\n', 'z\n') };
  expect(repository.files()).toEqual({ ...mine, ...turns });
});

it('takes back nothing that somebody else changed before the last try, which found all done', async () => {
  const { repository, request, again, redo } = await undoneInPart();
  await git.revert(request, signal);
  repository.write('b.txt', 'mine\n');
  for (const name of ['c.txt', 'mine.txt']) repository.write(name, 'mine\n');
  const { redo: redone } = await again();
  await redo(redone);
  const mine = { 'b.txt': 'mine\n', 'c.txt': 'mine\n', 'mine.txt': 'mine\n' };
  expect(repository.files()).toEqual({ ...mine, 'a.txt': text('by the turn\n', 'z\n') });
});

it('takes back nothing that somebody else changed in a file right after the undo had restored it', async () => {
  const { repository, cwd, request, redo } = await undoneInPart();
  const meddling = watched(() => {
    if (readFileSync(join(cwd, 'a.txt'), 'utf8') === text('a\n', 'z\n'))
      repository.write('a.txt', text('a\n', 'mine\n'));
  });
  const { redo: redone } = await git.revert(request, meddling);
  await redo(redone);
  expect(repository.files()).toMatchObject({
    'a.txt': text('by the turn\n', 'mine\n'),
    'b.txt': text('by the turn\n', 'z\n'),
  });
});

it('stores an undo as shortly as any snapshot if most files have other permissions than usual', async () => {
  const repository = open({ 'a.txt': 'a\n' });
  const { root: cwd } = repository;
  for (let at = 0; at < 250; at++) {
    repository.write(`f${at}`, '');
    chmodSync(join(cwd, `f${at}`), 0o600);
  }
  const turn = await takeTurn(cwd, () => {
    for (const name of ['f1', 'f2']) chmodSync(join(cwd, name), 0o640);
    repository.remove('f3');
    for (const name of ['a.txt', 'new']) repository.write(name, 'turn\n');
  });
  const { redo } = await git.revert({ ...turn, preview: false, keepAs: { threadId: 't', name: 'n' } }, signal);
  expect(await git.snapshot(cwd, turn.before, signal)).toMatchObject({ commit: redo?.after });
});

it('has the same snapshot for an undo as the next one of the files, with permissions, links and merged text', async () => {
  const files = { 'a.txt': text('a\n', 'z\n'), gone: 'gone\n', run: 'run\n', 'place/x': 'x\n', 'two\u00e9"\\': '2\n' };
  const repository = open(files);
  const { root: cwd } = repository;
  const at = (name: string) => join(cwd, name);
  symlinkSync('a.txt', at('link'));
  linkSync(at('run'), at('hard'));
  chmodSync(at('gone'), 0o600);
  const turn = await takeTurn(cwd, () => {
    repository.write('a.txt', text('turn\n', 'z\n'));
    for (const name of ['gone', 'link', 'place/x', 'two\u00e9"\\']) unlinkSync(at(name));
    chmodSync(at('run'), 0o750);
    symlinkSync('run', at('link'));
    rmdirSync(at('place'));
    repository.write('place', 'a file\n');
    mkdirSync(at('empty'));
  });
  repository.write('a.txt', text('turn\n', 'mine\n'));
  const turned = repository.files();
  const keepAs = { threadId: 't', name: 'n' };
  const { redo, paths } = await git.revert({ ...turn, preview: false, keepAs }, signal);
  expect(paths.map(({ outcome }) => outcome)).not.toContain('kept');
  expect(await git.snapshot(cwd, turn.before, signal)).toMatchObject({ commit: redo?.after });
  expect([statSync(at('gone')).mode & 0o777, readlinkSync(at('link'))]).toEqual([0o600, 'a.txt']);
  if (redo === null) throw new Error('nothing was kept');
  await git.revert({ cwd, ...redo, preview: false, keepAs: null }, signal);
  expect(repository.files()).toEqual(turned);
  expect([statSync(at('run')).mode & 0o777, readlinkSync(at('link'))]).toEqual([0o750, 'run']);
});
