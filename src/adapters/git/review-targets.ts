/**
 * The repositories that batches review. One on this machine is looked at where it is; any other is fetched into a repository
 * of our own for each target, whole, so that a sandbox that shows nothing else has all of it.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, type FailureCode } from '../../../activities/failures.ts';
import type { FoundTarget, OpenTarget, ReviewTargetsPort } from '../../../activities/ports.ts';
import type { BatchTarget } from '../../contract/index.ts';
import { isRefName } from '../../contract/plain/ref-name.ts';
import { faultOfRepository, withoutSecrets } from '../../contract/plain/repository-address.ts';
import { runGit } from './git-process.ts';
import { type WorkTree, findWorkTree } from './repository.ts';
import { type Git, emptyTreeBeside, firstCommit, sinceMergeBase, toCommit } from './review-range.ts';
import { readChangedFiles } from './changed-files.ts';

export interface ReviewTargetsOptions {
  /** For repositories that are fetched, absolute. */
  directory: string;
}

export function createReviewTargets({ directory }: ReviewTargetsOptions): ReviewTargetsPort {
  return {
    async find(target, targetId, signal) {
      refuseBadNames(target);
      const local = await findLocal(target.repository, signal);
      return local === null ? fetchTarget(directory, target, targetId, signal) : lookUp(local, target, signal);
    },
    checkOut: (found, signal) => (found.isTheirs ? seeWhatIsThere(found, signal) : checkOut(found, signal)),
    changedFiles: readChangedFiles,
    async isBefore(cwd, commit, head, signal) {
      // A commit that is not there is no failure.
      return (await gitIn(cwd, signal)(['merge-base', '--is-ancestor', commit, head], [0, 1, 128])).code === 0;
    },
  };
}

/** Raw clients and old Schedules have not passed the edge. */
function refuseBadNames({ repository, branch, base }: BatchTarget): void {
  const shown = withoutSecrets(repository);
  const fault = faultOfRepository(repository);
  if (fault !== null)
    throw refused('reviewTargetRefused', shown, `The address of a target cannot be used: ${fault.message}.`);
  const name = [branch, base].find((one) => one !== undefined && !isRefName(one));
  if (name !== undefined)
    throw refused('reviewTargetUnknown', shown, `${JSON.stringify(name)} is no name of a branch or a commit.`);
}

const gitIn =
  (cwd: string, signal: AbortSignal): Git =>
  (args, answers = [0]) =>
    runGit(args, { cwd, signal, answers });

// ------------------------------------------------------------------------------------------------------ on this machine

/** Its work tree; null for what is to be fetched, a repository without a work tree among it. */
async function findLocal(repository: string, signal: AbortSignal): Promise<WorkTree | null> {
  if (!repository.startsWith('/')) return null;
  if (!existsSync(repository))
    throw refused('reviewNoRepository', repository, `There is no repository at ${repository}: nothing is there.`);
  if (!statSync(repository).isDirectory())
    throw refused('reviewNoRepository', repository, `${repository} is no folder, so it is no repository.`);
  const tree = await findWorkTree(repository, signal);
  if (tree !== null) return tree;
  const bare = await gitIn(repository, signal)(['rev-parse', '--is-bare-repository'], [0, 128]);
  if (bare.code === 0 && bare.stdout.toString().trim() === 'true') return null;
  throw refused('reviewNoRepository', repository, `${repository} is no git repository.`);
}

async function lookUp(tree: WorkTree, { branch, base }: BatchTarget, signal: AbortSignal): Promise<FoundTarget> {
  const { root } = tree;
  const git = gitIn(root, signal);
  const head = branch === undefined ? tree.head : await ofBranch(git, root, branch);
  if (head === null)
    throw refused('reviewTargetUnknown', root, `The repository ${root} has no commit yet. Nothing can be reviewed.`);
  return { repository: root, isTheirs: true, head, start: await startOf(git, root, head, base) };
}

async function ofBranch(git: Git, root: string, branch: string): Promise<string> {
  const found = await firstCommit(git, ['refs/heads/', 'refs/remotes/origin/', 'refs/remotes/', ''], branch);
  if (found !== null) return found.commit;
  throw refused('reviewTargetUnknown', root, `There is no branch or commit ${branch} in the repository ${root}.`);
}

async function startOf(git: Git, root: string, head: string, base: string | undefined): Promise<string> {
  if (base === undefined) return emptyTreeBeside(git, head);
  return (await sinceMergeBase(git, { cwd: root, head }, base)).base;
}

