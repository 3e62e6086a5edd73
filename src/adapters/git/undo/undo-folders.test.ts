import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openRepository } from '../test-repository.ts';
import { useGit } from './test-turn.ts';

const { git, signal, takeTurn } = useGit();
const repository = openRepository({ 'a.txt': 'a\n', 'full/b.txt': 'b\n' });
afterAll(() => repository.close());
const at = (path: string) => join(repository.root, path);

interface Steps {
  turn: () => void;
  since?: () => void;
}

/** Undoes a turn, after a preview that says the same, and a second time with the same outcome; the answer can be redone. */
async function undo({ turn, since }: Steps) {
  const cwd = repository.root;
  const taken = await takeTurn(cwd, turn);
  since?.();
  const request = { ...taken, keepAs: { threadId: 't', name: taken.before } };
  const preview = await git.revert({ ...request, preview: true }, signal);
  const { paths, redo } = await git.revert({ ...request, preview: false }, signal);
  expect(preview.paths).toEqual(paths);
  expect((await git.revert({ ...request, preview: false }, signal)).paths).toEqual(paths);
  if (redo === null) throw new Error('nothing was kept');
  return { paths, redo: () => git.revert({ cwd, ...redo, preview: false, keepAs: null }, signal) };
}

it('lists empty folders that the turn made or removed, and a redo brings both back', async () => {
  for (const path of ['gone/deep', 'stays']) mkdirSync(at(path), { recursive: true });
  const { paths, redo } = await undo({
    turn: () => {
      mkdirSync(at('made/deep'), { recursive: true });
      mkdirSync(at('made/other'));
      rmSync(at('gone'), { recursive: true });
      repository.write('stays/new.txt', 'new\n');
    },
  });
  expect(paths).toEqual([
    { path: 'stays/new.txt', outcome: 'deleted' },
    { path: 'made/deep/', outcome: 'deleted' },
    { path: 'made/other/', outcome: 'deleted' },
    { path: 'gone/deep/', outcome: 'restored' },
  ]);
  expect(['made', 'gone/deep', 'stays'].map((path) => existsSync(at(path)))).toEqual([false, true, true]);
  const again = await redo();
  expect(again.paths.map(({ path, outcome }) => `${outcome} ${path}`)).toEqual([
    'restored stays/new.txt',
    'deleted gone/deep/',
    'restored made/deep/',
    'restored made/other/',
  ]);
  expect(['made/deep', 'made/other', 'gone'].map((path) => existsSync(at(path)))).toEqual([true, true, false]);
});

it('keeps those that somebody has filled or replaced since', async () => {
  mkdirSync(at('replaced'));
  const { paths } = await undo({
    turn: () => {
      mkdirSync(at('filled'));
      mkdirSync(at('taken'));
      rmdirSync(at('replaced'));
    },
    since: () => {
      writeFileSync(at('filled/mine'), 'mine\n');
      rmdirSync(at('taken'));
      writeFileSync(at('replaced'), 'mine\n');
    },
  });
  expect(paths).toEqual([
    { path: 'filled/', outcome: 'kept', reason: 'it is not empty any more' },
    { path: 'taken/', outcome: 'deleted' },
    { path: 'replaced/', outcome: 'kept', reason: 'something else is in its place' },
  ]);
  expect([existsSync(at('filled/mine')), lstatSync(at('replaced')).isFile()]).toEqual([true, true]);
});

it('makes room for a file that was in the place of a folder, and the other way round', async () => {
  mkdirSync(at('was-folder'));
  const { paths } = await undo({
    turn: () => {
      rmSync(at('a.txt'));
      mkdirSync(at('a.txt/deep'), { recursive: true });
      rmdirSync(at('was-folder'));
      writeFileSync(at('was-folder'), 'by the turn\n');
    },
  });
  expect(paths).toEqual([
    { path: 'a.txt', outcome: 'restored' },
    { path: 'was-folder', outcome: 'deleted' },
    { path: 'a.txt/deep/', outcome: 'deleted' },
    { path: 'was-folder/', outcome: 'restored' },
  ]);
  expect([lstatSync(at('a.txt')).isFile(), lstatSync(at('was-folder')).isDirectory()]).toEqual([true, true]);
});

it('brings folders back with their permissions and special bits, whatever the mask is, also those that their owner may not write in', async () => {
  const modes = [0o777, 0o775, 0o750, 0o555, 0o500, 0o2775, 0o1777, 0o3755];
  const folderOf = (mode: number) => `mode-${mode.toString(8)}`;
  for (const mode of modes) {
    mkdirSync(at(`${folderOf(mode)}/in`), { recursive: true });
    writeFileSync(at(`${folderOf(mode)}/in/file`), 'f\n');
    chmodSync(at(folderOf(mode)), mode);
  }
  await undo({
    turn: () => {
      for (const mode of modes) {
        chmodSync(at(folderOf(mode)), 0o700);
        rmSync(at(folderOf(mode)), { recursive: true });
      }
    },
  });
  expect(modes.map((mode) => lstatSync(at(folderOf(mode))).mode & 0o7777)).toEqual(modes);
  expect(modes.every((mode) => existsSync(at(`${folderOf(mode)}/in/file`)))).toBe(true);
});

it('brings an ordinary folder back as it was, also if the mask of the worker or the folder above would change it', async () => {
  mkdirSync(at('grouped/plain'), { recursive: true });
  writeFileSync(at('grouped/plain/file'), 'f\n');
  chmodSync(at('grouped'), 0o2755);
  chmodSync(at('grouped/plain'), 0o755);
  const mask = process.umask(0o077);
  try {
    await undo({ turn: () => rmSync(at('grouped'), { recursive: true }) });
  } finally {
    process.umask(mask);
  }
  expect(['grouped', 'grouped/plain'].map((path) => lstatSync(at(path)).mode & 0o7777)).toEqual([0o2755, 0o755]);
});
