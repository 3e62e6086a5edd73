import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const { signal } = new AbortController();
const git = createGit({ directory: '/nonexistent' });
let repository: TestRepository;
beforeEach(() => {
  repository = openRepository({ 'a.txt': 'one\n', 'b b.txt': 'two\n', '.gitignore': 'ignored\n' });
});
afterEach(() => repository.close());

const state = (cwd = repository.root) => git.workTree(cwd, signal);
const head = () => repository.git('rev-parse', 'HEAD').trim();

describe('the state of a work tree', () => {
  it('is its branch, its commit and what is not committed, and reading it changes nothing', async () => {
    expect(await state()).toEqual({ branch: 'main', head: head(), changes: [], more: 0 });
    repository.write('b b.txt', 'changed\n');
    repository.write('new/one.txt', '');
    repository.write('ignored', '');
    repository.remove('a.txt');
    repository.git('rm', '-q', '--cached', 'a.txt');
    const before = repository.personal();
    expect(await state()).toEqual({
      branch: 'main',
      head: head(),
      changes: [
        { kind: 'D.', path: 'a.txt' },
        { kind: '.M', path: 'b b.txt' },
        { kind: '??', path: 'new/' },
      ],
      more: 0,
    });
    expect(repository.personal()).toEqual(before);
  });

  it('is the same in a folder of it', async () => {
    repository.write('deep/new.txt', '');
    expect(await state(join(repository.root, 'deep'))).toMatchObject({ changes: [{ path: 'deep/' }] });
  });

  it('has no branch where none is checked out, no commit before the first, and is null elsewhere', async () => {
    repository.git('checkout', '-q', '--detach');
    expect(await state()).toMatchObject({ branch: null, head: head() });
    const fresh = openRepository(null);
    expect(await state(fresh.root)).toMatchObject({ branch: 'main', head: null });
    fresh.close();
    expect(await state('/')).toBeNull();
  });

  it('is found anew each time, whatever has come to the repository or gone from it meanwhile', async () => {
    repository.write('own.txt', '');
    expect(await state()).toMatchObject({ branch: 'main', changes: [{ kind: '??', path: 'own.txt' }] });
    repository.write('.git/info/exclude', 'own.txt\n');
    repository.git('checkout', '-q', '-b', 'other');
    repository.git('commit', '-q', '--allow-empty', '-m', 'empty');
    repository.git('pack-refs', '--all');
    repository.git('update-index', '--split-index');
    expect(await state()).toEqual({ branch: 'other', head: head(), changes: [], more: 0 });
    repository.git('update-index', '--no-split-index');
    repository.remove('.git/info/exclude');
    repository.remove('.git/index');
    repository.remove('.git/packed-refs');
    expect(await state()).toMatchObject({ branch: 'other', head: null, changes: { length: 4 } });
  });

  it('lists the first changes, and counts the others', async () => {
    for (let n = 0; n < 30; n++) repository.write(`new-${String(n).padStart(2, '0')}.txt`, '');
    const { changes, more } = (await state())!;
    expect([changes.length, changes[0], more]).toEqual([20, { kind: '??', path: 'new-00.txt' }, 10]);
  });

  it('shows no path that is closed to commands', async () => {
    repository.write('secret/key', '');
    repository.write('open.txt', '');
    const careful = createGit({ directory: '/nonexistent', closed: [join(repository.root, 'secret/key')] });
    mkdirSync(join(repository.root, 'secret2'));
    writeFileSync(join(repository.root, 'secret2/x'), '');
    const { changes } = (await careful.workTree(repository.root, signal))!;
    expect(changes.map(({ path }) => path)).not.toContain('secret/key');
    expect(changes.map(({ path }) => path)).toContain('open.txt');
  });

  it('is not waited for when the signal fires', async () => {
    await expect(git.workTree(repository.root, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
