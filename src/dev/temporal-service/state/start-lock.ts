import { LockHeldError, acquireLock } from '../../../folders/lock.ts';
import { type Progress, withProgress } from '../obtain/progress.ts';
import { TemporalServiceError } from '../run/service-error.ts';

/**
 * Runs `work` while no other process starts the same, and reports a wait for another start. Throws `serviceUnresponsive` if
 * that takes longer than 90 seconds.
 */
export async function withStartLock<T>(
  path: string,
  options: { what: string; onProgress?: Progress | undefined; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const { what, onProgress, signal } = options;
  const waiting = () => `Waiting for another start of ${what}`;
  const release = await withProgress(onProgress, waiting, () =>
    acquireLock(path, { what: `starts ${what}`, signal }),
  ).catch((error: unknown) => {
    throw error instanceof LockHeldError
      ? new TemporalServiceError('serviceUnresponsive', error.message, error)
      : error;
  });
  try {
    return await work();
  } finally {
    release();
  }
}
