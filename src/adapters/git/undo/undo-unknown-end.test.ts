import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-unknown-end-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });
const { signal } = new AbortController();

/** A time that the file system puts after everything that was done so far, and not after what is done next. */
function now(): number {
  const file = join(data, 'clock');
  const tick = () => {
    writeFileSync(file, '');
    return statSync(file).ctimeMs;
  };
  const first = tick();
  for (;;) {
    const next = tick();
    if (next > first) return next;
  }
}

it('keeps what was changed after a turn of which the end is not known, and puts back the rest', async () => {
  const repository = openRepository({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'gone.txt': 'gone\n', 'dir/c.txt': 'c\n' });
  try {
    const cwd = repository.root;
    repository.write('mine', 'mine\n');
    const { commit } = (await git.snapshot(cwd, null, signal)) as { commit: string };
    repository.write('a.txt', 'turn\n');
    repository.write('b.txt', 'turn\n');
    repository.write('made.txt', 'turn\n');
    repository.remove('gone.txt');
    const endedAt = now();
    repository.write('mine', 'hours of work\n');
    repository.write('b.txt', 'turn\nand the person\n');
    repository.write('fresh/new.txt', 'new\n');
    renameSync(join(cwd, 'dir'), join(cwd, 'moved'));
    mkdirSync(join(cwd, 'empty'));
    const request = { cwd, before: commit, after: null, keepAs: null };
    const preview = await git.revert({ ...request, endedAt, preview: true }, signal);
    const { paths, notUndone } = await git.revert({ ...request, endedAt, preview: false }, signal);
    expect(preview.paths).toEqual(paths);
    const reason = 'it was changed after the turn, or that cannot be told';
    expect(paths).toEqual([
      { path: 'a.txt', outcome: 'restored' },
      { path: 'b.txt', outcome: 'kept', reason },
      { path: 'dir/c.txt', outcome: 'restored' },
      { path: 'fresh/new.txt', outcome: 'kept', reason },
      { path: 'gone.txt', outcome: 'restored' },
      { path: 'made.txt', outcome: 'deleted' },
      { path: 'mine', outcome: 'kept', reason },
      { path: 'moved/c.txt', outcome: 'kept', reason },
      { path: 'empty/', outcome: 'kept', reason },
    ]);
    expect(existsSync(join(cwd, 'empty'))).toBe(true);
    expect(notUndone[0]).toContain('is not known');
    expect(repository.files()).toEqual({
      ...{ 'a.txt': 'a\n', 'b.txt': 'turn\nand the person\n', 'dir/c.txt': 'c\n', 'fresh/new.txt': 'new\n' },
      ...{ 'gone.txt': 'gone\n', mine: 'hours of work\n', 'moved/c.txt': 'c\n' },
    });
    // Asked again, it finds what it has put back.
    const again = await git.revert({ ...request, endedAt, preview: false }, signal);
    expect(again.paths.every(({ outcome }) => outcome === 'kept')).toBe(true);
  } finally {
    repository.close();
  }
});

it('puts back only what is missing where the time of the end is not known either', async () => {
  const repository = openRepository({ 'a.txt': 'a\n', 'gone.txt': 'gone\n' });
  try {
    const cwd = repository.root;
    const { commit } = (await git.snapshot(cwd, null, signal)) as { commit: string };
    repository.write('a.txt', 'whose\n');
    repository.remove('gone.txt');
    const request = { cwd, before: commit, after: null, endedAt: null, keepAs: null, preview: false };
    const { paths } = await git.revert(request, signal);
    expect(paths).toMatchObject([{ outcome: 'kept' }, { path: 'gone.txt', outcome: 'restored' }]);
    expect(repository.files()).toEqual({ 'a.txt': 'whose\n', 'gone.txt': 'gone\n' });
  } finally {
    repository.close();
  }
});
