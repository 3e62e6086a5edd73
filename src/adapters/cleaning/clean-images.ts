/**
 * Removes images that no thread refers to, in two steps, since a thread may begin to refer to one at any time.
 *
 * 1. An image that was last stored long ago, and to which nothing refers, is set aside: it gets another name, by which it
 *    is still found. Storing it again gives it back its first name.
 * 2. A later cleaning, half a day after it at least, looks again. It removes what nothing refers to, and puts back the rest.
 *
 * So nothing that is stored under its first name is ever removed, and what was set aside while somebody was about to
 * submit it is found by the second look.
 */
import type { CleanedObjects, StoreCleaning, ThreadLifetimes } from '../../../activities/ports.ts';
import { toImageId, toSetAsideId } from '../../contract/plain/images/image-types.ts';
import { imageOfSegment } from '../archive/segment-owner.ts';
import { toSegmentFileName } from '../archive/segment-file.ts';
import { toPrefix } from '../git/packs/pack-names.ts';
import type { Store, StoredObject } from '../store/store.ts';
import { findUnnamed } from './image-references.ts';
import { KEPT } from './reason-to-keep.ts';

interface ImageParts {
  packs: Store;
  segments: Store;
  namespace: string;
  threads: ThreadLifetimes;
}

const HOUR_MS = 3_600_000;
/** A lower limit for `keepMs`: an image is stored before the turn that contains it is submitted. */
const MIN_AGE_MS = 24 * HOUR_MS;
/** Less than a day, so that a cleaning every night finds what the one before it has set aside. */
const ASIDE_MS = 12 * HOUR_MS;

const STORED = 's-image,';
const ASIDE = 's-set-aside,';

export async function* cleanImages(
  parts: ImageParts,
  { keepMs, preview }: StoreCleaning,
  signal: AbortSignal,
): AsyncGenerator<CleanedObjects> {
  const { segments } = parts;
  const begun = Date.now();
  const isOld = ({ writtenAt }: StoredObject) => writtenAt < begun - Math.max(keepMs, MIN_AGE_MS);
  const stored = await timesOf(segments, STORED, isOld);
  const aside = await timesOf(segments, ASIDE, () => true);
  const looked = new Set([...stored.keys(), ...aside.keys()]);
  const isShared = looked.size > 0 && (await isUsedByOthers(parts));
  const references = await findUnnamed(isShared ? [] : looked, parts, signal).catch((error: unknown) => {
    if (signal.aborted) return null;
    throw error;
  });
  if (references === null) return;
  const { unnamed, damaged } = references;
  const whyNamed = (hash: string): string | null => {
    if (isShared) return KEPT.others;
    if (!unnamed.has(hash)) return KEPT.named;
    return damaged === null ? null : `a segment is damaged, and may refer to it: ${damaged}`;
  };
  const putBack = new Set<string>();
  // Listed again, as another cleaning, or a client, may have stored an image since.
  for await (const [hash, one] of imagesBelow(segments, ASIDE)) {
    if (signal.aborted) return;
    const isDue = one.writtenAt < begun - ASIDE_MS && aside.get(hash) === one.writtenAt;
    const kept = aside.has(hash) ? (whyNamed(hash) ?? (isDue ? null : KEPT.aside)) : KEPT.aside;
    if (!preview && kept === KEPT.named) {
      await move(segments, one.name, toSegmentFileName(toImageId(hash)));
      putBack.add(hash);
    }
    if (!preview && kept === null) await segments.remove([one.name]);
    yield toCleaned(one, kept);
  }
  for await (const [hash, one] of imagesBelow(segments, STORED)) {
    if (signal.aborted) return;
    if (putBack.has(hash)) continue;
    const kept = stored.get(hash) === one.writtenAt ? (whyNamed(hash) ?? KEPT.aside) : KEPT.justStored;
    if (!preview && kept === KEPT.aside) await move(segments, one.name, toSegmentFileName(toSetAsideId(hash)));
    yield toCleaned(one, kept);
  }
}

async function* imagesBelow(store: Store, prefix: string): AsyncGenerator<[hash: string, StoredObject]> {
  for await (const object of store.list(prefix)) {
    const hash = imageOfSegment(object.name);
    if (hash !== null) yield [hash, object];
  }
}

/** When each image was last stored, by its hash. */
async function timesOf(
  store: Store,
  prefix: string,
  filter: (object: StoredObject) => boolean,
): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for await (const [hash, object] of imagesBelow(store, prefix)) if (filter(object)) times.set(hash, object.writtenAt);
  return times;
}

/** Images have no namespace in their names, and threads of another one cannot be read. */
async function isUsedByOthers({ packs, namespace }: ImageParts): Promise<boolean> {
  const own = toPrefix(namespace);
  for await (const { name } of packs.list('')) if (!name.startsWith(own)) return true;
  return false;
}

/** The image is always under one of the two names. */
async function move(store: Store, from: string, to: string): Promise<void> {
  const bytes = await store.read(from);
  if (bytes === undefined) return;
  await store.write(to, bytes);
  await store.remove([from]);
}

function toCleaned({ bytes }: StoredObject, kept: string | null): CleanedObjects {
  return { kind: 'image', threadId: null, objects: 1, bytes, kept };
}
