import { existsSync, mkdirSync, readFileSync } from 'node:fs';
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
