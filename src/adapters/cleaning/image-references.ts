/** Which images threads refer to: by everything that they know, wherever the hash of an image is in it. */
import type { ThreadLifetimes } from '../../../activities/ports.ts';
import { ownerOfSegment } from '../archive/segment-owner.ts';
import { decodeSegment } from '../archive/segment-file.ts';
import type { Store } from '../store/store.ts';

/** Segments that are read at the same time. */
const AT_ONCE = 8;
const HASH = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

interface References {
  /** The hashes of the given ones that nothing refers to. */
  unnamed: Set<string>;
  /** A segment that cannot be read; null if there is none. */
  damaged: string | null;
}

/**
 * The service first, then the store: what a thread knows goes into the archive while both are read, never out of it.
 * Rejects when the signal fires.
 */
export async function findUnnamed(
  hashes: Iterable<string>,
  { segments, threads }: { segments: Store; threads: ThreadLifetimes },
  signal: AbortSignal,
): Promise<References> {
  const unnamed = new Set(hashes);
  if (unnamed.size === 0) return { unnamed, damaged: null };
  const note = (text: string) => {
    for (const [hash] of text.matchAll(HASH)) unnamed.delete(hash);
  };
  await threads.readAll(note, signal);
  let damaged: string | null = null;
  for (const prefix of ['h-', 's-']) {
    const names = segments.list(prefix)[Symbol.asyncIterator]();
    const work = async () => {
      for (let next = await names.next(); !next.done && unnamed.size > 0; next = await names.next()) {
        signal.throwIfAborted();
        const { name } = next.value;
        if (!name.endsWith('.segment') || ownerOfSegment(name) === 'image') continue;
        const bytes = await segments.read(name);
        const text = bytes === undefined ? '' : await decodeSegment(bytes);
        if (text === undefined) damaged = name;
        else note(text);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  signal.throwIfAborted();
  return { unnamed, damaged };
}
