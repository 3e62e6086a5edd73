/** A second work tree of the same repository, with the files of a snapshot. */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { NewWorktree } from '../../../activities/ports.ts';
import { listPaths } from './left-out.ts';
import { runGit } from './git-process.ts';
import { findRepository } from './repository.ts';
import { readSnapshot } from './snapshot.ts';

/** Twice is once, as long as nobody has changed anything in it between. */
export async function addWorktree(
  { cwd, path, commit }: { cwd: string; path: string; commit: string },
  signal: AbortSignal,
): Promise<NewWorktree> {
  const git = (args: string[], answers = [0]) => runGit(args, { cwd, signal, answers });
  const repository = await findRepository(cwd, signal);
  const facts =
    repository === null ? null : await readSnapshot((args, more) => runGit(args, { cwd, signal, ...more }), commit);
  if (facts === null) {
    const message = `No work tree can be made of snapshot ${commit}: the repository of ${cwd} does not have it.`;
    throw new Failure('snapshotMissing', message, { details: { path: cwd, commit } });
  }
  // Where there was no commit yet, the snapshot is the only one there is.
  const head = facts.head ?? commit;
  if (!(await isWorktree(path, git)))
    await git(['worktree', 'add', '--quiet', '--detach', '--no-checkout', path, head]);
  const prefix = (await git(['rev-parse', '--show-prefix'])).stdout.toString().slice(0, -1);
  const inside = (args: string[], answers = [0]) => runGit(args, { cwd: path, signal, answers });
  await inside(['read-tree', '--reset', commit]);
  await inside(['checkout-index', '--all', '--force', '--index', '--quiet']);
  await inside(['read-tree', '--reset', head]);
  const missing =
    facts.leftOut.length === 0 ? [] : [`Not in the snapshot, so not in the new work tree: ${listPaths(facts.leftOut)}`];
  return { cwd: join(path, prefix), warnings: missing };
}

async function isWorktree(path: string, git: (args: string[]) => Promise<{ stdout: Buffer }>): Promise<boolean> {
  const real = await realpath(path).catch(() => path);
  const listed = (await git(['worktree', 'list', '--porcelain', '-z'])).stdout.toString().split('\0');
  return listed.includes(`worktree ${real}`);
}
