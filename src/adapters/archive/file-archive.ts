import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { ArchivePort } from '../../../activities/ports.ts';
import { writePrivateFile } from '../../folders/private-file.ts';
import { decodeSegment, encodeSegment, toSegmentFileName } from './segment-file.ts';

export interface FileArchiveOptions {
  /** Absolute; made when the first segment is written. To be shared by all workers of a task queue. */
  directory: string;
  /** Packs new segments. Both forms are read whatever it says. */
  gzip?: boolean;
}

/**
 * Segments as files, each with a checksum. `write` returns once the disk has it. A segment that is there and whole is
 * never written again, also where the body differs: the first one is what readers may have seen. A torn one is replaced.
 *
 * Throws `archiveUnavailable` where the file system refuses, and `archiveMissing` for a segment that is not there or torn.
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
