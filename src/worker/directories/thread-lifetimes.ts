/** How long threads live, for the cleaner of the store. */
import { Failure } from '../../../activities/failures.ts';
import type { ThreadLifetimes } from '../../../activities/ports.ts';
import type { Service } from '../../client/service.ts';
import { threadLifetimes } from '../../client/threads/thread-lifetimes.ts';

/** Fails with `threadUnreadable`. */
export function createThreadLifetimes(service: Service): ThreadLifetimes {
  const threads = threadLifetimes(service);
  const ask = async <T>(threadId: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      throw unreadable(`Thread ${threadId} cannot be found`, error);
    }
  };
  return {
    endedAt: (threadId) => ask(threadId, () => threads.endedAt(threadId)),
    createdAt: (threadId) => ask(threadId, () => threads.createdAt(threadId)),
    hasRun: (threadId, runId) => ask(threadId, () => threads.hasRun(threadId, runId)),
    async readAll(note, signal) {
      try {
        await threads.readAll(note, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw unreadable('Threads cannot be read', error);
      }
    },
  };
}

function unreadable(what: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure('threadUnreadable', `${what}: ${message}`, { cause });
}
