/**
 * Snapshots of threads in the store that hosts share, and workspaces that are made of them. The bytes in the store are
 * hostile: a pack is read only if its name is its hash, git checks every object in it, and a workspace counts only if it
 * has the files that were stored.
 */
import { rm } from 'node:fs/promises';
import { Failure } from '../../../../activities/failures.ts';
import type {
  PacksToRestore,
  PacksToStore,
  SnapshotPacksPort,
  StoredFiles,
  StoredPack,
} from '../../../../activities/ports.ts';
import { type Store, StoreUnavailable } from '../../store/store.ts';
import type { RawPath } from '../process/git-process.ts';
import { isWithin, listPaths } from '../ignore/left-out.ts';
import { type Known, NO_FILE, compareTrees } from '../snapshots/compare-snapshots.ts';
import { type SnapshotPlace, takeSnapshot } from '../snapshots/snapshot.ts';
import {
  type SnapshotFacts,
  type SnapshotStore,
  type StoreGit,
  findStore,
  gitOf,
  keepUnder,
  openStore,
  readFacts,
} from '../snapshots/snapshot-store.ts';
import { revertChanges } from '../undo/undo.ts';
import { toPackName } from './pack-names.ts';
import { assertWhole, describeCommit, findCommits, idOf, makePack, readPack } from './pack-objects.ts';

export interface SnapshotPacksOptions {
  store: Store;
  /** Of the threads: several may share a store. */
  namespace: string;
  place: SnapshotPlace;
}

export function createSnapshotPacks({ store, namespace, place }: SnapshotPacksOptions): SnapshotPacksPort {
  const nameOf = (threadId: string, id: string) => toPackName({ namespace, threadId }, id);
  return {
    async store(request, signal) {
      const local = await findStore(place.directory, request.cwd);
      const { pack, whole } = await packUp(local, request, signal);
      const id = idOf(pack);
      signal.throwIfAborted();
      await naming(request.threadId, () => store.write(nameOf(request.threadId, id), pack, signal));
      return { pack: { id, bytes: pack.length }, whole, newest: await describeCommit(local, request.newest, signal) };
    },
    async restore(request, signal) {
      const local = await openStore(place.directory, request.cwd);
      for (const pack of request.packs) {
        const bytes = await naming(request.threadId, () => store.read(nameOf(request.threadId, pack.id), signal));
        await unpack(local, request, pack, bytes, signal);
      }
      await keepSnapshots(local, request, signal);
      return fillFolder(place, local, request, signal);
    },
    async describe(cwd, given, signal) {
      const commit = given ?? (await takeSnapshot(place, cwd, [], signal)).commit;
      return describeCommit(await findStore(place.directory, cwd), commit, signal);
    },
    async forget(cwd) {
      await rm((await findStore(place.directory, cwd)).gitDir, { recursive: true, force: true });
    },
    async hasAll(threadId, packs) {
      const names = new Set(packs.map((id) => nameOf(threadId, id)));
      await naming(threadId, async () => {
        for await (const { name } of store.list(nameOf(threadId, ''))) names.delete(name);
      });
      return names.size === 0;
    },
    async remove(threadId, packs) {
      await naming(threadId, () => store.remove(packs.map((id) => nameOf(threadId, id))));
    },
  };
}

async function naming<T>(threadId: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const { message, code } = error;
    const details = { threadId, code };
    throw new Failure('storeUnavailable', `Snapshots of thread ${threadId}: ${message}`, { cause: error, details });
  }
}

// ----------------------------------------------------------------------------------------------------------- storing

async function packUp(
  local: SnapshotStore,
  { threadId, newest, snapshots, stored }: PacksToStore,
  signal: AbortSignal,
): Promise<{ pack: Buffer; whole: boolean }> {
  const wanted = [...new Set([newest, ...snapshots.flatMap(({ commits }) => commits)])];
  const there = await findCommits(local, [...wanted, ...stored], signal);
  if (!there.has(newest)) {
    const message = `Snapshot ${newest} of thread ${threadId} is not in the data folder of this worker any more.`;
    throw new Failure('snapshotMissing', message, { details: { threadId, commit: newest } });
  }
  const without = stored.filter((commit) => there.has(commit));
  // Snapshots of turns that were rolled back meanwhile are gone.
  const commits = wanted.filter((commit) => there.has(commit));
  return { pack: await makePack(local, { commits, without }, signal), whole: without.length === 0 };
}

// --------------------------------------------------------------------------------------------------------- restoring

async function unpack(
  local: SnapshotStore,
  { threadId }: PacksToRestore,
  { id, bytes: size }: StoredPack,
  bytes: Buffer | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (bytes === undefined) throw incomplete(threadId, `pack ${id} is not in the store`);
  if (bytes.length !== size || idOf(bytes) !== id) throw incomplete(threadId, `pack ${id} in the store is damaged`);
  await checked(threadId, `pack ${id} has an object that is damaged or refers to one that is missing`, signal, () =>
    readPack(local, bytes, signal),
  );
}

