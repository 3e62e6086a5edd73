/** The repository around a working directory, and a work space of ours beside its index. */
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type GitCall, type GitResult, runGit } from './git-process.ts';

export interface Repository {
  /** A folder in its work tree, absolute. All paths are relative to it, and nothing outside of it is looked at. */
  cwd: string;
  /** The person's index, absolute; it need not exist. */
  indexFile: string;
  /** Commit that is checked out; null where there is none yet. */
  head: string | null;
}

/** Null where the folder is in no work tree. */
export async function findRepository(cwd: string, signal: AbortSignal): Promise<Repository | null> {
  if (!isBelowGit(cwd)) return null;
  const [place, head] = await Promise.all([
    runGit(['rev-parse', '--is-inside-work-tree', '--git-path', 'index'], { cwd, signal }),
    readHead(cwd, signal),
  ]);
  const [inside = '', ...path] = place.stdout.toString().split('\n');
  if (inside !== 'true') return null;
  return { cwd, indexFile: resolve(cwd, path.slice(0, -1).join('\n')), head };
}

/** Said without a process, since it is asked in the first step of every turn. */
function isBelowGit(cwd: string): boolean {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return true;
    if (folder === dirname(folder)) return false;
  }
}

export async function readHead(cwd: string, signal: AbortSignal): Promise<string | null> {
  const { code, stdout } = await runGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], {
    cwd,
    signal,
    answers: [0, 1],
  });
  return code === 0 ? stdout.toString().trim() : null;
}

/** Git in the repository's folder, with an index of our own. */
export type GitBeside = (args: readonly string[], more?: Pick<GitCall, 'input' | 'answers'>) => Promise<GitResult>;

/**
 * Runs the body with a copy of the person's index, which is gone afterwards. What the copy knows of files spares git from
 * reading those that have not changed.
 */
export async function withOwnIndex<T>(
  repository: Repository,
  signal: AbortSignal,
  body: (git: GitBeside) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bobbin-git-'));
  try {
    const index = join(folder, 'index');
    await copyIndex(repository.indexFile, index);
    return await body((args, more = {}) => runGit(args, { cwd: repository.cwd, signal, index, ...more }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The time of the index tells git which of its entries may have changed without a trace, so the copy must not be younger.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(from);
    await copyFile(from, to);
    const seconds = Math.floor(mtimeMs / 1_000);
    await utimes(to, seconds, seconds);
  } catch (error) {
    // A repository without a first `git add` has no index.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
