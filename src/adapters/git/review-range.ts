/** What a review compares: commits are looked up once and named by their full ids from then on. */
import { Failure, type FailureCode } from '../../../activities/failures.ts';
import { type ChangesTarget, PINNED_FILES, type PinnedChanges } from '../../../activities/ports.ts';
import type { ReviewRange } from '../../contract/index.ts';
import { assertWorkspace } from '../files/workspace.ts';
import { type RawPath, runGit, toRawPaths, toShownPath } from './git-process.ts';
import { findWorkTree } from './repository.ts';

export type Git = (args: readonly string[], answers?: readonly number[]) => Promise<{ code: number; stdout: Buffer }>;

/** See `GitPort.pinChanges`. */
export async function pinChanges(cwd: string, target: ChangesTarget, signal: AbortSignal): Promise<PinnedChanges> {
  assertWorkspace(cwd);
  const tree = await findWorkTree(cwd, signal);
  if (tree === null) {
    const hint = 'Start the thread in a repository, or review by instructions.';
    throw refused('reviewNoRepository', cwd, `${cwd} is not in the work tree of a git repository. ${hint}`);
  }
  const { root, head } = tree;
  const git: Git = (args, answers = [0]) => runGit(args, { cwd: root, signal, answers });
  const range = await toRange(git, { cwd, head }, target);
  const files = await listFiles(git, range);
  if (files.length === 0) throw nothingToReview(cwd, target);
  const isElsewhere = range.head !== null && (range.head !== head || (await isChanged(git)));
  return { ...range, files: files.slice(0, PINNED_FILES).map(toShownPath), fileCount: files.length, isElsewhere };
}

/** A folder in a work tree, and the commit that is checked out there. */
interface Place {
  cwd: string;
  head: string | null;
}

function toRange(git: Git, place: Place, target: ChangesTarget): Promise<ReviewRange> {
  switch (target.type) {
    case 'uncommittedChanges':
      return sinceHead(git, place);
    case 'baseBranch':
      return sinceMergeBase(git, place, target.branch);
    case 'commit':
      return ofCommit(git, place, target.sha);
  }
}

async function sinceHead(git: Git, { head }: Place): Promise<ReviewRange> {
  return { base: head ?? (await emptyTree(git)), head: null };
}

/** Every git knows this tree without having it. */
async function emptyTree(git: Git): Promise<string> {
  return (await git(['hash-object', '-t', 'tree', '--stdin'])).stdout.toString().trim();
}