/** Which commit is checked out, and what differs from it. */
const STATUS = ['status', '--porcelain=v2', '--branch', '--no-ahead-behind', '--untracked-files=no'];

async function seeWhatIsThere({ repository, head }: FoundTarget, signal: AbortSignal): Promise<OpenTarget> {
  const { stdout } = await gitIn(repository, signal)(STATUS);
  const lines = stdout.toString().split('\n').filter(Boolean);
  // What begins otherwise is a change.
  const isClean = lines.includes(`# branch.oid ${head}`) && lines.every((line) => line.startsWith('# '));
  return { cwd: repository, isElsewhere: !isClean };
}

// ------------------------------------------------------------------------------------------------------------ elsewhere

async function fetchTarget(
  directory: string,
  { repository, branch, base }: BatchTarget,
  targetId: string,
  signal: AbortSignal,
): Promise<FoundTarget> {
  const store = join(directory, 'targets', targetId);
  await mkdir(store, { recursive: true });
  const git = gitIn(store, signal);
  await git(['init', '--quiet']);
  const names = { head: `refs/bobbin/${targetId}/head`, base: `refs/bobbin/${targetId}/base` };
  const wanted = [[branch ?? 'HEAD', names.head], ...(base === undefined ? [] : [[base, names.base]])];
  await withoutStaleLocks(signal, () => fetchRefs(store, repository, wanted, signal));
  const head = await toCommit(git, names.head);
  if (head === null)
    throw refused('reviewTargetUnknown', repository, `What ${repository} calls ${branch ?? 'HEAD'} is no commit.`);
  const start = await startOf(git, store, head, base === undefined ? undefined : names.base);
  return { repository: store, isTheirs: false, head, start };
}

/** All of the history: the changes since a merge base, or since the last review, cannot be told without it. */
async function fetchRefs(
  store: string,
  repository: string,
  wanted: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<void> {
  const refs = wanted.map(([from = '', to = '']) => `+${from}:${to}`);
  try {
    const call = { cwd: store, signal, remote: true };
    await runGit(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', repository, ...refs], call);
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    throw explain(
      error,
      repository,
      wanted.map(([from = '']) => from),
    );
  }
}

const NO_REPOSITORY =
  /does not appear to be a git repository|repository '.*' (does not exist|not found)|repository not found/i;

/** What asking again would not change is told apart from what it may. */
function explain(error: Failure, repository: string, names: readonly string[]): Failure {
  const missing = /couldn't find remote ref (\S+)/i.exec(error.message)?.[1];
  if (missing !== undefined) {
    const hint =
      missing === 'HEAD' ? ' It may have no commit yet.' : ' Give the name of a branch or a tag that is there.';
    const code = names.indexOf(missing) === 1 ? 'reviewBaseMissing' : 'reviewTargetUnknown';
    return refused(code, repository, `${repository} has no ${missing}.${hint}`, error);
  }
  if (!NO_REPOSITORY.test(error.message)) return error;
  const message = `There is no repository at ${repository}, or it is not shown to the credentials of this worker.`;
  return refused('reviewNoRepository', repository, message, error);
}

/** What an earlier run left there is gone afterwards. */
async function checkOut({ repository, head }: FoundTarget, signal: AbortSignal): Promise<OpenTarget> {
  const git = gitIn(repository, signal);
  await withoutStaleLocks(signal, () => git(['checkout', '--quiet', '--force', '--detach', head]));
  await git(['clean', '-ffdqx']);
  return { cwd: repository, isElsewhere: false };
}

/** A git process that was killed leaves its lock; one that lives lets go of it sooner. */
const STALE_LOCK_MS = 20_000;
const LOCK_PAUSE_MS = 500;

async function withoutStaleLocks<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await body();
    } catch (error) {
      const lock = error instanceof Failure ? /'([^']+\.lock)': File exists/.exec(error.message)?.[1] : undefined;
      if (lock === undefined) throw error;
      if (Date.now() - writtenAt(lock) > STALE_LOCK_MS) await rm(lock, { force: true });
      await delay(LOCK_PAUSE_MS, undefined, { signal });
    }
  }
}

/** Milliseconds since the epoch; now for one that is gone. */
function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
}

function refused(code: FailureCode, path: string, message: string, cause?: unknown): Failure {
  return new Failure(code, message, { details: { path }, cause });
}
