/**
 * Our own copy of a remote repository on this host: its packs, and the names of its branches and tags. A fetch works in
 * a folder of its attempt and ends with renames, so a mirror is complete at any time, whatever is killed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from '../../../../activities/failures.ts';
import type { WantedWorkspace } from '../../../../activities/ports.ts';
import { normalizedRepository } from '../../../contract/plain/repository-address.ts';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import { runGit } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import { type Remote, type Source, withRemote } from '../remote/remote-source.ts';
import { boundMirrors, packsOf, sizeOfFiles } from './bound-mirrors.ts';
import { withPatientLock } from './patient-lock.ts';
import { explain, refMissing, tooLarge } from './refusals.ts';
import { type WantedHead, findHead, listRefs } from './remote-refs.ts';

export interface FetchLimits {
  /** Milliseconds in total, and without progress. */
  deadlineMs: number;
  idleMs: number;
  /** Bytes of a mirror. */
  maxBytes: number;
  /** Bytes of all mirrors of this host. */
  maxMirrorBytes: number;
}

export interface Mirror {
  /** A git directory whose objects are all in packs, and whose names are all in `packed-refs`. */
  gitDir: string;
  objectFormat: 'sha1' | 'sha256';
  /** To check out. */
  commit: string;
  branch: string | null;
}

interface Fetching {
  repository: string;
  remote: Remote;
  limits: FetchLimits;
  signal: AbortSignal;
}

/** Updates the mirror, and runs `use` while nobody else changes it. @param directory of all mirrors, absolute */
export async function withMirror<T>(
  directory: string,
  source: Exclude<Source, { type: 'missing' }>,
  wanted: WantedWorkspace,
  { limits, signal }: Pick<Fetching, 'limits' | 'signal'>,
  use: (mirror: Mirror) => Promise<T>,
): Promise<T> {
  const { repository } = wanted;
  const gitDir = join(directory, toMirrorName(repository));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const used = await withPatientLock(`${gitDir}.lock`, `fetches ${repository}`, signal, async () => {
    // Of killed processes: nobody else makes any now.
    await rm(join(gitDir, 'attempts'), { recursive: true, force: true });
    const mirror = await withRemote(source, signal, (remote) =>
      updateOrRenew(gitDir, wanted, { repository, remote, limits, signal }),
    );
    return use(mirror);
  });
  await boundMirrors(directory, limits.maxMirrorBytes, gitDir);
  return used;
}

function toMirrorName(repository: string): string {
  const hash = createHash('sha256').update(normalizedRepository(repository)).digest('hex');
  const name = basename(repository).replace(/[^A-Za-z0-9_-]+/g, '-');
  return `${name.slice(0, 40)}-${hash.slice(0, 16)}`;
}

/** Branches and tags. Other names are fetched when they are asked for. */
const ALL = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
const WANTED = 'refs/bobbin/wanted';

/** What a repository no longer has stays in its mirror, so a mirror that has grown too large is made anew. */
async function updateOrRenew(gitDir: string, wanted: WantedWorkspace, fetching: Fetching): Promise<Mirror> {
  try {
    return await update(gitDir, wanted, fetching);
  } catch (error) {
    const isTooLarge = error instanceof Failure && error.code === 'repositoryTooLarge';
    if (!isTooLarge || (await sizeOfFiles([packsOf(gitDir)])) === 0) throw error;
    await rm(gitDir, { recursive: true, force: true });
    return update(gitDir, wanted, fetching);
  }
}

