/** The commits that a review compares: they are resolved once, to their full ids. */
import { realpath } from 'node:fs/promises';
import { Failure, type FailureCode } from '../../../../activities/failures.ts';
import { type ChangesTarget, PINNED_FILES, type PinnedChanges } from '../../../../activities/ports.ts';
import type { ReviewRange } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { type ClosedPaths, createClosedPaths } from '../../files/closed-paths.ts';
import { assertWorkspace } from '../../files/workspace.ts';
import { type RawPath, toRawPaths, toShownPath } from '../process/git-process.ts';
import { findRepository, type ClosedFolders } from '../repository/repository-place.ts';
import { explainNoRepository } from '../repository/repository-fault.ts';
import { type RepositoryView, type ViewGit, readHead, withView } from '../repository/repository-view.ts';
import { type TreeChange, listUntracked, treeChanges } from '../repository/tree-changes.ts';

/** See `GitPort.pinChanges`. */
export async function pinChanges(
  closed: ClosedFolders,
  cwd: string,
  target: ChangesTarget,
  signal: AbortSignal,
): Promise<PinnedChanges> {
  assertWorkspace(cwd);
  const place = findRepository(cwd, closed);
  if (place === null) {
    const why = explainNoRepository(cwd, closed);
    const hint = 'Start the thread in a repository, or review by instructions.';
    const message = `${toVisibleLine(cwd)} is not in the work tree of a git repository.${why} ${hint}`;
    throw refused('reviewNoRepository', cwd, message);
  }
  return withView(place, signal, async (view) => {
    const head = await readHead(view);
    const range = await toRange(view, { cwd, head }, target);
    const files = await listFiles(view, range, createClosedPaths(closed, await realpath(cwd)));
    if (files.length === 0) throw nothingToReview(cwd, target);
    const isElsewhere =
      range.head !== null && (range.head !== head || (await treeChanges(view, range.head)).length > 0);
    const checkedOut = isElsewhere ? null : (range.head ?? range.base);
    const shown = files.slice(0, PINNED_FILES).map(toShownPath);
    return { ...range, files: shown, fileCount: files.length, isElsewhere, checkedOut };
  });
}

/** See `GitPort.checkedOut`. */
export async function checkedOut(closed: ClosedFolders, cwd: string, signal: AbortSignal): Promise<string | null> {
  const place = findRepository(cwd, closed);
  return place === null ? null : withView(place, signal, async (view) => (await readHead(view)) ?? emptyTreeOf(view));
}

/** A folder in a work tree, and the commit that is checked out there. */
interface Place {
  cwd: string;
  head: string | null;
}

async function toRange(view: RepositoryView, place: Place, target: ChangesTarget): Promise<ReviewRange> {
  switch (target.type) {
    case 'uncommittedChanges':
      return { base: place.head ?? emptyTreeOf(view), head: null };
    case 'baseBranch':
      return sinceMergeBase(view, place, target.branch);
    case 'commit':
      return ofCommit(view, place, target.sha);
  }
}

const EMPTY_TREES = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** Git knows this tree without having it stored. */
export function emptyTreeOf({ place }: RepositoryView): string {
  return EMPTY_TREES[place.objectFormat];
}

// ------------------------------------------------------------------------------------------------------ base branch

export async function sinceMergeBase(
  view: RepositoryView,
  { cwd, head }: Place,
  branch: string,
): Promise<ReviewRange & { head: string }> {
  if (head === null)
    throw refused(
      'reviewBaseMissing',
      cwd,
      `No commit is checked out in ${cwd} that could be compared with ${branch}.`,
    );
  const tip = await findBranch(view, cwd, branch);
  const { code, stdout } = await view.git(['merge-base', head, tip], { answers: [0, 1] });
  if (code === 0) return { base: stdout.toString().trim(), head };
  const why = (await isShallow(view.git))
    ? 'the clone is shallow. Fetch more of the history, for example with `git fetch --unshallow`.'
    : 'their histories have nothing in common.';
  throw refused('reviewBaseMissing', cwd, `${branch} and what is checked out in ${cwd} have no merge base: ${why}`);
}

