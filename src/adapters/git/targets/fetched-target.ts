/**
 * Our own, complete repository for a fetched target, so that a sandbox that shows nothing else has all of it. It is a
 * workspace: only objects and ids of its `.git` are read, and everything else is written again.
 */
import { copyFile, mkdir, readdir, rm, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import { Failure, type FailureCode } from '../../../../activities/failures.ts';
import type { FoundTarget, OpenTarget } from '../../../../activities/ports.ts';
import type { BatchTarget } from '../../../contract/index.ts';
import { isRemoteRefName } from '../../../contract/plain/ref-name.ts';
import { removeTree } from '../../files/remove-tree.ts';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { runGit } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import { boundTargets } from './bound-targets.ts';
import { NO_REPOSITORY, type Remote, type Source, withRemote } from '../remote/remote-source.ts';
import { type RepositoryPlace, findRepository, readSmallFile } from '../repository/repository-place.ts';
import { type RepositoryView, withView } from '../repository/repository-view.ts';
import { emptyTreeOf, sinceMergeBase } from '../review/review-range.ts';

export interface FetchBounds {
  /** Milliseconds in total. Default: an hour. */
  fetchTimeoutMs?: number;
  /** Milliseconds without progress. Default: two minutes. */
  fetchIdleMs?: number;
  /** Of all fetched targets together; those of the last day stay. Default: 20 GiB. */
  maxTargetBytes?: number;
}

interface FetchOptions extends FetchBounds {
  directory: string;
  targetId: string;
}

const BOUNDS = { fetchTimeoutMs: 3_600_000, fetchIdleMs: 120_000, maxTargetBytes: 20 * 1024 ** 3 };

export async function fetchTarget(
  options: FetchOptions,
  source: Source,
  target: BatchTarget,
  signal: AbortSignal,
): Promise<FoundTarget> {
  const { repository, branch = 'HEAD', base } = target;
  if (source.type === 'missing')
    throw refused('reviewNoRepository', repository, `There is no repository at ${repository}.${source.why}`);
  for (const name of [branch, ...(base === undefined ? [] : [base])])
    if (!isRemoteRefName(name)) throw unknown(repository, name);
  const store = join(options.directory, 'targets', options.targetId);
  const format = source.type === 'local' ? source.place.objectFormat : 'sha1';
  await makeStore(store, format);
  const wanted = { head: branch, ...(base === undefined ? {} : { base }) };
  const fetched = await withFetchDirectory(store, options.targetId, format, signal, async (gitDir) => {
    await withRemote(source, signal, (remote) => fetchRefs({ ...options, gitDir, ...remote }, target, wanted, signal));
  });
  // Its time is that of its last use.
  await utimes(store, new Date(), new Date());
  await boundTargets(join(options.directory, 'targets'), options.maxTargetBytes ?? BOUNDS.maxTargetBytes);
  const place = requirePlace(store);
  return withView(place, signal, async (view) => {
    const head = fetched.head;
    if (head === undefined)
      throw refused('reviewTargetUnknown', repository, `What ${repository} calls ${branch} is no commit.`);
    const start = await startOf(view, { cwd: store, head }, base, fetched.base);
    return { repository: store, isTheirs: false, head, start };
  });
}

/** @param name of the base, and its fetched commit. */
async function startOf(
  view: RepositoryView,
  place: { cwd: string; head: string },
  name: string | undefined,
  base: string | undefined,
): Promise<string> {
  return name === undefined ? emptyTreeOf(view) : (await sinceMergeBase(view, place, base ?? name)).base;
}

// ---------------------------------------------------------------------------------------------------------- the store

async function makeStore(store: string, format: 'sha1' | 'sha256'): Promise<void> {
  const git = join(store, '.git');
  for (const folder of ['objects/info', 'objects/pack', 'refs']) await mkdir(join(git, folder), { recursive: true });
  const extensions = format === 'sha256' ? '[extensions]\n\tobjectFormat = sha256\n' : '';
  const version = format === 'sha256' ? 1 : 0;
  await replacePrivateFile(
    join(git, 'config'),
    `[core]\n\trepositoryFormatVersion = ${version}\n\tbare = false\n${extensions}`,
  );
  if (readSmallFile(join(git, 'HEAD')) === null) await replacePrivateFile(join(git, 'HEAD'), 'ref: refs/heads/none\n');
}

function requirePlace(store: string): RepositoryPlace {
  const place = findRepository(store, []);
  // A link is there, or the folder was removed meanwhile.
  if (place !== null) return place;
  throw new Failure('gitFailed', `The repository in ${store} is gone.`, { details: { path: store } });
}

/** The names under which a store keeps the ids of the last fetch. */
type Kept = Partial<Record<'head' | 'base', string>>;

const keptIn = (store: string, targetId: string, name: string) => join(store, '.git/refs/bobbin', targetId, name);

/**
 * Fetches in our own git directory with the objects of the store, and returns the fetched commits. Earlier fetches make
 * it faster.
 */
async function withFetchDirectory(
  store: string,
  targetId: string,
  objectFormat: 'sha1' | 'sha256',
  signal: AbortSignal,
  fetch: (gitDir: string) => Promise<void>,
): Promise<Kept> {
  const gitDir = await makePrivateTemp('bobbin-fetch-');
  try {
    makePrivateGitDir(gitDir, { objectFormat });
    await rm(join(gitDir, 'objects'), { recursive: true });
    await symlink(join(store, '.git/objects'), join(gitDir, 'objects'));
    await copyFile(join(store, '.git/shallow'), join(gitDir, 'shallow')).catch(() => undefined);
    for (const name of ['head', 'base']) {
      const id = readSmallFile(keptIn(store, targetId, name))?.trim() ?? '';
      if (/^[0-9a-f]{40,64}$/.test(id) && (await isCommit(gitDir, id, signal)))
        await replacePrivateFile(join(gitDir, 'refs/before', name), `${id}\n`);
    }
    await fetch(gitDir);
    const kept: Kept = {};
    for (const name of ['head', 'base'] as const) {
      const id = await commitAt(gitDir, `refs/new/${name}`, signal);
      if (id === null) continue;
      kept[name] = id;
      await replacePrivateFile(keptIn(store, targetId, name), `${id}\n`);
    }
    await rm(join(store, '.git/shallow'), { force: true });
    await copyFile(join(gitDir, 'shallow'), join(store, '.git/shallow')).catch(() => undefined);
    return kept;
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}

async function isCommit(gitDir: string, id: string, signal: AbortSignal): Promise<boolean> {
  return (await commitAt(gitDir, id, signal)) === id;
}

async function commitAt(gitDir: string, name: string, signal: AbortSignal): Promise<string | null> {
  const call = { cwd: gitDir, gitDir, signal, answers: [0, 1, 128] };
  const { code, stdout } = await runGit(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], call);
  return code === 0 ? stdout.toString().trim() : null;
}

// -------------------------------------------------------------------------------------------------------------- fetch

/** Names of branches, tags or commits. */
type Wanted = Record<'head', string> & Partial<Record<'base', string>>;

interface Fetch extends FetchBounds, Remote {
  gitDir: string;
}

/**
 * The whole history: a merge base, or the changes since the last review, cannot be found without it. Of a branch and a
 * tag with one name git would take the tag, so the branch is asked for first.
 */
async function fetchRefs(
  { gitDir, from, remote, ...bounds }: Fetch,
  { repository }: BatchTarget,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const { fetchTimeoutMs: deadlineMs, fetchIdleMs: idleMs } = { ...BOUNDS, ...bounds };
  const options = ['--progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--update-shallow'];
  const noBranches = new Set<string>();
  for (;;) {
    const refs = Object.entries(wanted).map(([name, ref]) => `+${toAsked(ref, noBranches)}:refs/new/${name}`);
    try {
      const call = { cwd: gitDir, gitDir, signal, remote, deadlineMs, idleMs };
      await runGit(['fetch', ...options, '--', from, ...refs], call);
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof Failure)) throw error;
      const noBranch = Object.values(wanted).find((ref) => !noBranches.has(ref) && toBranch(ref) === missingIn(error));
      if (noBranch === undefined) throw explain(error, repository, wanted);
      noBranches.add(noBranch);
    }
  }
}

