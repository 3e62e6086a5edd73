/** A lock between processes that is waited for as long as its holder lives: a fetch may take an hour. */
import { LockHeldError, acquireLock } from '../../../folders/lock.ts';

export async function withPatientLock<T>(
  path: string,
  what: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(path, what, signal);
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(path: string, what: string, signal: AbortSignal): Promise<() => void> {
  for (;;) {
    try {
      return await acquireLock(path, { what, signal });
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
    }
  }
}
