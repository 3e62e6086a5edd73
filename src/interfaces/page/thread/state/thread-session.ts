/** Keeps the state of one thread up to date until it is stopped. */
import type { ThreadRequest, ThreadView } from '../../../../contract/index.ts';
import { get, isFinal, threadPath, toProblemWords } from '../../base/api.ts';
import { sleep } from '../../base/sleep.ts';
import { followEvents } from './event-stream.ts';
import type { Input } from './thread-state.ts';

/** Events before the newest that are shown at once. */
const PAST_EVENTS = 500;
/** Between the event of a change and the reading of the view: several changes come at once. */
const GATHER_MS = 100;
const RETRY_MS = 2_000;
/** Of a thread at work: what it costs, and whether its worker still answers. */
const REFRESH_MS = 5_000;
const HIDDEN_REFRESH_MS = 15_000;

export interface ThreadSession {
  refresh(): void;
  stop(): void;
}

/** @param onEnd gets the reason why nothing more can be read, such as a thread that does not exist */
export function followThread(
  threadId: string,
  take: (input: Input) => void,
  onEnd: (error: unknown) => void,
): ThreadSession {
  const stop = new AbortController();
  const { signal } = stop;
  let timer: number | undefined;
  let dueAt = Infinity;
  /** Called when a view says that the thread is open. */
  let onOpen: () => void = () => undefined;

  /** At that time at the latest. */
  const refreshIn = (ms: number): void => {
    const at = Date.now() + ms;
    if (at >= dueAt) return;
    window.clearTimeout(timer);
    dueAt = at;
    timer = window.setTimeout(() => void refresh(), ms);
  };
  const refresh = async (): Promise<void> => {
    dueAt = Infinity;
    try {
      const view = await readView(threadId, take, signal);
      if (view.status !== 'closed') onOpen();
      // A hidden tab reads no events, but its title says what waits.
      if (document.hidden) refreshIn(HIDDEN_REFRESH_MS);
      else if (view.activeTurn !== null) refreshIn(REFRESH_MS);
    } catch (error) {
      if (signal.aborted) return;
      take({ type: 'trouble', of: 'view', words: toProblemWords(error) });
      refreshIn(RETRY_MS);
    }
  };
  const run = async (): Promise<void> => {
    const { lastSeq } = await firstView(threadId, take, signal);
    const reader = {
      onEvent(event: Extract<Input, { type: 'event' }>['event']) {
        take({ type: 'event', event });
        if ('seq' in event && (event.seq > lastSeq || event.seq === 1) && CHANGES_VIEW.test(event.type))
          refreshIn(GATHER_MS);
      },
      onTrouble: (trouble: Error | null) => take({ type: 'trouble', of: 'stream', words: trouble?.message ?? null }),
    };
    refreshIn(REFRESH_MS);
    document.addEventListener('visibilitychange', () => refreshIn(0), { signal });
    let seq = Math.max(0, lastSeq - PAST_EVENTS);
    for (;;) {
      seq = await followEvents(threadId, seq, reader, signal);
      // Another tab or command may open it again.
      await new Promise<void>((resolve) => (onOpen = resolve));
    }
  };
  run().catch((error: unknown) => {
    if (!signal.aborted) onEnd(error);
  });
  return {
    refresh: () => refreshIn(0),
    stop: () => {
      stop.abort();
      window.clearTimeout(timer);
    },
  };
}

const CHANGES_VIEW = /^(turn\/|item\/(started|completed|.*request)|serverRequest\/|thread\/|subThread\/)/;

async function firstView(threadId: string, take: (input: Input) => void, signal: AbortSignal): Promise<ThreadView> {
  for (;;) {
    try {
      return await readView(threadId, take, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      take({ type: 'trouble', of: 'view', words: toProblemWords(error) });
    }
    await sleep(RETRY_MS, signal);
  }
}

async function readView(threadId: string, take: (input: Input) => void, signal: AbortSignal): Promise<ThreadView> {
  const view = await get<ThreadView>(threadPath(threadId), signal);
  const { requests } =
    view.openRequests.length === 0
      ? { requests: [] }
      : await get<{ requests: ThreadRequest[] }>(threadPath(threadId, '/requests'), signal);
  take({ type: 'view', view, requests });
  return view;
}
