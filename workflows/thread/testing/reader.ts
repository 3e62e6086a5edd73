/** For tests of the machine: reads a thread as a client does, page by page, from the archive if the thread says so. */
import type { ArchiveSegment, Item, ThreadEvent } from '../../../src/contract/index.ts';
import { readEvents, readItems } from '../state/log.ts';
import type { ThreadLog } from '../state/state.ts';

export type Archive = ReadonlyMap<string, { items: Item[]; events: ThreadEvent[] }>;

/** Every event with a higher number. */
export function readAllEvents(log: ThreadLog, archive: Archive, after: number, limit: number): ThreadEvent[] {
  const all: ThreadEvent[] = [];
  for (let next = after; ;) {
    const page = readEvents(log, next, limit);
    const { archived } = page;
    const from = next;
    const entries = archived === null ? page.events : bodyOf(archive, archived).events.filter(({ seq }) => seq > from);
    all.push(...entries);
    next = leadsOn(from, archived === null ? page.next : archived.events.to - 1, page.more);
    if (!page.more) return all;
  }
}

/** Every item from that number on. */
export function readAllItems(log: ThreadLog, archive: Archive, after: number, limit: number): Item[] {
  const all: Item[] = [];
  for (let next = after; ;) {
    const page = readItems(log, next, limit);
    const { archived } = page;
    all.push(...(archived === null ? page.items : bodyOf(archive, archived).items.slice(next - archived.items.from)));
    next = leadsOn(next, archived === null ? page.next : archived.items.to, page.more);
    if (!page.more) return all;
  }
}

function bodyOf(archive: Archive, { segmentId }: ArchiveSegment) {
  const body = archive.get(segmentId);
  if (body === undefined) throw new Error(`Segment ${segmentId} was never written`);
  return body;
}

function leadsOn(from: number, to: number, more: boolean): number {
  if (more && to <= from) throw new Error(`A page from ${from} on says that there is more and leads to ${to}`);
  return to;
}
