import { Failure } from '../../../activities/failures.ts';
import type { ArchivePort } from '../../../activities/ports.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { ownerOfSegment } from './segment-owner.ts';
import { decodeSegment, encodeSegment, toSegmentFileName } from './segment-file.ts';

export interface ArchiveOptions {
  /** All workers of a task queue must share it. */
  store: Store;
  /** Read for what `store` does not have: where earlier segments were written. */
  earlier?: Store;
  /** Compresses new segments. Both forms can always be read. */
  gzip?: boolean;
}

/**
 * Stores segments with checksums. `write` returns when the store has the data. An existing valid segment is never
 * overwritten, even if the body differs, because readers may have seen it. A damaged one is replaced, and so is an image,
 * which has the same bytes: the store then knows when it was last stored.
 *
 * Throws `archiveUnavailable` for errors of the store, and `archiveMissing` for a missing or damaged segment.
 */
export function createArchive({ store, earlier, gzip = true }: ArchiveOptions): ArchivePort {
  const find = async (segmentId: string): Promise<Segment> => {
    const found = await load(store, segmentId);
    if (found.status === 'whole' || earlier === undefined) return found;
    const before = await load(earlier, segmentId);
    return before.status === 'absent' ? found : before;
  };
  return {
    async write(segmentId, body) {
      const name = toSegmentFileName(segmentId);
      if (ownerOfSegment(name) !== 'image' && (await find(segmentId)).status === 'whole') return;
      const bytes = await encodeSegment(body, gzip);
      await naming(segmentId, () => store.write(name, bytes));
    },
    async read(segmentId) {
      const segment = await find(segmentId);
      if (segment.status === 'whole') return segment.body;
      const what = segment.status === 'damaged' ? 'is damaged (its checksum does not match)' : 'does not exist';
      const path = `${store.place}/${toSegmentFileName(segmentId)}`;
      throw new Failure(
        'archiveMissing',
        `Segment ${segmentId} of the archive cannot be read: ${path} ${what}. ` +
          'Restore it from a backup, or point the worker at the archive that it was written to.',
        { details: { segmentId, path } },
      );
    },
  };
}

type Segment = { status: 'whole'; body: string } | { status: 'damaged' } | { status: 'absent' };

async function load(store: Store, segmentId: string): Promise<Segment> {
  const bytes = await naming(segmentId, () => store.read(toSegmentFileName(segmentId)));
  if (bytes === undefined) return { status: 'absent' };
  const body = await decodeSegment(bytes);
  return body === undefined ? { status: 'damaged' } : { status: 'whole', body };
}

async function naming<T>(segmentId: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const { message, code } = error;
    throw new Failure('archiveUnavailable', `Segment ${segmentId} of the archive: ${message}`, {
      cause: error,
      details: { segmentId, code },
    });
  }
}
