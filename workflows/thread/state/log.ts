/** The thread's single history: items and the events about them, append-only, gapless. */
import { toItemId } from '../../../src/contract/plain/item-ids.ts';
import { WRITE_STDIN } from '../../../src/contract/plain/tools/write-stdin.ts';
import type {
  ArchiveSegment,
  EventBody,
  EventsPage,
  Item,
  ItemsPage,
  ThreadEvent,
  ToolItemBase,
} from '../../../src/contract/index.ts';
import { type StoredEvent, type ThreadLog, type ThreadState, decidesAnew } from './state.ts';
import { bytesOf } from './waiting.ts';

type PlainEventBody = Exclude<EventBody, { type: 'item/started' | 'item/completed' }>;

export function itemCount(log: ThreadLog): number {
  return log.firstItem + log.items.length;
}

export function lastSeq(log: ThreadLog): number {
  return log.firstSeq + log.events.length - 1;
}

export function itemAt(log: ThreadLog, index: number): Item {
  const item = log.items[index - log.firstItem];
  if (item === undefined) throw new Error(`Item ${index} is not in the live log`);
  return item;
}

export function emit(state: ThreadState, at: number, body: PlainEventBody): ThreadState {
  return append(state, { seq: lastSeq(state.log) + 1, at, ...body });
}

function append(state: ThreadState, event: StoredEvent): ThreadState {
  return { ...state, updatedAt: event.at, log: { ...state.log, events: [...state.log.events, event] } };
}

/** An item without its id, which follows from its place in the history. */
export type NewItem = Item extends infer I ? (I extends Item ? Omit<I, 'id'> : never) : never;

/** Adds an item and records that it began. An item that is whole at once is recorded as complete, too. */
export function addItem(state: ThreadState, at: number, item: NewItem): ThreadState {
  const index = itemCount(state.log);
  const added = { ...item, id: toItemId(index) };
  const withItem = { ...state, log: { ...state.log, items: [...state.log.items, added] } };
  const started = append(withItem, itemEvent(withItem, at, 'item/started', index));
  return isRunning(added) ? started : append(started, itemEvent(started, at, 'item/completed', index));
}

/** Changes an item that is in progress, without an event. */
export function changeItem(state: ThreadState, index: number, change: Partial<NewItem>): ThreadState {
  const items = [...state.log.items];
  items[index - state.log.firstItem] = { ...itemAt(state.log, index), ...change } as Item;
  return { ...state, log: { ...state.log, items } };
}

/** Records the end of an item that was in progress. */
export function completeItem(state: ThreadState, at: number, index: number, change: Partial<NewItem>): ThreadState {
  const changed = changeItem(state, index, change);
  return append(changed, itemEvent(changed, at, 'item/completed', index));
}

function itemEvent(
  state: ThreadState,
  at: number,
  type: 'item/started' | 'item/completed',
  index: number,
): StoredEvent {
  return { seq: lastSeq(state.log) + 1, at, type, turnId: itemAt(state.log, index).turnId, index };
}

export function isRunning(item: Item): boolean {
  return 'status' in item && item.status === 'inProgress';
}

/** An event as readers see it. `item/started` shows the item as it began, whatever changed it since. */
function toThreadEvent(log: ThreadLog, event: StoredEvent): ThreadEvent {
  if (!('index' in event)) return event;
  const { seq, at, type, turnId, index } = event;
  const item = itemAt(log, index);
  return { seq, at, type, turnId, item: type === 'item/started' ? toStartedItem(item) : item };
}

function toStartedItem(item: Item): Item {
  switch (item.type) {
    case 'commandExecution': {
      const { limit: _, sessionId: _session, ...begun } = item;
      return { ...begun, status: 'inProgress', output: '', exitCode: null, durationMs: null };
    }
    case 'commandSession': {
      const { limit: _, continuesAs: _next, ...begun } = item;
      return { ...begun, status: 'inProgress', output: '', exitCode: null, durationMs: null };
    }
    case 'mcpToolCall':
      return { ...withoutImages(item), status: 'inProgress', output: '', durationMs: null };
    case 'imageView':
      return { ...withoutImages(item), status: 'inProgress', output: '' };
    case 'fileChange':
      return { ...item, status: 'inProgress', output: '', changes: [] };
    case 'dynamicToolCall':
      return item.call?.name === WRITE_STDIN.name ? { ...item, status: 'inProgress', output: '' } : item;
    case 'userInput':
      return { ...item, status: 'inProgress', output: '', answers: null };
    case 'collabAgentToolCall':
      return item.output === ''
        ? { ...item, receiverThreadIds: [] }
        : { ...item, status: 'inProgress', output: '', receiverThreadIds: [] };
    case 'userMessage':
    case 'agentMessage':
    case 'reasoning':
    case 'webSearch':
    case 'turnAborted':
    case 'contextCompaction':
    case 'plan':
    case 'subAgentNotification':
    case 'ghostSnapshot':
    case 'turnsDropped':
    case 'turnsRestored':
    case 'enteredReviewMode':
    case 'exitedReviewMode':
      return item;
  }
}

