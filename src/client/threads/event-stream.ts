/** Follows the events of a thread across continue-as-new, archived segments and lost connections. */
import type { ArchiveBody, ArchiveSegment, EventsPage, PartialEvent, ThreadEvent } from '../../contract/index.ts';
import type { CompletedTask } from '../../../workflows/thread/shell/messages.ts';
import { isPassing } from '../ask-again.ts';
import { createBackoff } from '../backoff.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { type HistoryChanges, pause, untilAborted, watchHistory } from './history-changes.ts';
import { type PartialText, createPartialText } from './partial-text.ts';
import type { StepProgress } from './progress.ts';
import { reasonOfRefusal } from './refusal.ts';
import type { Service } from '../service.ts';

export interface EventStreamOptions {
  /** Sequence number to continue after. 0 by default. */
  after?: number;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
}

const PAGE = 200;
const BEGINS_WORK = new Set<ThreadEvent['type']>(['turn/started', 'turn/queued']);
const RETRY_MS = { first: 100, most: 2_000 };
/** Temporary errors: the reader waits for a worker or the service to come back. */
export const PASSING = new Set(['serviceUnavailable', 'workerUnavailable', 'threadOpening', 'betweenWorkers']);

export interface EventSource {
  progress: () => Promise<StepProgress[]>;
  events: (after: number, limit: number, completedTask: CompletedTask | null) => Promise<EventsPage>;
  archived: (segment: ArchiveSegment) => Promise<ArchiveBody>;
}

/**
 * Yields every event in order, each once. Ends when the workflow has ended after its last `thread/closed`, or when the signal
 * fires. Throws `threadRefused` if the thread has refused its start argument, and `threadClosed` if it ended without that
 * event in another way, such as terminated.
 *
 * @param options.untilRest for a caller who waits for the end of a turn: events may come late while steps run
 */
export async function* streamEvents(
  service: Service,
  thread: { threadId: string; workflowId: string },
  source: EventSource,
  options: EventStreamOptions & { partial?: boolean; untilRest?: boolean } = {},
): AsyncGenerator<ThreadEvent | PartialEvent, void, undefined> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const changes = watchHistory(service, thread.workflowId, signal, { untilRest: options.untilRest === true });
  const partial = options.partial === true ? createPartialText(() => source.progress()) : undefined;
  let after = options.after ?? 0;
  const retries = createBackoff(RETRY_MS);
  let ends = 0;
  let closed = false;
  try {
    for (;;) {
      yield* untilNews(changes, partial);
      // A run that has ended may have a successor, which the next read finds.
      ends = changes.over ? ends + 1 : 0;
      for (let more = true; more;) {
        if (signal.aborted) return;
        const read = await untilAborted(readOnce(source, thread.threadId, after, changes.completedTask), signal);
        if (read === null || read instanceof BobbinError) {
          if (ends > 0 && isPassing(read)) throw await endedSilently(service, thread);
          await pause(retries.next(), signal);
          // The history shows whether a thread that is being opened succeeds.
          more = read?.code !== 'threadOpening';
          continue;
        }
        retries.reset();
        for (const event of read.events) {
          partial?.note(event);
          closed = isClosedAfter(closed, event);
          yield event;
        }
        after = read.next;
        more = read.more;
      }
      if (closed && changes.over) return;
      if (ends > 1 && (await wasClosed(source, thread.threadId, after))) return;
      if (ends > 1) throw await endedSilently(service, thread);
    }
  } finally {
    stop.abort();
  }
}

/** A closed thread may still report a late end, and may have been resumed since, which shows with its next turn. */
function isClosedAfter(closed: boolean, { type }: ThreadEvent): boolean {
  return type === 'thread/closed' || (closed && !BEGINS_WORK.has(type));
}

/** Whether `thread/closed` is among the events that the reader had before. */
async function wasClosed(source: EventSource, threadId: string, after: number): Promise<boolean> {
  let closed = false;
  for (let from = Math.max(0, after - PAGE); from < after;) {
    const read = await readOnce(source, threadId, from, null);
    if (read instanceof BobbinError || read.events.length === 0) return closed;
    closed = read.events.filter(({ seq }) => seq <= after).reduce(isClosedAfter, closed);
    from = read.next;
  }
  return closed;
}

/** Shows the running steps until there is news of the thread. */
async function* untilNews(changes: HistoryChanges, partial: PartialText | undefined): AsyncGenerator<PartialEvent> {
  const news = new AbortController();
  const waited = changes.next().finally(() => news.abort());
  if (partial !== undefined) yield* partial.follow(news.signal);
  await waited;
}

async function endedSilently(
  service: Service,
  { threadId, workflowId }: { threadId: string; workflowId: string },
): Promise<BobbinError> {
  const reason = await reasonOfRefusal(service, workflowId).catch(() => null);
  if (reason !== null) return new BobbinError('threadRefused', reason);
  const message = `read events: the workflow of thread ${threadId} has ended without closing the thread.`;
  return new BobbinError('threadClosed', message);
}

/** Returns temporary errors as a value. */
async function readOnce(
  source: EventSource,
  threadId: string,
  after: number,
  completedTask: CompletedTask | null,
): Promise<{ events: ThreadEvent[]; next: number; more: boolean } | BobbinError> {
  try {
    const page = await source.events(after, PAGE, completedTask);
    if (page.archived === null) return { events: page.events, next: page.next, more: page.more };
    const { events } = await source.archived(page.archived);
    return { events: events.filter(({ seq }) => seq > after), next: page.archived.events.to - 1, more: true };
  } catch (error) {
    const failure = error instanceof BobbinError ? error : toBobbinError(error, { threadId, action: 'read events' });
    if (PASSING.has(failure.code)) return failure;
    throw failure;
  }
}
