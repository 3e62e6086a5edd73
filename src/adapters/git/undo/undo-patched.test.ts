import { existsSync, mkdirSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PatchedPaths, SandboxPolicy } from '../../../../activities/ports.ts';
import { createPatcher } from '../../files/patcher.ts';
import { type TestRepository } from '../test-repository.ts';
import { useGit } from './test-turn.ts';

const { git, signal, open, takeTurn } = useGit();

const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };

interface Steps {
  patch: string;
  /** A second one. */
  then?: string;
  /** The concurrent changes of somebody else. */
  meanwhile: () => void;
  tried?: string[];
}

/** Undoes a turn that did nothing but apply a patch; twice, after a preview, all with the same answer. */
async function undo({ root: cwd }: TestRepository, { patch, then, meanwhile, tried = [] }: Steps) {
  const changed: string[] = [];
  const turn = await takeTurn(cwd, async () => {
    for (const files of [patch, ...(then === undefined ? [] : [then])]) {
      const text = `*** Begin Patch\n${files}*** End Patch\n`;
      const { changes } = await createPatcher().apply(text, { cwd, sandbox }, signal);
      for (const { path, movePath } of changes) changed.push(path, ...(movePath === undefined ? [] : [movePath]));
    }
    meanwhile();
  });
  const patched: PatchedPaths = { changed, tried };
  const request = { ...turn, patched };
  const preview = await git.revert({ ...request, preview: true, keepAs: null }, signal);
  const keepAs = { threadId: 't', name: turn.before };
  const { paths, redo, narrowed } = await git.revert({ ...request, preview: false, keepAs }, signal);
  expect(preview.paths).toEqual(paths);
  expect((await git.revert({ ...request, preview: false, keepAs }, signal)).paths).toEqual(paths);
  if (redo === null) throw new Error('nothing was kept');
  const both = [preview.narrowed, narrowed];
  return { paths, narrowed: both, redo: () => git.revert({ cwd, ...redo, preview: false, keepAs: null }, signal) };
}

const reason = 'it was changed during the turn by something else than its patches';

it('takes back what the patches of a turn changed, and keeps and names what somebody else changed meanwhile', async () => {
  const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'from.txt': 'f\n', 'gone.txt': 'g\n' });
  mkdirSync(join(repository.root, 'empty'));
  const { paths, redo } = await undo(repository, {
    patch:
      '*** Update File: a.txt\n@@\n-a\n+turn\n*** Update File: from.txt\n*** Move to: new/to.txt\n@@\n-f\n+turn\n*** Add File: new/made.txt\n+turn\n',
    meanwhile: () => {
      repository.write('b.txt', 'person\n');
      repository.write('new/mine.txt', 'person\n');
      repository.remove('gone.txt');
      rmdirSync(join(repository.root, 'empty'));
      mkdirSync(join(repository.root, 'mine'));
    },
  });
  expect(paths).toEqual([
    { path: 'a.txt', outcome: 'restored' },
    { path: 'from.txt', outcome: 'restored' },
    { path: 'new/made.txt', outcome: 'deleted' },
    { path: 'new/to.txt', outcome: 'deleted' },
    ...['b.txt', 'gone.txt', 'new/mine.txt', 'mine/', 'empty/'].map((path) => ({ path, outcome: 'kept', reason })),
  ]);
  const persons = { 'b.txt': 'person\n', 'new/mine.txt': 'person\n' };
  expect(repository.files()).toEqual({ 'a.txt': 'a\n', 'from.txt': 'f\n', ...persons });
  expect(['mine', 'empty'].map((name) => existsSync(join(repository.root, name)))).toEqual([true, false]);
  await redo();
  const turns = { 'a.txt': 'turn\n', 'new/to.txt': 'turn\n', 'new/made.txt': 'turn\n' };
  expect(repository.files()).toEqual({ ...turns, ...persons });
});

it('takes back what a failed patch may have changed as well', async () => {
  const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  const { paths } = await undo(repository, {
    patch: '*** Update File: a.txt\n@@\n-a\n+turn\n',
    meanwhile: () => repository.write('b.txt', 'written before it failed\n'),
    tried: ['b.txt', 'none.txt'],
  });
  expect(paths.map(({ outcome }) => outcome)).toEqual(['restored', 'restored']);
});

