/** All requests that wait for a person, of every thread. */
import type { OpenRequests, ThreadSummary } from '../../contract/index.ts';
import { askAll } from '../ask-all.ts';
import type { Service } from '../service.ts';
import { listThreads } from './list.ts';
import { openHandle } from './thread-handle.ts';

const LIMIT = 500;

/** See `Bobbin.threads.requests`. */
export async function openRequests(service: Service): Promise<OpenRequests> {
  const waiting = await listThreads(service, { waiting: true, agents: true, limit: LIMIT });
  const shown = new Set(waiting.map(({ threadId }) => threadId));
  // A thread above shows the requests of those below.
  const roots = waiting.filter(({ parentId }) => parentId === null || !shown.has(parentId));
  const asked = await askAll(service, roots, read);
  const open = asked.flatMap((found) => found ?? []);
  return {
    open: open.sort((a, b) => a.request.openedAt - b.request.openedAt),
    unread: roots.filter((_, index) => asked[index] === null).map(({ threadId }) => threadId),
  };
}

async function read(service: Service, thread: ThreadSummary): Promise<OpenRequests['open']> {
  const handle = openHandle(service, thread.threadId);
  const view = await handle.view({ wait: false });
  const open = view.openRequests.filter(({ origin }) => origin?.answered !== true);
  const whole = await Promise.all(open.map((request) => handle.wholeRequest(request)));
  return whole.map((request) => ({ thread, request }));
}
