/** The events of a thread as a stream that can be continued at any server. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { BobbinError } from '../../../client/bobbin-error.ts';
import { type Bobbin, type ThreadHandle, advanceCursor } from '../../../client/index.ts';
import type { TreeCursor, TreeEvent } from '../../../contract/index.ts';
import { PASSING } from '../../../client/threads/event-stream.ts';
import { optional } from '../../../contract/shapes.ts';
import { openOwn } from '../app.ts';
import { type Answer, type Endpoint, NOTHING, endpoint } from '../endpoint.ts';
import type { EventWriter } from '../event-stream.ts';
import { toProblem } from '../problem.ts';
import { parse } from '../request.ts';
import { FlagSchema, ref } from '../schemas.ts';
import type { Rights } from '../tokens.ts';
import { CURSOR_PATTERN, readCursor, writeCursor } from '../tree-cursor.ts';

const PlaceSchema = z.string().max(8_000).regex(CURSOR_PATTERN, 'the id of an event, or a sequence number, is needed');
const EventsSchema = z.object({
  after: optional(PlaceSchema).describe('The id of the event to continue after. `Last-Event-ID` counts before it.'),
  partial: optional(FlagSchema).describe('Whether to send what running steps show of their work, too.'),
  tree: optional(FlagSchema).describe('Whether to send the events of every thread below, too.'),
});

export const EVENT_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/events',
    tag: 'Events',
    summary: 'Follow the events of a thread',
    description: [
      'Server-sent events. Each logged event has its `seq` as `id`, so a reader that connects again with `Last-Event-ID`, to any server, has no gap and nothing twice.',
      'With `partial=true` deltas of running steps are among them, without an `id`.',
      'With `tree=true` the data is a `TreeEvent`: also the events of every agent and review below, at any depth, closed ones included, each with its thread. Those of one thread are in order; there is no order between threads. The `id` is then the place in all of them (`12,1=30,1/2=4`).',
      'The stream ends after `thread/closed`, that of a tree when all its threads have ended; asked again, it is 204, which ends an `EventSource`; so it is after the last event of a thread that was terminated. An event named `problem` has the reason why a stream ended early.',
    ].join(' '),
    scope: 'read',
    query: EventsSchema,
    answers: [
      { status: 200, says: 'The events.', mediaType: 'text/event-stream', schema: ref('StreamedEvent') },
      { status: 204, says: 'The thread is closed, and nothing follows.' },
    ],
    problems: [
      'threadNotFound',
      'threadRefused',
      'threadOpening',
      'tooManyStreams',
      'archiveMissing',
      'archiveUnavailable',
    ],
    async run({ bobbin, token, find, query, lastEventId, signal }) {
      const { thread, status } = await find();
      const place = lastEventId === undefined ? (query.after ?? '0') : parse(PlaceSchema, lastEventId, 'Last-Event-ID');
      const isTree = query.tree === 'true';
      if (!isTree && place.includes(','))
        throw new BobbinError('invalid', `${place} is a place in a tree: it needs tree=true.`);
      const after = await withoutForeign(bobbin, token, thread.threadId, readCursor(thread.threadId, place));
      const seq = after[thread.threadId] ?? 0;
      const isEnded = status !== 'RUNNING';
      const isOver = (seq > 0 || isEnded) && (await isAtEnd(thread, seq, isEnded));
      const partial = query.partial === 'true';
      if (isTree) return followTree(thread, after, { partial, isOver, signal });
      return isOver ? NOTHING : follow(thread, seq, partial);
    },
  }),
];

/** The ids of a place are the client's words: a thread that another one started may have an id that looks as if it were below. */
async function withoutForeign(bobbin: Bobbin, token: Rights, rootId: string, cursor: TreeCursor): Promise<TreeCursor> {
  if (token.owner === null) return cursor;
  const isOwn = async (threadId: string): Promise<boolean> => {
    try {
      if (threadId !== rootId) await openOwn(bobbin, token, threadId);
      return true;
    } catch (error) {
      if (error instanceof BobbinError && error.code === 'threadNotFound') return false;
      throw error;
    }
  };
  const places = Object.entries(cursor);
  const own = await Promise.all(places.map(([threadId]) => isOwn(threadId)));
  return Object.fromEntries(places.filter((_, index) => own[index]));
}

