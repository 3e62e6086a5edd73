/**
 * The items of the threads this worker serves, kept between model steps: a step asks its thread only for what is new.
 * What is kept never changes in a run of the thread, nor in the run that goes on from it, so a version that is cached is a
 * version that is right. A run that an operator has reset to an earlier point has another past from there on: it begins anew.
 *
 * Where the worker that runs the step serves its thread, too, the thread offers what is new as the step begins, and the
 * step asks for nothing; what of it lies in the archive is read there. An offer that does not fit to what is kept is passed over:
 * asking always works.
 *
 * A compaction makes items count no more. They are dropped here, and never read by who did not have them.
 */
import type { ArchiveBody, Item, ThreadSettings } from '../../src/contract/index.ts';
import { Failure } from '../failures.ts';
import type { ArchivePort, ThreadContext, ThreadReader } from '../ports.ts';

export interface Conversation {
  settings: ThreadSettings;
  /** The items that count, up to the version that was asked for; `first` is the number of the first one. */
  items: Item[];
  first: number;
  /** Number of the compaction among them that stands for what was before; null where there is none. */
  compaction: number | null;
}

export interface ContextCache {
  /** Takes what a thread of this worker says ahead of a step. */
  offer(threadId: string, context: ThreadContext, run?: ThreadRun): void;
  /** @param runId of the workflow that the step is for */
  read(threadId: string, version: number, signal: AbortSignal, runId?: string): Promise<Conversation>;
}

/** `continuedFrom` is the run before it; left out for a first run. */
export interface ThreadRun {
  runId: string;
  continuedFrom?: string | undefined;
}

/** Where conversations come from. */
interface ConversationPorts {
  threads: Pick<ThreadReader, 'context'>;
  archive: ArchivePort;
}

export function createContextCache(
  ports: ConversationPorts,
  bounds: { threads: number } = { threads: 64 },
): ContextCache {
  /** In the order of use, oldest first. */
  const kept = new Map<string, Kept>();

  const keep = (threadId: string, entry: Kept): void => {
    kept.delete(threadId);
    kept.set(threadId, entry);
    const oldest = kept.keys().next();
    if (kept.size > bounds.threads && oldest.done !== true) kept.delete(oldest.value);
  };

  return {
    offer(threadId, context, run = ONE_RUN) {
      const known = kept.get(threadId);
      const shared = known !== undefined && [run.runId, run.continuedFrom].includes(known.runId);
      const items = joined(shared ? known.stable : NOTHING, context);
      if (items === null) {
        const unread = withUnread(shared ? known.unread : null, context);
        if (unread !== null) keep(threadId, { runId: run.runId, stable: NOTHING, offered: null, unread });
        return;
      }
      const { settings, first, compaction } = context;
      keep(threadId, {
        runId: run.runId,
        stable: stableOf(items, context),
        offered: { settings, items, first, compaction },
        unread: null,
      });
    },
    async read(threadId, version, signal, runId = ONE_RUN.runId) {
      const known = kept.get(threadId);
      const { stable, offered, unread } = known?.runId === runId ? known : UNKNOWN;
      if (offered !== null && offered.first + offered.items.length >= version) return upTo(version, offered);
      const { stretch, context } =
        unread !== null && unread.from + unread.items.length >= version
          ? { stretch: await extended({ first: unread.first, items: [] }, unread, ports.archive), context: unread }
          : await readUpTo(version, ports, threadId, stable, signal);
      keep(threadId, { runId, stable: stableOf(stretch.items, context), offered: null, unread: null });
      const { settings, first, compaction } = context;
      return upTo(version, { settings, items: stretch.items, first, compaction });
    },
  };
}

/** Items without a gap; `first` is the number of the first one. */
interface Stretch {
  first: number;
  items: Item[];
}

interface Kept {
  /** The run that it was said in last. */
  runId: string;
  /** Items that will not change any more. */
  stable: Stretch;
  /** The whole of the last offer; its settings are those of the step that it was made for. */
  offered: Conversation | null;
  /** What was offered to a worker that has nothing yet, where some of it lies in the archive, for the step to read. */
  unread: ThreadContext | null;
}

/** Of whoever does not tell runs apart. */
const ONE_RUN: ThreadRun = { runId: '' };

const NOTHING: Stretch = { first: 0, items: [] };
const UNKNOWN = { stable: NOTHING, offered: null, unread: null };

/** An offer from the archive on, or what was left unread with the next page of it. Null where it does not fit. */
function withUnread(unread: ThreadContext | null, context: ThreadContext): ThreadContext | null {
  const { from, items, archived } = context;
  const last = archived.at(-1);
  if (last !== undefined) return last.items.to === from ? context : null;
  if (unread === null || from > unread.from + unread.items.length || from < unread.from) return null;
  return {
    ...context,
    archived: unread.archived,
    from: unread.from,
    items: [...unread.items.slice(0, from - unread.from), ...items],
  };
}

/** The items that count, from what is known and what came with this answer. Null where something lies between or before. */
function joined(known: Stretch, { first, from, items }: ThreadContext): Item[] | null {
  if (from === first) return items;
  if (known.first > first || known.first + known.items.length < from) return null;
  return [...known.items.slice(first - known.first, from - known.first), ...items];
}

function stableOf(items: Item[], { first, stable }: ThreadContext): Stretch {
  return { first, items: items.slice(0, Math.max(0, stable - first)) };
}

function upTo(version: number, conversation: Conversation): Conversation {
  return { ...conversation, items: conversation.items.slice(0, version - conversation.first) };
}

/** Adds to the items until there are that many; the settings are asked for in any case. */
async function readUpTo(
  version: number,
  ports: ConversationPorts,
  threadId: string,
  known: Stretch,
  signal: AbortSignal,
): Promise<{ stretch: Stretch; context: ThreadContext }> {
  let stretch: Stretch = { first: known.first, items: [...known.items] };
  for (;;) {
    const before = endOf(stretch);
    const context = await ports.threads.context(threadId, before, signal);
    if (stretch.first > context.first) {
      // What counts begins earlier than what is known: a compaction was taken back.
      stretch = { first: context.first, items: [] };
      continue;
    }
    stretch = await extended(stretch, context, ports.archive);
    if (endOf(stretch) >= version) return { stretch, context };
    if (endOf(stretch) > before) continue;
    throw new Failure(
      'threadUnreadable',
      `Thread ${threadId} answered with items up to ${endOf(stretch)} where those up to ${version} were needed.`,
    );
  }
}

function endOf({ first, items }: Stretch): number {
  return first + items.length;
}

/** What one answer of the thread adds, less what counts no more, and what it says lies in the archive before that. */
async function extended(known: Stretch, context: ThreadContext, archive: ArchivePort): Promise<Stretch> {
  const { first } = context;
  const items = known.items.slice(first - known.first);
  for (const segment of context.archived) {
    const body = await readSegment(archive, segment.segmentId);
    items.push(...body.items.slice(first + items.length - segment.items.from));
  }
  items.push(...context.items.slice(first + items.length - context.from));
  return { first, items };
}

export async function readSegment(archive: ArchivePort, segmentId: string): Promise<ArchiveBody> {
  return JSON.parse(await archive.read(segmentId)) as ArchiveBody;
}