async function update(gitDir: string, wanted: WantedWorkspace, fetching: Fetching): Promise<Mirror> {
  const { repository, limits, signal } = fetching;
  const attempt = join(gitDir, 'attempts', randomUUID());
  try {
    makePrivateGitDir(attempt);
    const refs = await listRefs(attempt, fetching.remote, wanted, limits, signal);
    const head = findHead(refs, wanted);
    const fetch = (names: readonly string[]) => fetchInto(gitDir, attempt, names, wanted.ref, fetching);
    await openAttempt(gitDir, attempt, refs.objectFormat);
    await fetch(ALL);
    const commit = (await commitAt(attempt, head.name, signal)) ?? (await fetchNamed(attempt, head, fetch, signal));
    if (commit === null) throw refMissing(repository, wanted.ref);
    await publish(gitDir, attempt, signal);
    return { gitDir, objectFormat: refs.objectFormat, commit, branch: head.branch };
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
}

/** With the objects and names of earlier fetches, so that only what is new is sent. */
async function openAttempt(gitDir: string, attempt: string, objectFormat: 'sha1' | 'sha256'): Promise<void> {
  makePrivateGitDir(gitDir, { objectFormat });
  makePrivateGitDir(attempt, { objectFormat, alternates: [join(gitDir, 'objects')] });
  for (const name of ['packed-refs', 'shallow'])
    await copyFile(join(gitDir, name), join(attempt, name)).catch(() => undefined);
}

async function fetchInto(
  gitDir: string,
  attempt: string,
  names: readonly string[],
  ref: string | undefined,
  { repository, remote: { from, remote }, limits, signal }: Fetching,
): Promise<void> {
  const watch = watchSize([packsOf(gitDir), packsOf(attempt)], limits.maxBytes);
  // As one pack, whose size can be watched.
  const options = ['--progress', '--prune', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  const args = ['-c', 'fetch.unpackLimit=1', 'fetch', ...options, '--update-shallow', '--', from, ...names];
  const call = { cwd: attempt, gitDir: attempt, about: attempt, remote, ...limits };
  try {
    await runGit(args, { ...call, signal: AbortSignal.any([signal, watch.signal]) });
  } catch (error) {
    if (signal.aborted) throw error;
    if (!watch.signal.aborted) throw explain(error, repository, ref);
  } finally {
    watch.stop();
  }
  if (watch.signal.aborted || (await watch.isExceeded()))
    throw tooLarge(repository, 'its history has', limits.maxBytes);
}

/** For an id that no branch or tag contains, and for other names. */
async function fetchNamed(
  attempt: string,
  { name }: WantedHead,
  fetch: (names: readonly string[]) => Promise<void>,
  signal: AbortSignal,
): Promise<string | null> {
  await fetch([`+${name}:${WANTED}`]);
  return commitAt(attempt, WANTED, signal);
}

async function commitAt(gitDir: string, name: string, signal: AbortSignal): Promise<string | null> {
  const call = { cwd: gitDir, gitDir, signal, answers: [0, 1, 128] };
  const { code, stdout } = await runGit(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], call);
  return code === 0 ? stdout.toString().trim() : null;
}

/** An index comes last: with it git uses its pack. */
async function publish(gitDir: string, attempt: string, signal: AbortSignal): Promise<void> {
  const packs = packsOf(attempt);
  const files = (await readdir(packs)).filter((name) => /^pack-.*\.(pack|rev|idx)$/.test(name));
  for (const name of files.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'))))
    await rename(join(packs, name), join(packsOf(gitDir), name));
  const listing = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'];
  const { stdout } = await runGit(listing, { cwd: attempt, gitDir: attempt, signal });
  await rm(join(gitDir, 'shallow'), { force: true });
  await copyFile(join(attempt, 'shallow'), join(gitDir, 'shallow')).catch(() => undefined);
  await replacePrivateFile(join(gitDir, 'packed-refs'), stdout);
  const now = new Date();
  await utimes(gitDir, now, now);
}

const LOOK_EVERY_MS = 250;

/** The signal fires when the folders have more bytes together. */
function watchSize(folders: readonly string[], maxBytes: number) {
  const exceeded = new AbortController();
  const isExceeded = async () => (await sizeOfFiles(folders)) > maxBytes;
  const timer = setInterval(() => void isExceeded().then((yes) => yes && exceeded.abort()), LOOK_EVERY_MS);
  return { signal: exceeded.signal, isExceeded, stop: () => clearInterval(timer) };
}
