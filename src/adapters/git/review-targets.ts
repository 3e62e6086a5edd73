/**
 * The repositories that batches review. One on this machine is looked at where it is; any other is fetched into a repository
 * of our own, under names of the target alone, so that several targets of one repository do not get in each other's way.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, type FailureCode } from '../../../activities/failures.ts';
import type { OpenTarget, ReviewTargetsPort } from '../../../activities/ports.ts';
import type { BatchTarget } from '../../contract/index.ts';
import { runGit } from './git-process.ts';
import { findRepository } from './repository.ts';
import { emptyTree, isChanged, readRoot, sinceMergeBase, toCommit, type Git } from './review-range.ts';
import { readChangedFiles } from './changed-files.ts';

export interface ReviewTargetsOptions {
  /** For repositories that are fetched, absolute. */
  directory: string;
}

export function createReviewTargets({ directory }: ReviewTargetsOptions): ReviewTargetsPort {
  return {
    async open(target, targetId, signal) {
      const local = await findLocal(target.repository, signal);
      return local === null ? fetchTarget(directory, target, targetId, signal) : openLocal(local, target, signal);
    },
    changedFiles: readChangedFiles,
    async isBefore(cwd, commit, head, signal) {
      const git = gitIn(cwd, signal);
      if ((await toCommit(git, commit)) === null) return false;
      return (await git(['merge-base', '--is-ancestor', commit, head], [0, 1, 128])).code === 0;
    },
  };
}

const gitIn =
  (cwd: string, signal: AbortSignal): Git =>
  (args, answers = [0]) =>
    runGit(args, { cwd, signal, answers });

// ------------------------------------------------------------------------------------------------------ on this machine

/** The root of its work tree; null for what is to be fetched, a repository without a work tree among it. */
async function findLocal(repository: string, signal: AbortSignal): Promise<string | null> {
  if (!repository.startsWith('/')) return null;
  if ((await findRepository(existing(repository), signal)) !== null) return readRoot(repository, signal);
  const bare = await gitIn(repository, signal)(['rev-parse', '--is-bare-repository'], [0, 128]);
  if (bare.code === 0 && bare.stdout.toString().trim() === 'true') return null;
  throw refused('reviewNoRepository', repository, `${repository} is no git repository.`);
}

function existing(repository: string): string {
  if (existsSync(repository)) return repository;
  throw refused('reviewNoRepository', repository, `There is no repository at ${repository}: nothing is there.`);
}

async function openLocal(root: string, { branch, base }: BatchTarget, signal: AbortSignal): Promise<OpenTarget> {
  const git = gitIn(root, signal);
  const checkedOut = await toCommit(git, 'HEAD');
  const head = branch === undefined ? checkedOut : await ofBranch(git, root, branch);
  if (head === null)
    throw refused('reviewTargetUnknown', root, `The repository ${root} has no commit yet. Nothing can be reviewed.`);
  const isElsewhere = head !== checkedOut || (await isChanged(git));
  return { cwd: root, head, start: await startOf(git, root, head, base), isElsewhere };
}

async function ofBranch(git: Git, root: string, branch: string): Promise<string> {
  for (const place of ['refs/heads/', 'refs/remotes/origin/', 'refs/remotes/', '']) {
    const commit = await toCommit(git, `${place}${branch}`);
    if (commit !== null) return commit;
  }
  throw refused('reviewTargetUnknown', root, `There is no branch or commit ${branch} in the repository ${root}.`);
}

async function startOf(git: Git, root: string, head: string, base: string | undefined): Promise<string> {
  if (base === undefined) return emptyTree(git);
  return (await sinceMergeBase(git, { cwd: root, head }, base)).base;
}

// ------------------------------------------------------------------------------------------------------------ elsewhere

async function fetchTarget(
  directory: string,
  { repository, branch, base }: BatchTarget,
  targetId: string,
  signal: AbortSignal,
): Promise<OpenTarget> {
  const store = join(directory, 'repositories', createHash('sha256').update(repository).digest('hex').slice(0, 20));
  await mkdir(store, { recursive: true });
  const git = gitIn(store, signal);
  await git(['init', '--quiet']);
  const names = { head: `refs/bobbin/${targetId}/head`, base: `refs/bobbin/${targetId}/base` };
  await fetchRefs(
    store,
    repository,
    [[branch ?? 'HEAD', names.head], ...(base === undefined ? [] : [[base, names.base]])],
    signal,
  );
  const head = await toCommit(git, names.head);
  if (head === null)
    throw refused('reviewTargetUnknown', repository, `What ${repository} calls ${branch ?? 'HEAD'} is no commit.`);
  const start =
    base === undefined ? await emptyTree(git) : (await sinceMergeBase(git, { cwd: store, head }, names.base)).base;
  const cwd = join(directory, 'targets', targetId);
  await checkOut(git, cwd, head, signal);
  return { cwd, head, start, isElsewhere: false };
}

/** All of the history: the changes since a merge base, or since the last review, cannot be told without it. */
async function fetchRefs(
  store: string,
  repository: string,
  wanted: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<void> {
  const refs = wanted.map(([from = '', to = '']) => `+${from}:${to}`);
  const call = { cwd: store, signal, remote: true };
  try {
    await runGit(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', repository, ...refs], call);
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    throw explain(
      error,
      repository,
      wanted.map(([from = '']) => from),
    );
  }
}

/** What asking again would not change is told apart from what it may. */
function explain(error: Failure, repository: string, names: readonly string[]): Failure {
  const missing = /couldn't find remote ref (\S+)/i.exec(error.message)?.[1];
  if (missing !== undefined) {
    const hint =
      missing === 'HEAD' ? ' It may have no commit yet.' : ' Give the name of a branch or a tag that is there.';
    const code = names.indexOf(missing) === 1 ? 'reviewBaseMissing' : 'reviewTargetUnknown';
    return refused(code, repository, `${repository} has no ${missing}.${hint}`, error);
  }
  if (
    /does not appear to be a git repository|repository '.*' (does not exist|not found)|repository not found/i.test(
      error.message,
    )
  )
    return refused(
      'reviewNoRepository',
      repository,
      `There is no repository at ${repository}, or it is not shown to these credentials.`,
      error,
    );
  return error;
}

async function checkOut(git: Git, cwd: string, head: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(join(cwd, '.git'))) {
    await git(['worktree', 'prune']);
    await git(['worktree', 'add', '--quiet', '--force', '--detach', cwd, head]);
    return;
  }
  const inside = gitIn(cwd, signal);
  await inside(['checkout', '--quiet', '--force', '--detach', head]);
  await inside(['clean', '-ffdqx']);
}

function refused(code: FailureCode, path: string, message: string, cause?: unknown): Failure {
  return new Failure(code, message, { details: { path }, cause });
}
