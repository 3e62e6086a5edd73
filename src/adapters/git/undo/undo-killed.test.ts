import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runUntilRename } from '../../files/test-killed.ts';
import { createGit } from '../git.ts';
import { openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-undo-killed-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });
const { signal } = new AbortController();

const isDraft = (name: string) => name.endsWith('.tmp');

it.each([
  ['is written by the next try', null, 'before\n'],
  ['was changed by somebody meanwhile', 'by a person\n', 'by a person\n'],
])('an undo whose process is killed leaves no draft of a file that %s', async (_, since, expected) => {
  const repository = openRepository({ 'a.txt': 'before\n', 'sub/b.txt': 'before\n' });
  try {
    const cwd = repository.root;
    const before = (await git.snapshot(cwd, null, signal)) as { commit: string };
    for (const name of ['a.txt', 'sub/b.txt']) repository.write(name, 'by the turn\n');
    const after = (await git.snapshot(cwd, before.commit, signal)) as { commit: string };
    const request = {
      ...{ cwd, before: before.commit, after: after.commit, preview: false },
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
  } finally {
    repository.close();
  }
});
