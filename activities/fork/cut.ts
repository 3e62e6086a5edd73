/**
 * The part of a thread's past that a fork copies, up to and including one turn. Pure.
 *
 * An item belongs to it if it comes before the end of that turn, unless the item's own turn continued after that. A
 * regular turn in progress may be the last one: it is cut off, and the marker records it. Items get new numbers,
 * without a gap.
 */
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import type { Item } from '../../src/contract/index.ts';
import { CONVERSATION } from '../../src/contract/plain/turn-kinds.ts';
import type { CountedCompaction, PastTurn, ThreadPast } from '../ports.ts';

export interface CutAt {
  /** Id of the thread that is forked. */
  threadId: string;
  /** The last turn that is copied; null for all. */
  turnId: string | null;
  /** The note to the model that a turn was cut off. */
  marker: string;
}

export interface Cut {
  items: Item[];
  turns: PastTurn[];
  compactions: CountedCompaction[];
  /** Ids of the turns with items, and of the remembered ones, oldest first. */
  turnIds: string[];
  lastTurnId: string | null;
  /** Number of the first item of the source after all that is copied. */
  end: number;
  /** The turn in progress that was cut off; null if there was none. */
  cutOff: string | null;
}

/** Null if the thread has no such turn. @param items all of the thread's, up to `past.itemCount`. */
export function cutPast(past: ThreadPast, items: readonly Item[], at: CutAt): Cut | null {
  const end = endOf(past, items, at.turnId);
  if (end === null) return null;
  const cutOff = past.running.find(({ turnId, kind }) => kind === CONVERSATION && isLast(at, turnId))?.turnId ?? null;
  const leftOut = new Set(
    [...past.running, ...past.turns.filter(({ endItem }) => endItem > end)]
      .map(({ turnId }) => turnId)
      .filter((turnId) => turnId !== cutOff),
  );
  const kept = items.flatMap((item, index) => (index < end && !leftOut.has(item.turnId) ? [index] : []));
  const isKept = new Set(kept);
  const place = (index: number): number => firstNotBelow(kept, index);
  const taken = kept.flatMap((index) => (items[index] === undefined ? [] : [renumbered(items[index], isKept, place)]));
  const whole = cutOff === null ? taken : withMarker(taken, cutOff, at.marker);
  const turns = turnsOf(past, at, end, leftOut).map((turn) => ({
    ...turn,
    firstItem: place(turn.firstItem),
    endItem: turn.turnId === cutOff ? whole.length : place(turn.endItem),
  }));
  const turnIds = [...new Set([...whole.map(({ turnId }) => turnId), ...turns.map(({ turnId }) => turnId)])];
  return {
    items: whole.map((item, index) => ({ ...item, id: toItemId(index) })),
    turns,
    compactions: past.compactions.flatMap((one) => (isKept.has(one.item) ? [moved(one, place)] : [])),
    turnIds: turnIds.filter((turnId) => turnId !== ''),
    lastTurnId: at.turnId ?? cutOff ?? turns.at(-1)?.turnId ?? turnIds.at(-1) ?? null,
    end,
    cutOff,
  };
}

function isLast(at: CutAt, turnId: string): boolean {
  return at.turnId === null || at.turnId === turnId;
}

/** Number of the first item after the turn; null if the thread has no such turn. */
function endOf(past: ThreadPast, items: readonly Item[], turnId: string | null): number | null {
  if (turnId === null || past.running.some((turn) => turn.turnId === turnId)) return past.itemCount;
  const record = past.turns.find((turn) => turn.turnId === turnId);
  if (record !== undefined) return record.endItem;
  // A turn that is no longer remembered, because it is old or was removed, is found by its items.
  const last = items.findLastIndex((item) => item.turnId === turnId);
  return last === -1 ? null : last + 1;
}

/** Number of the kept items before that one, which is its new number. */
function firstNotBelow(kept: readonly number[], index: number): number {
  let [low, high] = [0, kept.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((kept[middle] ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

function renumbered(item: Item, isKept: ReadonlySet<number>, place: (index: number) => number): Item {
  if (item.type === 'commandSession') return renumberedSession(item, isKept, place);
  if (item.type !== 'contextCompaction') return item;
  const keptItems = item.keptItems.filter((index) => isKept.has(index)).map(place);
  return { ...item, upTo: place(item.upTo), keptItems };
}

/** Sessions stay with the source. */
function renumberedSession(
  { continuesAs, ...item }: Extract<Item, { type: 'commandSession' }>,
  isKept: ReadonlySet<number>,
  place: (index: number) => number,
): Item {
  const next = continuesAs === undefined ? undefined : Number(continuesAs.slice('item_'.length));
  if (next !== undefined && isKept.has(next)) return { ...item, continuesAs: toItemId(place(next)) };
  const runs = item.status === 'inProgress' || next !== undefined;
  return runs ? { ...item, status: 'aborted', output: LEFT } : item;
}

function moved({ item, upTo, firstItem }: CountedCompaction, place: (index: number) => number): CountedCompaction {
  return { item: place(item), upTo: place(upTo), firstItem: place(firstItem) };
}

const LEFT = 'It is a session of the thread that was forked.';
const CUT_OFF = 'aborted: the thread was forked while this ran';

function withMarker(items: readonly Item[], turnId: string, text: string): Item[] {
  const ended = items.map((item): Item =>
    item.turnId === turnId && 'callId' in item && item.status === 'inProgress'
      ? { ...item, status: 'aborted', output: CUT_OFF }
      : item,
  );
  const step = Math.max(0, ...ended.map((item) => (item.turnId === turnId ? item.step : 0)));
  return [...ended, { type: 'turnAborted', id: '', turnId, step, text }];
}

/** Files of copied turns are the source's; an undo here shortens the conversation and leaves them unchanged. */
function turnsOf(past: ThreadPast, at: CutAt, end: number, leftOut: ReadonlySet<string>): PastTurn[] {
  const snapshot = {
    status: 'missing' as const,
    reason: `the turn was taken over from thread ${at.threadId}, which has its files.`,
  };
  const before = past.turns.filter(
    ({ turnId, firstItem }) => !leftOut.has(turnId) && (firstItem < end || turnId === at.turnId),
  );
  const cutOff = past.running.filter(({ turnId }) => !leftOut.has(turnId));
  return [...before, ...cutOff.map((turn) => ({ ...turn, status: 'aborted' as const, endItem: end }))].map((turn) => ({
    ...turn,
    snapshot,
  }));
}
