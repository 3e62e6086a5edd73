import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { ArchivePort } from '../../../activities/ports.ts';
import { writePrivateFile } from '../../folders/private-file.ts';
import { decodeSegment, encodeSegment, toSegmentFileName } from './segment-file.ts';

export interface FileArchiveOptions {
  /** Absolute path, created with the first segment. All workers of a task queue must share it. */
  directory: string;
  /** Compresses new segments. Both forms can always be read. */
  gzip?: boolean;
}

/**
 * Stores segments as files with checksums. `write` returns when the disk has the data. An existing valid segment is never
 * overwritten, even if the body differs, because readers may have seen it. A damaged one is replaced.
 *
 * Throws `archiveUnavailable` for errors of the file system, and `archiveMissing` for a missing or damaged segment.
 */
export function createFileArchive({ directory, gzip = true }: FileArchiveOptions): ArchivePort {
  const pathOf = (segmentId: string): string => join(directory, toSegmentFileName(segmentId));
  return {
    async write(segmentId, body) {
      const path = pathOf(segmentId);
      const existing = await load(path, segmentId);
      if (existing.status === 'whole') return;
      await store(path, segmentId, await encodeSegment(body, gzip));
    },
    async read(segmentId) {
      const path = pathOf(segmentId);
      const segment = await load(path, segmentId);
      if (segment.status === 'whole') return segment.body;
      const what = segment.status === 'torn' ? 'is damaged (its checksum does not match)' : 'does not exist';
      throw new Failure(
        'archiveMissing',
        `Segment ${segmentId} of the archive cannot be read: ${path} ${what}. ` +
          'Restore it from a backup, or point the worker at the archive folder it was written to.',
        { details: { segmentId, path } },
      );
    },
  };
}

type Segment = { status: 'whole'; body: string } | { status: 'torn' } | { status: 'absent' };

async function load(path: string, segmentId: string): Promise<Segment> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { status: 'absent' };
    throw unavailable('read', path, segmentId, error);
  }
  const body = await decodeSegment(bytes);
  return body === undefined ? { status: 'torn' } : { status: 'whole', body };
}

async function store(path: string, segmentId: string, bytes: Buffer): Promise<void> {
  try {
    await writePrivateFile(path, bytes);
  } catch (error) {
    throw unavailable('written', path, segmentId, error);
  }
}

const ADVICE: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space, the write is tried again.',
  EDQUOT: 'The disk quota is used up: free some space, the write is tried again.',
  EACCES: 'The worker may not use this folder: give it the right to read and write there.',
  EPERM: 'The worker may not use this folder: give it the right to read and write there.',
  EROFS: 'The file system is read-only: put the archive on one that can be written.',
};

function unavailable(verb: string, path: string, segmentId: string, cause: unknown): Failure {
  const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
  const advice = ADVICE[code] ?? 'Check the folder; the step is tried again.';
  return new Failure(
    'archiveUnavailable',
    `Segment ${segmentId} of the archive could not be ${verb} at ${path}: ${message}. ${advice}`,
    { cause, details: { segmentId, path, code } },
  );
}