function withoutImages<I extends ToolItemBase>({ images: _, ...item }: I): Omit<I, 'images'> {
  return item;
}

/** Events with `after < seq`, at most `limit`, all of them in the live log. */
export function readEvents(log: ThreadLog, after: number, limit: number): EventsPage {
  if (after + 1 < log.firstSeq) {
    return { events: [], next: after, more: true, archived: segmentOfEvent(log, after + 1) };
  }
  const from = Math.max(0, after + 1 - log.firstSeq);
  const events = pageOf(log.events.slice(from, from + limit).map((event) => toThreadEvent(log, event)));
  const next = events.at(-1)?.seq ?? Math.min(after, lastSeq(log));
  return { events, next, more: next < lastSeq(log), archived: null };
}

/** Items from number `after` on, at most `limit`, all of them in the live log. */
export function readItems(log: ThreadLog, after: number, limit: number): ItemsPage {
  if (after < log.firstItem) return { items: [], next: after, more: true, archived: segmentOfItem(log, after) };
  const from = after - log.firstItem;
  const items = pageOf(log.items.slice(from, from + limit));
  const next = Math.min(after, itemCount(log)) + items.length;
  return { items, next, more: next < itemCount(log), archived: null };
}

/**
 * Characters of JSON in one answer to a query; a segment of the archive has as many of items and of events. A character
 * may take three bytes, and the service accepts 2 MiB.
 */
const PAGE_CHARS = 300_000;

/** As many of the entries as fit into one answer, at least one. @param seen an entry as it is answered. */
export function pageOf<T>(entries: readonly T[], seen: (entry: T) => unknown = (entry) => entry): T[] {
  const sizeOf = (entry: T) => JSON.stringify(seen(entry)).length;
  return entries.slice(0, Math.max(1, countWithin(PAGE_CHARS, entries, sizeOf)));
}

/** Number of entries, from the first on, that fit into that size together. */
function countWithin<T>(most: number, entries: readonly T[], sizeOf: (entry: T) => number): number {
  let left = most;
  const beyond = entries.findIndex((entry) => (left -= sizeOf(entry)) < 0);
  return beyond === -1 ? entries.length : beyond;
}

function segmentOfEvent(log: ThreadLog, seq: number): ArchiveSegment | null {
  return log.archived.find((segment) => segment.events.from <= seq && seq < segment.events.to) ?? null;
}

function segmentOfItem(log: ThreadLog, index: number): ArchiveSegment | null {
  return log.archived.find((segment) => segment.items.from <= index && index < segment.items.to) ?? null;
}

/**
 * What stays in the live log when the rest is archived, for readers who are nearly up to date. The first release
 * counted characters.
 */
const KEPT = { events: 100, bytes: 120_000, chars: 200_000 };

/**
 * The oldest part of the live log that may move to the archive: every item in it has ended, and every event in it is
 * about such items only. The newest events stay, and one answer can hold the whole segment. Null if nothing can be
 * moved.
 */
export function archivable(state: ThreadState): ArchiveSegment | null {
  const { log } = state;
  const held = log.items.findIndex(isRunning);
  const newest = log.events.slice(-KEPT.events).reverse();
  const seen = (event: StoredEvent) => toThreadEvent(log, event);
  const kept = decidesAnew(state)
    ? countWithin(KEPT.bytes, newest, (event) => bytesOf(seen(event)))
    : countWithin(KEPT.chars, newest, (event) => JSON.stringify(seen(event)).length);
  const candidates = log.events.slice(0, log.events.length - kept);
  const heldIndex = held === -1 ? itemCount(log) : log.firstItem + held;
  const blocked = candidates.findIndex((event) => 'index' in event && event.index >= heldIndex);
  const moved = pageOf(blocked === -1 ? candidates : candidates.slice(0, blocked), (event) =>
    toThreadEvent(log, event),
  );
  // An item may be moved once no event that stays refers to it.
  const stays = log.events.slice(moved.length).flatMap((event) => ('index' in event ? [event.index] : []));
  const movedItems = pageOf(log.items.slice(0, Math.max(0, Math.min(heldIndex, ...stays) - log.firstItem)));
  if (moved.length === 0 && movedItems.length === 0) return null;
  const items = { from: log.firstItem, to: log.firstItem + movedItems.length };
  const events = { from: log.firstSeq, to: log.firstSeq + moved.length };
  return {
    segmentId: `${state.threadId}/${state.createdAt}/${items.from}-${items.to}.${events.from}-${events.to}`,
    items,
    events,
  };
}

/** The live log after a segment has been written. */
export function withoutSegment(log: ThreadLog, segment: ArchiveSegment): ThreadLog {
  return {
    items: log.items.slice(segment.items.to - log.firstItem),
    firstItem: segment.items.to,
    events: log.events.slice(segment.events.to - log.firstSeq),
    firstSeq: segment.events.to,
    archived: [...log.archived, segment],
  };
}