/** Its ids by the lengths of ids: SHA-1, and SHA-256. */
const EMPTY_TREES: Record<number, string> = {
  40: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  64: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** The same where a commit of the repository is known, mostly without a process. */
export async function emptyTreeBeside(git: Git, commit: string): Promise<string> {
  return EMPTY_TREES[commit.length] ?? emptyTree(git);
}

// ------------------------------------------------------------------------------------------------------ base branch

export async function sinceMergeBase(git: Git, { cwd, head }: Place, branch: string): Promise<ReviewRange> {
  if (head === null)
    throw refused(
      'reviewBaseMissing',
      cwd,
      `No commit is checked out in ${cwd} that could be compared with ${branch}.`,
    );
  const tip = await findBranch(git, cwd, branch);
  const { code, stdout } = await git(['merge-base', head, tip], [0, 1]);
  if (code === 0) return { base: stdout.toString().trim(), head };
  const why = (await isShallow(git))
    ? 'the clone is shallow. Fetch more of the history, for example with `git fetch --unshallow`.'
    : 'their histories have nothing in common.';
  throw refused('reviewBaseMissing', cwd, `${branch} and what is checked out in ${cwd} have no merge base: ${why}`);
}

/** A branch here, one of a remote, the branch of that name of `origin`, or any other name of a commit. */
async function findBranch(git: Git, cwd: string, branch: string): Promise<string> {
  const found = await firstCommit(git, ['refs/heads/', 'refs/remotes/', 'refs/remotes/origin/', ''], branch);
  if (found !== null)
    return found.place === 'refs/heads/' ? newerOf(git, found.commit, `${branch}@{upstream}`) : found.commit;
  const hint = 'Give the name of a branch that is there; fetch it first where only the remote has it.';
  throw refused('reviewTargetUnknown', cwd, `There is no branch ${branch} in the repository of ${cwd}. ${hint}`);
}

/** What is merged upstream already is not part of the changes, although the branch here does not have it yet. */
async function newerOf(git: Git, commit: string, upstreamName: string): Promise<string> {
  const upstream = await toCommit(git, upstreamName);
  if (upstream === null) return commit;
  const { stdout } = await git(['rev-list', '--count', `${commit}..${upstream}`]);
  return Number(stdout.toString()) > 0 ? upstream : commit;
}

async function isShallow(git: Git): Promise<boolean> {
  return (await git(['rev-parse', '--is-shallow-repository'])).stdout.toString().trim() === 'true';
}

// ----------------------------------------------------------------------------------------------------------- commit

/** Compared with its first parent. */
async function ofCommit(git: Git, { cwd }: Place, sha: string): Promise<ReviewRange> {
  const head = await toCommit(git, sha);
  if (head === null) {
    const hint = 'Give an id that `git log` shows, in full or long enough to be the only one.';
    throw refused('reviewTargetUnknown', cwd, `There is no commit ${sha} in the repository of ${cwd}. ${hint}`);
  }
  const parent = await toCommit(git, `${head}^1`);
  if (parent !== null) return { base: parent, head };
  const recorded = /^parent \w+$/m.test(headerOf((await git(['cat-file', 'commit', head])).stdout));
  if (!recorded) return { base: await emptyTreeBeside(git, head), head };
  const hint = 'Fetch more of the history, for example with `git fetch --unshallow`.';
  throw refused('reviewBaseMissing', cwd, `The parent of commit ${head} is not in the shallow clone ${cwd}. ${hint}`);
}

function headerOf(commit: Buffer): string {
  const text = commit.toString('latin1');
  return text.slice(0, text.indexOf('\n\n'));
}

/** What a name means in the first of these places that has it. */
export async function firstCommit(git: Git, places: readonly string[], name: string) {
  for (const place of places) {
    const commit = await toCommit(git, `${place}${name}`);
    if (commit !== null) return { place, commit };
  }
  return null;
}

/** Null where no commit, or more than one, goes by that name. A name that looks like an option is none. */
export async function toCommit(git: Git, name: string): Promise<string | null> {
  if (name.startsWith('-')) return null;
  const { code, stdout } = await git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], [0, 1, 128]);
  return code === 0 ? stdout.toString().trim() : null;
}

// ------------------------------------------------------------------------------------------------------------ files

async function listFiles(git: Git, { base, head }: ReviewRange): Promise<RawPath[]> {
  const compared = head === null ? [base] : [base, head];
  const changed = await git(['diff', '--name-only', '-z', '--no-relative', '--no-ext-diff', ...compared, '--']);
  const untracked = head === null ? toRawPaths((await git([...UNTRACKED, '-z'])).stdout) : [];
  return [...toRawPaths(changed.stdout), ...untracked];
}

export const UNTRACKED = ['ls-files', '--others', '--exclude-standard'];

async function isChanged(git: Git): Promise<boolean> {
  return (await git(['status', '--porcelain', '--untracked-files=no'])).stdout.length > 0;
}

function nothingToReview(cwd: string, target: ChangesTarget): Failure {
  const what = {
    uncommittedChanges: 'There are no uncommitted changes',
    baseBranch: `What is checked out has no changes since ${target.type === 'baseBranch' ? target.branch : ''}`,
    commit: `Commit ${target.type === 'commit' ? target.sha : ''} changes no files`,
  }[target.type];
  const hint = target.type === 'baseBranch' ? ' Uncommitted changes are a review of their own.' : '';
  return refused('reviewNothingToReview', cwd, `${what} in the repository of ${cwd}.${hint}`);
}

function refused(code: FailureCode, path: string, message: string): Failure {
  return new Failure(code, message, { details: { path } });
}
