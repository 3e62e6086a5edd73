/** Stores the files of a workspace as they are on disk. Git does not read the workspace. */
import type { Snapshot } from '../../../../activities/ports.ts';
import { assertWorkspace } from '../../files/workspace.ts';
import { toEarlierWalk } from './earlier-walk.ts';
import type { RawPath } from '../process/git-process.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';
import { Slices } from '../process/slices.ts';
import { importCommit } from './snapshot-commit.ts';
import { isSame, kindsOf, toFacts, toWarnings } from './snapshot-facts.ts';
import { type Draft, readAll, remove } from './snapshot-files.ts';
import { type SnapshotStore, openStore, toStored } from './snapshot-store.ts';
import { oneAtATime } from './snapshot-queue.ts';
import { walk } from './walk.ts';

export interface SnapshotPlace {
  /** The worker's data folder, absolute. */
  directory: string;
  /** Folders of the worker that are in no snapshot, absolute. */
  apart: readonly string[];
  /** Absolute paths that commands cannot read, and that are left out for that reason. */
  closed: readonly string[];
}

/** @param after earlier snapshots, whose paths are read whatever the rules now say. */
export async function takeSnapshot(
  place: SnapshotPlace,
  cwd: string,
  after: readonly string[],
  signal: AbortSignal,
): Promise<Extract<Snapshot, { status: 'taken' }>> {
  assertWorkspace(cwd);
  const store = await openStore(place.directory, cwd);
  return oneAtATime(store.gitDir, async () => {
    const { commit, facts } = await makeSnapshot(store, place, after, signal);
    return { status: 'taken', commit, warnings: toWarnings(facts) };
  });
}

async function makeSnapshot(
  store: SnapshotStore,
  { apart, closed }: SnapshotPlace,
  after: readonly string[],
  signal: AbortSignal,
): Promise<Manifest> {
  signal.throwIfAborted();
  const slices = new Slices(signal);
  const known = await readManifest(store, slices);
  const since = await toEarlierWalk(store, after, known, signal);
  const startedAt = Date.now();
  const options = { apart: [...apart, store.gitDir], closed, known: known?.entries, ...since };
  const { files, changed, ...found } = await walk(store.folder, options, slices);
  // As many files as before, none of them new, are the same files.
  const isSameSet = files.size === known?.entries.size && changed.every((path) => known.entries.has(path));
  if (
    known !== null &&
    isSameSet &&
    changed.length === 0 &&
    isSame({ ...found, modes: known.facts.modes }, known.facts)
  )
    return known;
  const draft: Draft = { entries: new Map(known?.entries), gone: [], taken: [], written: [], ...found, startedAt };
  if (!isSameSet) for (const path of known?.entries.keys() ?? []) if (!files.has(path)) remove(draft, path);
  return storeDraft(store, { known, draft, changed }, slices);
}

interface Change {
  known: Manifest | null;
  draft: Draft;
  /** Paths that may have changed. */
  changed: readonly RawPath[];
}

/** Reads the files that may have changed, and stores the differences. */
async function storeDraft(store: SnapshotStore, { known, draft, changed }: Change, slices: Slices): Promise<Manifest> {
  const contents = readAll(store.folder, changed, draft, slices);
  try {
    // No git runs if nothing must be written.
    const begun = await contents.next();
    const isSameTree = begun.done === true && draft.written.length + draft.gone.length === 0;
    const manifest =
      known !== null && isSameTree && isSame(toFacts(draft), known.facts)
        ? { ...known, entries: draft.entries }
        : await importDraft(store, { known, draft }, resume(begun, contents), slices.signal);
    await writeManifest(store, manifest, { known, taken: draft.taken, gone: draft.gone }, slices);
    return manifest;
  } finally {
    await contents.return();
  }
}

async function importDraft(
  store: SnapshotStore,
  { known, draft }: Omit<Change, 'changed'>,
  contents: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<Manifest> {
  const facts = () => toStored(toFacts(draft), () => kindsOf(draft.entries));
  const parts = { tree: known?.tree ?? null, change: draft, contents, facts };
  const stored = await importCommit(store, parts, signal);
  return { ...stored, facts: toFacts(draft), entries: draft.entries };
}

async function* resume(begun: IteratorResult<Buffer, void>, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (begun.done !== true) yield begun.value;
  yield* rest;
}
