import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-redo-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });

/** A signal that does something each time it is looked at: in an undo, before each path. */
function watched(look: () => void): AbortSignal {
  const { signal } = new AbortController();
  return Object.assign(signal, { throwIfAborted: look });
}

it('takes back nothing that somebody else changed while the undo was under way', async () => {
  const repository = openRepository({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n' });
  const { root: cwd } = repository;
  const { signal } = new AbortController();
  try {
    const before = (await git.snapshot(cwd, null, signal)) as { commit: string };
    for (const name of ['a.txt', 'b.txt']) repository.write(name, 'by the turn\n');
    mkdirSync(join(cwd, 'made/deep'), { recursive: true });
    const after = (await git.snapshot(cwd, before.commit, signal)) as { commit: string };
    const request = { cwd, before: before.commit, after: after.commit, preview: false };
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
    const next = (await git.snapshot(cwd, null, signal)) as { commit: string };
    repository.remove('c.txt');
    repository.remove('mine.txt');
    const last = (await git.snapshot(cwd, next.commit, signal)) as { commit: string };
    await git.revert({ ...request, before: next.commit, after: last.commit, keepAs: null }, signal);
    expect(repository.files()).toMatchObject({ 'c.txt': 'mine\n', 'mine.txt': 'mine\n' });
  } finally {
    repository.close();
  }
});
