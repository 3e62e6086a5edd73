/** Removes packs of snapshots, segments of the archive and images from a store. */
import { Failure } from '../../../activities/failures.ts';
import type { CleanedObjects, StoreCleanerPort, StoreCleaning, ThreadLifetimes } from '../../../activities/ports.ts';
import { type SegmentOwner, ownerOfSegment } from '../archive/segment-owner.ts';
import { readPackName, toPrefix } from '../git/packs/pack-names.ts';
import { type Store, type StoredObject, StoreUnavailable } from '../store/store.ts';
import { cleanImages } from './clean-images.ts';
import { type ObjectGroup, inGroups } from './object-groups.ts';
import { KEPT, reasonToKeep } from './reason-to-keep.ts';

interface CleanerParts {
  packs: Store;
  segments: Store;
  namespace: string;
  threads: ThreadLifetimes;
}

export function createStoreCleaner(parts: CleanerParts): StoreCleanerPort {
  return { clean: (cleaning, signal) => naming(cleanAll(parts, cleaning, signal)) };
}

/** Images last: the past that was removed refers to none. */
async function* cleanAll(
  parts: CleanerParts,
  cleaning: StoreCleaning,
  signal: AbortSignal,
): AsyncGenerator<CleanedObjects> {
  yield* cleanPacks(parts, cleaning, signal);
  if (cleaning.archive) yield* cleanSegments(parts, cleaning, signal);
  if (cleaning.images && !signal.aborted) yield* cleanImages(parts, cleaning, signal);
}

async function* cleanPacks({ packs, namespace, threads }: CleanerParts, cleaning: StoreCleaning, signal: AbortSignal) {
  const isPack = (name: string) => {
    const threadId = readPackName(name)?.threadId;
    return threadId === undefined ? null : { threadId };
  };
  const groups = inGroups(packs.list(toPrefix(namespace)), isPack);
  yield* cleanGroups(groups, { kind: 'pack', store: packs, threads, cleaning }, signal);
}

async function* cleanSegments({ segments, threads }: CleanerParts, cleaning: StoreCleaning, signal: AbortSignal) {
  // Names of both forms; a folder has the packs below it, too.
  for (const prefix of ['h-', 's-']) {
    const groups = inGroups(segments.list(prefix), toOwner);
    yield* cleanGroups(groups, { kind: 'segment', store: segments, threads, cleaning }, signal);
  }
}

type Owner = Partial<SegmentOwner>;

function toOwner(name: string): Owner | null {
  const owner = ownerOfSegment(name);
  if (owner === 'image') return null;
  return owner === 'unclear' ? {} : owner;
}

interface Place {
  kind: CleanedObjects['kind'];
  store: Store;
  threads: ThreadLifetimes;
  cleaning: StoreCleaning;
}

async function* cleanGroups(
  groups: AsyncIterable<ObjectGroup<Owner>>,
  { kind, store, threads, cleaning }: Place,
  signal: AbortSignal,
): AsyncGenerator<CleanedObjects> {
  for await (const { owner, objects } of groups) {
    if (signal.aborted) return;
    const { threadId, origin } = owner;
    const kept =
      threadId === undefined
        ? KEPT.unclear
        : await reasonToKeep(threads, { threadId, origin, writtenAt: newest(objects) }, cleaning);
    if (kept === null && !cleaning.preview) await store.remove(objects.map(({ name }) => name));
    const bytes = objects.reduce((sum, one) => sum + one.bytes, 0);
    yield { kind, threadId: threadId ?? null, objects: objects.length, bytes, kept };
  }
}

/** In a loop: a thread may have more objects than a call takes arguments. */
function newest(objects: readonly StoredObject[]): number {
  return objects.reduce((latest, { writtenAt }) => Math.max(latest, writtenAt), 0);
}

async function* naming<T>(cleaned: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* cleaned;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const { message, code } = error;
    throw new Failure('storeUnavailable', `Cleaning the store: ${message}`, { cause: error, details: { code } });
  }
}