/** What has ended before it was open stays as it is, and any other code says so. */
const AWAY = new Set(['workerUnavailable', 'serviceUnavailable']);

/**
 * Throws `invalid` for a number that the thread has not reached: its reader would miss what comes until then. Throws
 * `threadRefused` for a thread that never began.
 * @param isEnded whether its workflow has ended, maybe without closing the thread
 */
async function isAtEnd(thread: ThreadHandle, after: number, isEnded: boolean): Promise<boolean> {
  const view = await thread.view({ wait: isEnded }).catch((error: unknown) => {
    const mayPass = error instanceof BobbinError && (isEnded && after === 0 ? AWAY : PASSING).has(error.code);
    // A stream begins without a worker, too.
    if (mayPass && (!isEnded || after === 0)) return undefined;
    throw error;
  });
  if (view === undefined) return false;
  if (after > view.lastSeq)
    throw new BobbinError(
      'invalid',
      `The thread has ${view.lastSeq} events, and none after ${after} to continue with.`,
    );
  return (isEnded || view.status === 'closed') && after >= view.lastSeq;
}

function follow(thread: ThreadHandle, after: number, partial: boolean): Answer {
  return send(async function* (signal) {
    const found = partial ? thread.events({ after, signal, partial }) : thread.events({ after, signal });
    for await (const event of found) yield 'seq' in event ? { id: String(event.seq), data: event } : { data: event };
  });
}

/** An answer begins by then, although the threads below may be silent for long. */
const FIRST_MS = 2_000;

/** @param options `isOver`: nothing follows in the thread itself. The threads below may have more. */
async function followTree(
  thread: ThreadHandle,
  after: TreeCursor,
  { partial, isOver, signal: left }: { partial: boolean; isOver: boolean; signal: AbortSignal },
): Promise<Answer> {
  // Ended by the client, by the server, or with the token.
  const stop = new AbortController();
  const signal = AbortSignal.any([left, stop.signal]);
  const events = thread.events({ tree: true, after, partial, signal });
  const begun = isOver ? firstOf(events) : undefined;
  // Awaited below, if a reader is still there.
  begun?.catch(() => undefined);
  const soon = () => delay(FIRST_MS, undefined, { signal }).catch(() => undefined);
  const first = begun === undefined ? undefined : await Promise.race([begun, soon()]);
  if (first?.done === true) return NOTHING;
  return send(async function* (ended) {
    ended.addEventListener('abort', () => stop.abort());
    let cursor = after;
    const place = (treeEvent: TreeEvent) => {
      cursor = advanceCursor(cursor, treeEvent);
      return { data: treeEvent, ...('seq' in treeEvent.event ? { id: writeCursor(thread.threadId, cursor) } : {}) };
    };
    const next = await begun;
    if (next?.done === true) return;
    if (next !== undefined) yield place(next.value);
    for await (const treeEvent of events) yield place(treeEvent);
  });
}

/** The end without closing is one, too: the reader has been told of it. */
async function firstOf(events: AsyncGenerator<TreeEvent, void>): Promise<IteratorResult<TreeEvent, void>> {
  try {
    return await events.next();
  } catch (error) {
    if (error instanceof BobbinError && error.code === 'threadClosed') return { done: true, value: undefined };
    throw error;
  }
}

function send(read: (signal: AbortSignal) => AsyncIterable<{ id?: string; data: unknown }>): Answer {
  const write = async (writer: EventWriter): Promise<void> => {
    const { signal } = writer;
    try {
      for await (const event of read(signal)) await writer.send(event);
    } catch (error) {
      if (signal.aborted || !(error instanceof BobbinError)) throw error;
      await writer.send({ name: 'problem', data: toProblem(error).problem });
    }
  };
  return { type: 'events', write };
}
