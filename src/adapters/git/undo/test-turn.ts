/** For tests of undo: a data folder of their own, repositories that are removed after each test, and turns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

/** Call it once, at the top of a file. */
export function useGit() {
  const data = mkdtempSync(join(tmpdir(), 'bobbin-undo-test-'));
  afterAll(() => rmSync(data, { recursive: true, force: true }));
  const git = createGit({ directory: data });
  const { signal } = new AbortController();
  const opened: TestRepository[] = [];
  afterEach(() => opened.splice(0).forEach((repository) => repository.close()));
  const snapshot = async (cwd: string, last: string | null) => {
    const made = await git.snapshot(cwd, last, signal);
    if (made.status !== 'taken') throw new Error(`no snapshot: ${JSON.stringify(made)}`);
    return made.commit;
  };
  const open = (committed?: Record<string, string>): TestRepository => {
    const repository = openRepository(committed);
    opened.push(repository);
    return repository;
  };
  /** Runs the body between two snapshots, and returns their commits. */
  const takeTurn = async (cwd: string, body: () => unknown) => {
    const before = await snapshot(cwd, null);
    await body();
    return { cwd, before, after: await snapshot(cwd, before) };
  };
  return { data, git, signal, open, takeTurn };
}
