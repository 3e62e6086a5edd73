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
  /** The concurrent changes of somebody else. */
  meanwhile: () => void;
  tried?: string[];
}

/** Undoes a turn that did nothing but apply a patch; twice, after a preview, all with the same answer. */
async function undo({ root: cwd }: TestRepository, { patch, meanwhile, tried = [] }: Steps) {
  const text = `*** Begin Patch\n${patch}*** End Patch\n`;
  const changed: string[] = [];
  const turn = await takeTurn(cwd, async () => {
    const { changes } = await createPatcher().apply(text, { cwd, sandbox }, signal);
    for (const { path, movePath } of changes) changed.push(path, ...(movePath === undefined ? [] : [movePath]));
    meanwhile();
  });
  const patched: PatchedPaths = { changed, tried };
  const request = { ...turn, patched };
  const preview = await git.revert({ ...request, preview: true, keepAs: null }, signal);
  const keepAs = { threadId: 't', name: turn.before };
  const { paths, redo } = await git.revert({ ...request, preview: false, keepAs }, signal);
  expect(preview.paths).toEqual(paths);
  expect((await git.revert({ ...request, preview: false, keepAs }, signal)).paths).toEqual(paths);
  if (redo === null) throw new Error('nothing was kept');
  return { paths, redo: () => git.revert({ cwd, ...redo, preview: false, keepAs: null }, signal) };
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

it('takes everything back if a path of a patch has another name among the differences', async () => {
  const repository = open({ 'real/a.txt': 'a\n', 'b.txt': 'b\n' });
  symlinkSync('real', join(repository.root, 'link'));
  const { paths } = await undo(repository, {
    patch: '*** Update File: link/a.txt\n@@\n-a\n+turn\n*** Add File: c.txt\n+turn\n*** Add File: d.txt\n+turn\n',
    meanwhile: () => {
      repository.remove('d.txt');
      repository.write('b.txt', 'person\n');
    },
  });
  expect(paths.map(({ path, outcome }) => `${outcome} ${path}`)).toEqual([
    'restored b.txt',
    'deleted c.txt',
    'restored real/a.txt',
  ]);
});
