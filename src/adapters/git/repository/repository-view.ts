/**
 * A foreign repository, read as data: git works in our own directory (`private-git-dir.ts`), which refers to its
 * objects and references, and interprets nothing that is configured or written in it.
 */
import { rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../../../folders/real-path.ts';
import { type GitCall, type GitResult, runGit } from '../process/git-process.ts';
import { NO_HEAD, makePrivateGitDir } from '../process/private-git-dir.ts';
import { type RepositoryPlace, readSmallFile } from './repository-place.ts';
import { readPlainSettings, upstreamSettings } from '../process/plain-settings.ts';
import { withViewFolder } from './view-folders.ts';

export type GitMore = Pick<GitCall, 'input' | 'answers' | 'onStdout' | 'deadlineMs' | 'maxStdoutBytes'>;

/** Git on the commits of a repository. */
export type ViewGit = (args: readonly string[], more?: GitMore) => Promise<GitResult>;

/** Which index git reads: one that it may write, or that of the repository. */
type Index = 'copy' | 'own';

export interface RepositoryView {
  place: RepositoryPlace;
  /** Our own, while the view is open. */
  gitDir: string;
  /** Sees commits and references, but no work tree. */
  git: ViewGit;
  /**
   * Sees the work tree, too, with its index, of which git gets a copy unless it only reads: files that have not changed
   * since they were added are not read. Line endings are as configured, filters never run. Runs at the top of the work
   * tree.
   */
  inTree: (args: readonly string[], more?: GitMore, index?: Index) => Promise<GitResult>;
  /** For `-c`: the target of `name@{upstream}`. */
  upstreamOf(branch: string): Promise<string[]>;
}

/** Runs the body with a view, which is closed afterwards. */
export async function withView<T>(
  place: RepositoryPlace,
  signal: AbortSignal,
  body: (view: RepositoryView) => Promise<T>,
): Promise<T> {
  return withViewFolder(JSON.stringify(place), (folder) => body(openView(place, folder, signal)));
}

/** @param folder empty, or with an earlier view of the same place. */
function openView(place: RepositoryPlace, folder: string, signal: AbortSignal): RepositoryView {
  const gitDir = join(folder, 'git');
  openGitDir(place, gitDir);
  const about = place.root ?? place.gitDir;
  const run = (args: readonly string[], call: Omit<GitCall, 'signal' | 'gitDir' | 'about'>) =>
    runGit(['--no-replace-objects', ...args], { ...call, about, signal, gitDir });
  let tree: Promise<string[]> | undefined;
  let copied: Promise<string> | undefined;
  return {
    place,
    gitDir,
    git: (args, more = {}) => run(args, { cwd: folder, ...more }),
    async inTree(args, more = {}, index = 'copy') {
      const root = place.root ?? folder;
      const settings = await (tree ??= openTree(place, gitDir, folder, signal));
      const file = index === 'own' ? join(place.gitDir, 'index') : await (copied ??= copyIndex(place, folder));
      return run([...settings, `--work-tree=${root}`, ...args], { cwd: root, index: file, ...more });
    },
    upstreamOf: (branch) => upstreamSettings(place, branch, folder, signal),
  };
}

/** The commit that is checked out; null if there is none yet. */
export async function readHead({ git }: Pick<RepositoryView, 'git'>): Promise<string | null> {
  const { code, stdout } = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { answers: [0, 1] });
  return code === 0 ? stdout.toString().trim() : null;
}

const HEAD_FORM = /^(?:ref: refs\/[^\n]+|[0-9a-f]{40,64})\n?$/;

function openGitDir(place: RepositoryPlace, gitDir: string): void {
  const { objects, objectFormat, commonDir } = place;
  if (!isThere(gitDir)) {
    makePrivateGitDir(gitDir, { alternates: objects, objectFormat, lineEndings: 'configured' });
    rmdirSync(join(gitDir, 'refs'));
  }
  const theirs = readSmallFile(join(place.gitDir, 'HEAD'));
  const head = theirs !== null && HEAD_FORM.test(theirs) ? theirs : NO_HEAD;
  const own = join(gitDir, 'HEAD');
  // Writing may wait for the disk.
  if (readSmallFile(own) !== head) writeFileSync(own, head);
  for (const name of ['refs', 'packed-refs', 'shallow', 'logs', 'info/exclude'])
    linkIfThere(join(commonDir, name), join(gitDir, name));
}

function linkIfThere(target: string, link: string): void {
  const [wanted, linked] = [isThere(target), isThere(link)];
  if (wanted && !linked) symlinkSync(target, link);
  if (!wanted && linked) rmSync(link);
}

/** Returns the options for the settings of the work tree. */
async function openTree(
  place: RepositoryPlace,
  gitDir: string,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { gitDir: from } = place;
  const [settings, ...names] = await Promise.all([
    readPlainSettings(place, folder, signal),
    ...[from, gitDir].map((one) => readdir(one)),
  ]);
  // An index may consist of two files.
  for (const name of new Set(names.flat()))
    if (name.startsWith('sharedindex.')) linkIfThere(join(from, name), join(gitDir, name));
  return settings;
}

/**
 * Returns its path. Git uses the time of the index to find entries that may have changed without a visible change, so
 * the copy must not be newer.
 */
async function copyIndex({ gitDir }: RepositoryPlace, folder: string): Promise<string> {
  const [index, copy] = [join(gitDir, 'index'), join(folder, 'index')];
  const stats = await stat(index).catch(() => null);
  // A repository without a first `git add` has no index.
  if (!stats?.isFile()) {
    await rm(copy, { force: true });
    return copy;
  }
  await copyFile(index, copy);
  const seconds = Math.floor(stats.mtimeMs / 1_000);
  await utimes(copy, seconds, seconds);
  return copy;
}
