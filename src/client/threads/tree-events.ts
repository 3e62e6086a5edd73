/**
 * Follows a thread and every thread below it, each by its own log: agents, their agents, reviews. A thread is found by the
 * entries that its parent's log has about it, so nothing of its log is copied into its parent's.
 */
import {
  type PartialEvent,
  type ThreadEvent,
  type TreeCursor,
  type TreeEvent,
  toWorkflowId,
} from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import type { Service } from '../service.ts';
import { openSource } from './event-source.ts';
import { type EventSource, streamEvents } from './event-stream.ts';
import { createMerge } from './merge.ts';

export interface TreeOptions {
  /** Where to continue. Default: the beginning of every thread. */
  after?: TreeCursor;
  /** Also what running steps show of their work. */
  partial?: boolean;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
}

/** Threads that are followed in parallel, each with one open call at the service. More wait until others have ended. */
const MAX_FOLLOWED = 256;
/** Pages that are read in parallel: each is a query at a worker. */
const MAX_READS = 8;

/** See `ThreadHandle.events`. */
export function streamTree(
  service: Service,
  rootId: string,
  options: TreeOptions = {},
): AsyncGenerator<TreeEvent, void, undefined> {
  const gate = createGate(MAX_READS);
  return mergeTree(rootId, options, (threadId, after, signal) => {
    const thread = { threadId, workflowId: toWorkflowId(threadId) };
    const { partial = false } = options;
    return streamEvents(service, thread, gated(openSource(service, threadId), gate), { after, signal, partial });
  });
}

type Follow = (threadId: string, after: number, signal: AbortSignal) => AsyncIterable<ThreadEvent | PartialEvent>;

export async function* mergeTree(
  rootId: string,
  { after = {}, signal: given }: TreeOptions,
  follow: Follow,
): AsyncGenerator<TreeEvent, void, undefined> {
  const stop = new AbortController();
  const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
  const merge = createMerge<TreeEvent>(signal);
  const seqs = new Map(Object.entries({ [rootId]: 0, ...after }));
  const followed = new Set<string>();
  const waiting = new Set<string>();
  /** Threads that were read to their end. Only one that works again has more. */
  const ended = new Set<string>();
  /** The root ended without closing. The threads below may have more. */
  const silentEnds: BobbinError[] = [];
  const onSilentEnd = (error: BobbinError): void => void silentEnds.push(error);

  const begin = (threadId: string): void => {
    if (followed.has(threadId)) return;
    if (followed.size >= MAX_FOLLOWED) {
      waiting.add(threadId);
      return;
    }
    waiting.delete(threadId);
    followed.add(threadId);
    const events = follow(threadId, seqs.get(threadId) ?? 0, signal);
    merge.add(placed(rootId, threadId, events, onSilentEnd), () => {
      followed.delete(threadId);
      ended.add(threadId);
      const [next] = waiting;
      if (next !== undefined && !signal.aborted) begin(next);
    });
  };

  for (const threadId of seqs.keys()) if (isIn(rootId, threadId)) begin(threadId);
  try {
    for (;;) {
      const next = await merge.next();
      if (signal.aborted) return;
      if (next === undefined) {
        const [silentEnd] = silentEnds;
        if (silentEnd === undefined) return;
        throw silentEnd;
      }
      if ('seq' in next.event) seqs.set(next.threadId, next.event.seq);
      const child = startedChild(next);
      if (child !== null && (child.works || !ended.has(child.threadId))) begin(child.threadId);
      yield next;
    }
  } finally {
    stop.abort();
  }
}

/** The cursor of a reader after this event. */
export function advanceCursor(cursor: TreeCursor, treeEvent: TreeEvent): TreeCursor {
  const { threadId, event } = treeEvent;
  if (!('seq' in event)) return cursor;
  const child = startedChild(treeEvent);
  const known = child === null || Object.hasOwn(cursor, child.threadId) ? {} : { [child.threadId]: 0 };
  return { ...cursor, ...known, [threadId]: event.seq };
}

/** The child that the event of its parent is about, if there is a log to read. */
function startedChild({ threadId, event }: TreeEvent): { threadId: string; works: boolean } | null {
  if (event.type !== 'subThread/updated' || event.subThread.status === 'pendingInit') return null;
  const { threadId: child, status } = event.subThread;
  return isIn(threadId, child) ? { threadId: child, works: status === 'running' } : null;
}

function isIn(rootId: string, threadId: string): boolean {
  return threadId === rootId || threadId.startsWith(`${rootId}/`);
}

/** The end of an agent that was terminated, or that the service no longer keeps, is reported by its parent. */
const GONE = new Set(['threadClosed', 'threadNotFound']);

async function* placed(
  rootId: string,
  threadId: string,
  events: AsyncIterable<ThreadEvent | PartialEvent>,
  onSilentEnd: (error: BobbinError) => void,
): AsyncGenerator<TreeEvent> {
  const path = pathTo(rootId, threadId);
  try {
    for await (const event of events) yield { threadId, path, event };
  } catch (error) {
    if (!(error instanceof BobbinError) || !GONE.has(error.code)) throw error;
    if (threadId !== rootId) return;
    if (error.code !== 'threadClosed') throw error;
    onSilentEnd(error);
  }
}

/** The id of a thread is that of its parent, a slash and a number. */
function pathTo(rootId: string, threadId: string): string[] {
  const numbers = threadId.slice(rootId.length).split('/').slice(1);
  return numbers.map((_, index) => [rootId, ...numbers.slice(0, index + 1)].join('/'));
}

// ------------------------------------------------------------------------------------------------------------ reading

type Gate = <T>(body: () => Promise<T>) => Promise<T>;

/** At most so many bodies run in parallel, in the order in which they came. */
function createGate(most: number): Gate {
  let free = most;
  const queue: (() => void)[] = [];
  return async (body) => {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else free -= 1;
    try {
      return await body();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

function gated(source: EventSource, gate: Gate): EventSource {
  return {
    ...source,
    events: (...args) => gate(() => source.events(...args)),
    archived: (segment) => gate(() => source.archived(segment)),
  };
}