/** A local branch, one of a remote, the branch of that name of `origin`, or any other name of a commit. */
async function findBranch(view: RepositoryView, cwd: string, branch: string): Promise<string> {
  const found = await firstCommit(view, ['refs/heads/', 'refs/remotes/', 'refs/remotes/origin/', ''], branch);
  if (found !== null)
    return found.place === 'refs/heads/' ? newerOf(view, found.commit, `${branch}@{upstream}`) : found.commit;
  const hint = 'Give the name of a branch that is there; fetch it first where only the remote has it.';
  throw refused('reviewTargetUnknown', cwd, `There is no branch ${branch} in the repository of ${cwd}. ${hint}`);
}

/** Commits that are already merged upstream are not part of the changes, even if the local branch lacks them. */
async function newerOf(view: RepositoryView, commit: string, upstreamName: string): Promise<string> {
  const upstream = await toCommit(view, upstreamName);
  if (upstream === null) return commit;
  const { stdout } = await view.git(['rev-list', '--count', `${commit}..${upstream}`]);
  return Number(stdout.toString()) > 0 ? upstream : commit;
}

async function isShallow(git: ViewGit): Promise<boolean> {
  return (await git(['rev-parse', '--is-shallow-repository'])).stdout.toString().trim() === 'true';
}

// ----------------------------------------------------------------------------------------------------------- commit

/** Compared with its first parent. */
async function ofCommit(view: RepositoryView, { cwd }: Place, sha: string): Promise<ReviewRange> {
  const head = await toCommit(view, sha);
  if (head === null) {
    const hint = 'Give an id that `git log` shows, in full or long enough to be the only one.';
    throw refused('reviewTargetUnknown', cwd, `There is no commit ${sha} in the repository of ${cwd}. ${hint}`);
  }
  const parent = await toCommit(view, `${head}^1`);
  if (parent !== null) return { base: parent, head };
  const recorded = /^parent \w+$/m.test(headerOf((await view.git(['cat-file', 'commit', head])).stdout));
  if (!recorded) return { base: emptyTreeOf(view), head };
  const hint = 'Fetch more of the history, for example with `git fetch --unshallow`.';
  throw refused('reviewBaseMissing', cwd, `The parent of commit ${head} is not in the shallow clone ${cwd}. ${hint}`);
}

function headerOf(commit: Buffer): string {
  const text = commit.toString('latin1');
  return text.slice(0, text.indexOf('\n\n'));
}

/** The commit of a name in the first of these places that has it. */
export async function firstCommit(view: RepositoryView, places: readonly string[], name: string) {
  for (const place of places) {
    const commit = await toCommit(view, `${place}${name}`);
    if (commit !== null) return { place, commit };
  }
  return null;
}

/** Null if no commit, or more than one, has that name. A name that looks like an option is invalid. */
export async function toCommit(view: RepositoryView, name: string): Promise<string | null> {
  if (name.startsWith('-')) return null;
  const [, branch] = /^(.*)@\{u(?:pstream)?\}/i.exec(name) ?? [];
  const upstream = branch === undefined ? [] : await view.upstreamOf(branch);
  if (branch !== undefined && upstream.length === 0) return null;
  const asked = [...upstream, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`];
  const { code, stdout } = await view.git(asked, { answers: [0, 1, 128] });
  return code === 0 ? stdout.toString().trim() : null;
}

// ------------------------------------------------------------------------------------------------------------ files

async function listFiles(view: RepositoryView, { base, head }: ReviewRange, closed: ClosedPaths): Promise<RawPath[]> {
  if (head !== null) {
    const changed = await view.git(['diff', '--name-only', '-z', '--find-renames', base, head, '--']);
    return toRawPaths(changed.stdout);
  }
  const changed = await treeChanges(view, base);
  return [...changed.map(nameOf), ...(await listUntracked(view, closed))];
}

const nameOf = ({ names }: TreeChange): RawPath => names.at(-1) ?? '';

/** Whether that commit is checked out, and no tracked file differs from it. */
export async function isCheckedOut(view: RepositoryView, commit: string): Promise<boolean> {
  return (await readHead(view)) === commit && (await treeChanges(view, commit)).length === 0;
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
