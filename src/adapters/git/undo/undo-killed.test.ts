import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runUntilRename } from '../../files/test-killed.ts';
import { useGit } from './test-turn.ts';

const { data, git, signal, open, takeTurn } = useGit();

const toRequest = (turn: Awaited<ReturnType<typeof takeTurn>>) => ({
  ...{ ...turn, preview: false },
  ...{ actionId: 'thread undo-1', keepAs: { threadId: 'thread', name: 'undo-1' } },
});

/** Begins an undo in a process that is killed when it replaces a path. */
function killAtRename(name: string, request: ReturnType<typeof toRequest>): void {
  const ended = runUntilRename(
    name,
    `import { createGit } from ${JSON.stringify(join(import.meta.dirname, '../git.ts'))};
     const git = createGit({ directory: ${JSON.stringify(data)} });
     await git.revert(${JSON.stringify(request)}, new AbortController().signal);`,
  );
  expect(ended).toBe('SIGKILL');
}

const isDraft = (name: string) => name.endsWith('.tmp');

it.each([
  ['is written by the next try', null, 'before\n'],
  ['was changed by somebody meanwhile', 'by a person\n', 'by a person\n'],
])('an undo whose process is killed leaves no draft of a file that %s', async (_, since, expected) => {
  const repository = open({ 'a.txt': 'before\n', 'sub/b.txt': 'before\n' });
  const turn = await takeTurn(repository.root, () =>
    ['a.txt', 'sub/b.txt'].forEach((name) => repository.write(name, 'by the turn\n')),
  );
  const request = toRequest(turn);
  killAtRename('b.txt', request);
  expect(Object.keys(repository.files()).filter(isDraft)).toHaveLength(1);
  if (since !== null) repository.write('sub/b.txt', since);
  await git.revert({ ...request, retried: true }, signal);
  expect(repository.files()).toEqual({ 'a.txt': 'before\n', 'sub/b.txt': expected });
});

it.each([
  ['leads elsewhere', (path: string) => symlinkSync('by-the-turn', path), '-> by-the-turn'],
  ['is a file', (path: string) => writeFileSync(path, 'by the turn\n'), 'by the turn\n'],
])(
  'an undo whose process is killed while it restores a link that %s leaves no time without it',
  async (_, change, turned) => {
    const repository = open({ 'a.txt': 'a\n' });
    const path = join(repository.root, 'link');
    symlinkSync('a.txt', path);
    const turn = await takeTurn(repository.root, () => {
      unlinkSync(path);
      change(path);
    });
    const request = toRequest(turn);
    killAtRename('link', request);
    expect(repository.files()).toMatchObject({ link: turned });
    expect(Object.keys(repository.files()).filter(isDraft)).toHaveLength(1);
    const { paths } = await git.revert({ ...request, retried: true }, signal);
    expect(paths).toEqual([{ path: 'link', outcome: 'restored' }]);
    expect(repository.files()).toEqual({ 'a.txt': 'a\n', link: '-> a.txt' });
  },
);
