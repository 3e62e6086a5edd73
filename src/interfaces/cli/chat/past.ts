/** The newest turns of a thread, each whole, read from the end of its log. */
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent, ThreadView, TreeCursor } from '../../../contract/index.ts';
import type { Names } from '../thread/watch-tree.ts';

export interface Past {
  events: readonly ThreadEvent[];
  /** Number of turns before these. */
  earlierTurns: number;
}

/** About as many events are read, however long the thread is: some hundred turns. */
const EVENTS = 1_000;
/** A turn that is longer is read whole, with wider and wider windows. */
const WIDER = 4;

/** The events up to `lastSeq` of the view. Fewer after the signal. */
export async function readPast(
  thread: ThreadHandle,
  { lastSeq, turnCount }: Pick<ThreadView, 'lastSeq' | 'turnCount'>,
  signal: AbortSignal,
): Promise<Past> {
  for (let window = EVENTS; ; window *= WIDER) {
    const after = Math.max(0, lastSeq - window);
    const events = await readBetween(thread, after, lastSeq, signal);
    if (after === 0 || signal.aborted) return { events, earlierTurns: 0 };
    const first = events.findIndex((event) => event.type === 'turn/started' && event.besideTurnId === null);
    if (first < 0) continue;
    const shown = events.slice(first);
    const ended = shown.filter(({ type }) => type === 'turn/completed').length;
    return { events: shown, earlierTurns: Math.max(0, turnCount - ended) };
  }
}

async function readBetween(thread: ThreadHandle, after: number, until: number, signal: AbortSignal) {
  const events: ThreadEvent[] = [];
  if (after >= until) return events;
  for await (const event of thread.events({ after, signal })) {
    // Events that came meanwhile are left to the reader that follows.
    if (event.seq <= until) events.push(event);
    if (event.seq >= until) break;
  }
  return events;
}

/** Where the open agents below are now, at any depth: a chat shows what they do from then on. */
export async function agentsNow(
  bobbin: Bobbin,
  { subThreads }: Pick<ThreadView, 'subThreads'>,
  names: Names,
): Promise<TreeCursor> {
  const cursors = await Promise.all(
    subThreads.map(async (subThread) => {
      names.name(subThread);
      const { threadId, status } = subThread;
      if (status === 'shutdown' || status === 'notFound' || status === 'pendingInit') return {};
      const view = await bobbin.threads
        .get(threadId)
        .view()
        .catch(() => null);
      return view === null ? {} : { ...(await agentsNow(bobbin, view, names)), [threadId]: view.lastSeq };
    }),
  );
  return Object.assign({}, ...cursors) as TreeCursor;
}
