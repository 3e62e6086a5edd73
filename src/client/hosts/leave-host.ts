/** Moves the threads of a host that work in clones to other hosts. */
import { BobbinError } from '../bobbin-error.ts';
import type { Service } from '../service.ts';
import { listThreads } from '../threads/list.ts';
import { openHandle } from '../threads/thread-handle.ts';

/** Ids of threads. */
export interface Leaving {
  moved: string[];
  /** They have a turn, or something else that ends by itself: to be asked again. */
  busy: string[];
  /** They stay, with the reason. */
  staying: { threadId: string; reason: string }[];
}

const AT_ONCE = 8;
const ALL = 1_000_000;

/** @param threadIds those to ask. Default: all that are open */
export async function leaveHost(service: Service, hostId: string, threadIds?: readonly string[]): Promise<Leaving> {
  // Hosts belong to a task queue; nobody here may answer for the threads of another.
  const all = async () => listThreads(service, { open: true, ownQueue: true, limit: ALL });
  const asked = threadIds === undefined ? (await all()).map((thread) => thread.threadId) : [...threadIds];
  const leaving: Leaving = { moved: [], busy: [], staying: [] };
  const work = async (): Promise<void> => {
    for (let threadId = asked.shift(); threadId !== undefined; threadId = asked.shift())
      await leave(service, hostId, threadId, leaving);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return leaving;
}

async function leave(service: Service, hostId: string, threadId: string, leaving: Leaving): Promise<void> {
  const thread = openHandle(service, threadId);
  try {
    const { host, managed, hostGroup, parent } = (await thread.view({ wait: false })).settings;
    const isMovable = managed !== undefined || hostGroup !== undefined;
    // An agent stays with the thread that has started it.
    if (host !== hostId || !isMovable || parent !== null) return;
    await thread.move({});
    leaving.moved.push(threadId);
  } catch (error) {
    if (!(error instanceof BobbinError)) throw error;
    if (error.code === 'threadClosed' || error.code === 'threadNotFound') return;
    if (error.code === 'threadBusy' || error.code === 'agentsOpen' || error.code === 'threadOpening')
      leaving.busy.push(threadId);
    else leaving.staying.push({ threadId, reason: error.message });
  }
}
