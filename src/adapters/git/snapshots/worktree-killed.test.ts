import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runUntilRename } from '../../files/test-killed.ts';
import { useGit } from '../undo/test-turn.ts';

const { data, git, signal, open } = useGit();

/** Names in all folders below. */
const namesIn = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' });
const isDraft = (name: string) => name.endsWith('.tmp');

it.each(['b.txt', '.git', 'HEAD'])(
  'a work tree whose worker is killed at %s is completed by the next attempt',
  async (name) => {
    const repository = open({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const { root: cwd } = repository;
    const path = join(cwd, '..', 'fork');
    const taken = await git.snapshot(cwd, null, signal);
    if (taken.status !== 'taken') throw new Error('no snapshot');
    const keepAs = { threadId: 'source', names: ['fork run'] };
    const place = { cwd, path, commit: taken.commit, keepAs, actionId: 'fork run' };
    const ended = runUntilRename(
      name,
      `import { createGit } from ${JSON.stringify(join(import.meta.dirname, '../git.ts'))};
     const git = createGit({ directory: ${JSON.stringify(data)} });
     await git.worktree(${JSON.stringify(place)}, new AbortController().signal);`,
    );
    expect(ended).toBe('SIGKILL');
    for (const file of ['a.txt', 'b.txt']) repository.write(file, 'by a later turn\n');
    const commit = await git.kept({ cwd, threadId: 'source', name: 'fork run' });
    expect(commit).toBe(taken.commit);
    await git.worktree({ ...place, commit: commit ?? '', retried: true }, signal);
    expect(['a.txt', 'b.txt'].map((file) => readFileSync(join(path, file), 'utf8'))).toEqual(['a\n', 'b\n']);
    expect(existsSync(join(path, '.git'))).toBe(true);
    expect([...namesIn(path), ...namesIn(join(cwd, '.git/worktrees'))].filter(isDraft)).toEqual([]);
    expect(repository.git('-C', path, 'status', '--porcelain')).toBe('');
  },
);

it('keeps no snapshot that the store does not have', async () => {
  const { root: cwd } = open({ 'a.txt': 'a\n' });
  const keepAs = { threadId: 'source', names: ['fork run'] };
  const place = { cwd, path: join(cwd, '..', 'fork'), commit: '0'.repeat(40), keepAs };
  await expect(git.worktree(place, signal)).rejects.toMatchObject({ code: 'snapshotMissing' });
  expect(await git.kept({ cwd, threadId: 'source', name: 'fork run' })).toBeNull();
});