function toAsked(ref: string, noBranches: ReadonlySet<string>): string {
  return noBranches.has(ref) ? ref : (toBranch(ref) ?? ref);
}

/** Null for a name that cannot be that of a branch. */
function toBranch(ref: string): string | null {
  const isExact = ref === 'HEAD' || ref.startsWith('refs/') || /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
  return isExact ? null : `refs/heads/${ref}`;
}

function missingIn({ message }: Failure): string | undefined {
  return /couldn't find remote ref (\S+)/i.exec(message)?.[1];
}

/** Distinguishes permanent errors from temporary ones. */
function explain(error: Failure, repository: string, wanted: Wanted): Failure {
  const missing = missingIn(error);
  if (missing !== undefined) {
    const hint =
      missing === 'HEAD' ? ' It may have no commit yet.' : ' Give the name of a branch or a tag that is there.';
    const code = missing === wanted.base && missing !== wanted.head ? 'reviewBaseMissing' : 'reviewTargetUnknown';
    return refused(code, repository, `${repository} has no ${missing}.${hint}`, error);
  }
  if (NO_REPOSITORY.test(error.message)) {
    const message = `There is no repository at ${repository}, or it is not shown to the credentials of this worker.`;
    return refused('reviewNoRepository', repository, message, error);
  }
  const reason = error.message.slice(error.message.indexOf(': ') + 2);
  const message = `${repository} could not be fetched: ${reason}`;
  return new Failure('gitFailed', message, { cause: error, details: { path: repository } });
}

