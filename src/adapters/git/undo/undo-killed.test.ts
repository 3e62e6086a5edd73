import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runUntilRename } from '../../files/test-killed.ts';
import { useGit } from './test-turn.ts';

const { data, git, signal, open, takeTurn } = useGit();

const isDraft = (name: string) => name.endsWith('.tmp');

it.each([
  ['is written by the next try', null, 'before\n'],
  ['was changed by somebody meanwhile', 'by a person\n', 'by a person\n'],
])('an undo whose process is killed leaves no draft of a file that %s', async (_, since, expected) => {
  const repository = open({ 'a.txt': 'before\n', 'sub/b.txt': 'before\n' });
  const turn = await takeTurn(repository.root, () =>
    ['a.txt', 'sub/b.txt'].forEach((name) => repository.write(name, 'by the turn\n')),
  );
  const request = {
    ...{ ...turn, preview: false },
    ...{ actionId: 'thread undo-1', keepAs: { threadId: 'thread', name: 'undo-1' } },
  };
  const ended = runUntilRename(
    'b.txt',
    `import { createGit } from ${JSON.stringify(join(import.meta.dirname, '../git.ts'))};
     const git = createGit({ directory: ${JSON.stringify(data)} });
     await git.revert(${JSON.stringify(request)}, new AbortController().signal);`,
  );
  expect(ended).toBe('SIGKILL');
  expect(Object.keys(repository.files()).filter(isDraft)).toHaveLength(1);
  if (since !== null) repository.write('sub/b.txt', since);
  await git.revert({ ...request, retried: true }, signal);
  expect(repository.files()).toEqual({ 'a.txt': 'before\n', 'sub/b.txt': expected });
});
