/** The operator's own archive. */
import { Failure } from '../../../activities/failures.ts';
import type { ArchivePort } from '../../../activities/ports.ts';
import { toMessage } from './tools.ts';
import { runWithinLimits } from './within-limits.ts';

/**
 * Stores segments of the past of threads by their ids. `read` throws a `Failure` with code `archiveMissing` for a segment
 * that it does not have; other errors count as temporary.
 */
export type OwnArchive = ArchivePort;

const TIMEOUT_MS = 30_000;

export function withinTime(archive: OwnArchive): ArchivePort {
  return {
    write: (segmentId, body) => run('write', segmentId, () => archive.write(segmentId, body)),
    async read(segmentId) {
      const body: unknown = await run('read', segmentId, () => archive.read(segmentId));
      if (typeof body === 'string') return body;
      throw unavailable('read', segmentId, `it returned ${body === null ? 'null' : typeof body} instead of text`);
    },
  };
}

async function run<T>(what: string, segmentId: string, call: () => Promise<T>): Promise<T> {
  const end = await runWithinLimits(call, { signal: new AbortController().signal, timeoutMs: TIMEOUT_MS });
  if (end.type === 'returned') return end.value;
  if (end.type !== 'threw') throw unavailable(what, segmentId, `it took more than ${TIMEOUT_MS} ms`);
  if (end.error instanceof Failure) throw end.error;
  throw unavailable(what, segmentId, toMessage(end.error), end.error);
}

function unavailable(what: string, segmentId: string, why: string, cause?: unknown): Failure {
  return new Failure('archiveUnavailable', `The archive of this worker could not ${what} ${segmentId}: ${why}`, {
    cause,
  });
}