it.each([
  ['an ignored file', '*** Update File: a.txt\n@@\n-a\n+turn\n*** Update File: .env.local\n@@\n-e\n+turn\n', undefined],
  [
    'a file that it removed again',
    '*** Update File: a.txt\n@@\n-a\n+turn\n*** Add File: c.txt\n+turn\n',
    '*** Delete File: c.txt\n',
  ],
  [
    'a file that it changed back',
    '*** Update File: a.txt\n@@\n-a\n+turn\n*** Update File: d.txt\n@@\n-d\n+turn\n',
    '*** Update File: d.txt\n@@\n-turn\n+d\n',
  ],
])('keeps what somebody else changed if the patches were also about %s', async (_, patch, then) => {
  const committed = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'd.txt': 'd\n', '.gitignore': '.env.local\n' };
  const repository = open(committed);
  repository.write('.env.local', 'e\n');
  const { paths, narrowed } = await undo(repository, {
    patch,
    ...(then === undefined ? {} : { then }),
    meanwhile: () => ['b.txt', 'mine.txt'].forEach((name) => repository.write(name, 'person\n')),
  });
  expect(paths).toEqual([
    { path: 'a.txt', outcome: 'restored' },
    ...['b.txt', 'mine.txt'].map((path) => ({ path, outcome: 'kept', reason })),
  ]);
  expect(repository.files()).toMatchObject({ ...committed, 'b.txt': 'person\n', 'mine.txt': 'person\n' });
  expect(narrowed).toEqual([true, true]);
});

const LINKED = { 'real/a.txt': 'a\n', 'b.txt': 'b\n' };

it('keeps what somebody else changed if a patch wrote through a link', async () => {
  const repository = open(LINKED);
  symlinkSync('real', join(repository.root, 'link'));
  const { paths } = await undo(repository, {
    patch: '*** Update File: link/a.txt\n@@\n-a\n+turn\n',
    meanwhile: () => repository.write('b.txt', 'person\n'),
  });
  expect(paths).toEqual([
    { path: 'real/a.txt', outcome: 'restored' },
    { path: 'b.txt', outcome: 'kept', reason },
  ]);
});

it.each([
  './real/a.txt',
  'real/../real//a.txt',
  'link/a.txt',
  'again/a.txt',
  'file',
  'ROOT/real/a.txt',
  'ROOT/link/a.txt',
])('takes back what a failed patch has changed by the name %s', async (name) => {
  const repository = open(LINKED);
  symlinkSync('real', join(repository.root, 'link'));
  symlinkSync(join(repository.root, 'link'), join(repository.root, 'again'));
  symlinkSync('./link/a.txt', join(repository.root, 'file'));
  const { paths } = await undo(repository, {
    patch: '*** Add File: c.txt\n+turn\n',
    meanwhile: () => ['real/a.txt', 'b.txt'].forEach((path) => repository.write(path, 'written\n')),
    tried: [name.replace('ROOT', repository.root), 'none.txt', '../elsewhere.txt', '/etc/hosts'],
  });
  expect(paths.map(({ path, outcome }) => `${outcome} ${path}`)).toEqual([
    'deleted c.txt',
    'restored real/a.txt',
    'kept b.txt',
  ]);
});

it('takes back the lines that a patch changed in the file of a link that it moved', async () => {
  const repository = open(LINKED);
  symlinkSync('real/a.txt', join(repository.root, 'link'));
  const { paths } = await undo(repository, {
    patch: '*** Update File: link\n*** Move to: moved\n@@\n-a\n+turn\n',
    meanwhile: () => repository.write('b.txt', 'person\n'),
    tried: ['link'],
  });
  expect(paths.map(({ path, outcome }) => `${outcome} ${path}`)).toEqual([
    'restored link',
    'deleted moved',
    'restored real/a.txt',
    'kept b.txt',
  ]);
});

it('says that everything counted if nobody knows that patches alone have written', async () => {
  const repository = open({ 'a.txt': 'a\n' });
  const turn = await takeTurn(repository.root, () => repository.write('a.txt', 'turn\n'));
  expect(await git.revert({ ...turn, preview: true, keepAs: null }, signal)).toMatchObject({ narrowed: false });
});