// ----------------------------------------------------------------------------------------------------------- check out

/** The parts of the store's `.git` that stay. */
const KEPT = new Set(['objects', 'refs', 'config', 'shallow']);

/**
 * Writes every file as it is in the commit, and removes everything that an earlier run left. Files of git-lfs stay
 * pointers.
 */
export async function checkOutStore({ repository, head }: FoundTarget, signal: AbortSignal): Promise<OpenTarget> {
  const place = requirePlace(repository);
  await makeStore(repository, place.objectFormat);
  await withView(place, signal, async ({ gitDir }) => {
    const index = join(gitDir, 'new-index');
    const git = (...args: string[]) =>
      runGit(['--work-tree=.', ...args], { cwd: repository, gitDir, index, signal, deadlineMs: 1_800_000 });
    const own = join(repository, '.git');
    const writeFiles = async () => {
      await git('read-tree', head);
      await git('clean', '-ffdqx');
      await git('checkout-index', '--all', '--force', '--index', '--quiet');
    };
    await writeFiles().catch(async (error: unknown) => {
      if (signal.aborted) throw error;
      // A command may have left a folder that git can neither read nor remove.
      await removeAll(repository, new Set(['.git']));
      await writeFiles();
    });
    await removeAll(own, KEPT);
    await rm(join(own, 'objects/info/alternates'), { force: true });
    await copyFile(index, join(own, 'index'));
    await replacePrivateFile(join(own, 'HEAD'), `${head}\n`);
  });
  return { cwd: repository, isElsewhere: false };
}

async function removeAll(folder: string, except: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) if (!except.has(name)) await removeTree(join(folder, name));
}

function unknown(repository: string, name: string): Failure {
  const message = `${repository} cannot be asked for ${name}: give the name of a branch or a tag, or a full id.`;
  return refused('reviewTargetUnknown', repository, message);
}

function refused(code: FailureCode, path: string, message: string, cause?: unknown): Failure {
  return new Failure(code, message, { details: { path }, cause });
}
