/** All requests that wait for a person, of every thread. */
import type { OpenRequests, ThreadRequest, ThreadSummary } from '../../contract/index.ts';
import { inParallel } from '../in-parallel.ts';
import { type Service, withDeadline } from '../service.ts';
import { listThreads } from './list.ts';
import { openHandle } from './thread-handle.ts';

const LIMIT = 500;
/** A thread that no worker serves must not hold up the others. */
const DEADLINE_MS = 3_000;
const ASKED_AT_ONCE = 32;

/** See `Bobbin.threads.requests`. */
export async function openRequests(service: Service): Promise<OpenRequests> {
  const waiting = await listThreads(service, { waiting: true, agents: true, limit: LIMIT });
  const shown = new Set(waiting.map(({ threadId }) => threadId));
  // A thread above shows the requests of those below.
  const roots = waiting.filter(({ parentId }) => parentId === null || !shown.has(parentId));
  const quick = withDeadline(service, DEADLINE_MS);
  const asked = await inParallel(ASKED_AT_ONCE, roots, (thread) => read(quick, thread));
  const open = asked.flatMap(({ thread, requests }) => (requests ?? []).map((request) => ({ thread, request })));
  return {
    open: open.sort((a, b) => a.request.openedAt - b.request.openedAt),
    unread: asked.filter(({ requests }) => requests === null).map(({ thread }) => thread.threadId),
  };
}

/** `requests` is null if the thread did not answer. */
async function read(
  service: Service,
  thread: ThreadSummary,
): Promise<{ thread: ThreadSummary; requests: ThreadRequest[] | null }> {
  const handle = openHandle(service, thread.threadId);
  try {
    const view = await handle.view({ wait: false });
    const open = view.openRequests.filter(({ origin }) => origin?.answered !== true);
    return { thread, requests: await Promise.all(open.map((request) => handle.wholeRequest(request))) };
  } catch {
    return { thread, requests: null };
  }
}
