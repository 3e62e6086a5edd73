/**
 * A foreign repository, read as data: git works in our own directory (`private-git-dir.ts`), which refers to its
 * objects and references, and interprets nothing that is configured or written in it.
 */
import { copyFile, readdir, rm, rmdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { type GitCall, type GitResult, runGit } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import { type RepositoryPlace, isThere, readSmallFile } from './repository-place.ts';
import { readPlainSettings, upstreamSettings } from '../process/plain-settings.ts';

export type GitMore = Pick<GitCall, 'input' | 'answers' | 'onStdout' | 'deadlineMs' | 'maxStdoutBytes'>;

/** Git on the commits of a repository. */
export type ViewGit = (args: readonly string[], more?: GitMore) => Promise<GitResult>;

export interface RepositoryView {
  place: RepositoryPlace;
  /** Our own, while the view is open. */
  gitDir: string;
  /** Sees commits and references, but no work tree. */
  git: ViewGit;
  /**
   * Sees the work tree, too, with a copy of its index: files that have not changed since they were added are not read.
   * Line endings are as configured, filters never run. Runs at the top of the work tree.
   */
  inTree: ViewGit;
  /** For `-c`: the target of `name@{upstream}`. */
  upstreamOf(branch: string): Promise<string[]>;
}

/** Runs the body with a view, which is removed afterwards. */
export async function withView<T>(
  place: RepositoryPlace,
  signal: AbortSignal,
  body: (view: RepositoryView) => Promise<T>,
): Promise<T> {
  const folder = await makePrivateTemp('bobbin-git-');
  try {
    const gitDir = join(folder, 'git');
    await openGitDir(place, gitDir);
    const about = place.root ?? place.gitDir;
    const run = (args: readonly string[], call: Omit<GitCall, 'signal' | 'gitDir' | 'about'>) =>
      runGit(['--no-replace-objects', ...args], { ...call, about, signal, gitDir });
    let tree: Promise<string[]> | undefined;
    return await body({
      place,
      gitDir,
      git: (args, more = {}) => run(args, { cwd: folder, ...more }),
      async inTree(args, more = {}) {
        const root = place.root ?? folder;
        const settings = await (tree ??= openTree(place, gitDir, folder, signal));
        return run([...settings, `--work-tree=${root}`, ...args], { cwd: root, index: join(folder, 'index'), ...more });
      },
      upstreamOf: (branch) => upstreamSettings(place, branch, folder, signal),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The commit that is checked out; null if there is none yet. */
export async function readHead({ git }: Pick<RepositoryView, 'git'>): Promise<string | null> {
  const { code, stdout } = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { answers: [0, 1] });
  return code === 0 ? stdout.toString().trim() : null;
}

const HEAD_FORM = /^(?:ref: refs\/[^\n]+|[0-9a-f]{40,64})\n?$/;

async function openGitDir(place: RepositoryPlace, gitDir: string): Promise<void> {
  const { objects, objectFormat, commonDir } = place;
  await makePrivateGitDir(gitDir, { alternates: objects, objectFormat, lineEndings: 'configured' });
  const head = readSmallFile(join(place.gitDir, 'HEAD'));
  if (head !== null && HEAD_FORM.test(head)) await writeFile(join(gitDir, 'HEAD'), head);
  await rmdir(join(gitDir, 'refs'));
  for (const name of ['refs', 'packed-refs', 'shallow', 'logs'])
    if (isThere(join(commonDir, name))) await symlink(join(commonDir, name), join(gitDir, name));
}

/** Returns the options for the settings of the work tree. */
async function openTree(
  place: RepositoryPlace,
  gitDir: string,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  await copyIndex(place, gitDir, join(folder, 'index'));
  const exclude = join(place.commonDir, 'info', 'exclude');
  if (isThere(exclude)) await symlink(exclude, join(gitDir, 'info', 'exclude'));
  return readPlainSettings(place, folder, signal);
}

/**
 * Git uses the time of the index to find entries that may have changed without a visible change, so the copy must not
 * be newer.
 */
async function copyIndex({ gitDir: from }: RepositoryPlace, gitDir: string, to: string): Promise<void> {
  const index = join(from, 'index');
  const stats = await stat(index).catch(() => null);
  // A repository without a first `git add` has no index.
  if (!stats?.isFile()) return;
  await copyFile(index, to);
  const seconds = Math.floor(stats.mtimeMs / 1_000);
  await utimes(to, seconds, seconds);
  // An index may consist of two files.
  for (const name of await readdir(from))
    if (name.startsWith('sharedindex.')) await symlink(join(from, name), join(gitDir, name));
}