async function keepSnapshots(
  local: SnapshotStore,
  { threadId, newest, snapshots }: PacksToRestore,
  signal: AbortSignal,
): Promise<void> {
  const there = await findCommits(local, [newest.commit, ...snapshots.flatMap(({ commits }) => commits)], signal);
  if (!there.has(newest.commit)) throw incomplete(threadId, `snapshot ${newest.commit} is in none of the packs`);
  await checked(threadId, 'a file of a snapshot is in none of the packs', signal, () =>
    assertWhole(local, [...there], signal),
  );
  const found = await describeCommit(local, newest.commit, signal);
  if (found.tree !== newest.tree || found.files !== newest.files)
    throw incomplete(threadId, `snapshot ${newest.commit} has ${toWords(found)} where ${toWords(newest)} were stored`);
  for (const { name, commits } of snapshots)
    for (const commit of commits) if (there.has(commit)) await keepUnder(local, { threadId, name }, commit);
}

/**
 * What a clone does not have, and the snapshot does, is written; the rest of the clone's files are removed, except where
 * the snapshot left something out. The rules are those of the snapshot, to which a file that a turn deleted is an
 * untracked one. They may leave it out, so that all files that the clone tracks are named, too.
 */
async function fillFolder(
  place: SnapshotPlace,
  local: SnapshotStore,
  { threadId, cwd, newest }: PacksToRestore,
  signal: AbortSignal,
): Promise<{ notRestored: string[] }> {
  const facts = await readFacts(gitOf(local, signal), newest.commit);
  if (facts === null) throw incomplete(threadId, `commit ${newest.commit} is no snapshot`);
  const plain = await takeSnapshot(place, cwd, [], signal);
  const known = [newest.commit, plain.commit];
  const fresh = await takeSnapshot(place, cwd, known, signal);
  const change = { cwd, before: newest.commit, after: fresh.commit, preview: false, keepAs: null };
  await revertChanges(place, change, signal);
  const now = await takeSnapshot(place, cwd, known, signal);
  const checkedOut = await readFacts(gitOf(local, signal), now.commit);
  const others = await listOthers(gitOf(local, signal), { commit: newest.commit, facts }, now.commit);
  if (checkedOut === null || others.length > 0)
    throw incomplete(threadId, `${others.length} files differ from the stored ones: ${listPaths(others)}`);
  return { notRestored: toMissing(facts, checkedOut).map((one) => cut(one)) };
}

/** Files whose content or kind differs, except those that the first snapshot left out and the folder has. */
async function listOthers(git: StoreGit, { commit, facts }: Known, now: string): Promise<RawPath[]> {
  const leftOut = new Set(Object.values(facts.leftOut).flat());
  const differences = await compareTrees(git, [commit, now]);
  const others = differences.filter(({ path, kinds }) => kinds[0] !== NO_FILE || !isWithin(path, leftOut));
  return others.map(({ path }) => path);
}

function toMissing(stored: SnapshotFacts, now: SnapshotFacts): string[] {
  const ignored = Object.keys(stored.ignored);
  const leftOut = Object.values(stored.leftOut).flat();
  const known = new Set(leftOut);
  const unknown = Object.values(now.leftOut)
    .flat()
    .filter((path) => !isWithin(path, known));
  const [head, isNow] = [stored.heads[''], now.heads['']];
  return [
    ...(ignored.length === 0 ? [] : [`Ignored, so not stored: ${listPaths(ignored)}`]),
    ...(leftOut.length === 0 ? [] : [`Too large or not readable, so not stored: ${listPaths(leftOut)}`]),
    ...(unknown.length === 0 ? [] : [`Too large or not readable, so as they are in the clone: ${listPaths(unknown)}`]),
    ...(head === isNow
      ? []
      : [`The repository has commit ${isNow ?? 'none'} checked out; before it was ${head ?? 'none'}.`]),
    'Branches, commits and the index of the repository that were not in its origin, processes, and what was installed outside of the workspace.',
  ];
}

/** A thread carries them. */
const LINE_CHARS = 1_000;

function cut(text: string): string {
  return text.length > LINE_CHARS ? `${text.slice(0, LINE_CHARS)}…` : text;
}

function toWords({ tree, files }: Pick<StoredFiles, 'tree' | 'files'>): string {
  return `${files} files of tree ${tree}`;
}

function incomplete(threadId: string, why: string, cause?: unknown): Failure {
  const message = `The workspace of thread ${threadId} cannot be restored: ${why}. The thread stays where it is.`;
  return new Failure('restoreIncomplete', message, { cause, details: { threadId } });
}

/** Git that finds something wrong fails as it does for want of space; both leave nothing behind. */
async function checked<T>(threadId: string, why: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    signal.throwIfAborted();
    const said = error instanceof Error ? error.message : String(error);
    throw incomplete(threadId, `${why} (${said.slice(0, 300)})`, error);
  }
}
