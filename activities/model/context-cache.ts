/**
 * Caches the items of threads between model steps, so that a step asks its thread only for new ones. Cached items never
 * change in a run of the thread, or in the run that continues it, so a cached version is valid. After a reset, a run
 * has another past and starts with an empty cache.
 *
 * If one worker runs both the step and its thread, the thread offers the new items when the step starts, and the step
 * asks for nothing; archived ones are read from the archive. An offer that does not fit the cache is ignored, because
 * asking always works.
 *
 * Items before a compaction no longer count. They are dropped here, and a worker that does not have them never reads them.
 */
import type { ArchiveBody, Item, ThreadSettings } from '../../src/contract/index.ts';
import { Failure } from '../failures.ts';
import type { ArchivePort, ThreadContext, ThreadReader } from '../ports.ts';

export interface Conversation {
  settings: ThreadSettings;
  /** The items that count, up to the requested version; `first` is the number of the first one. */
  items: Item[];
  first: number;
  /** Number of the compaction that replaces the older items; null if there is none. */
  compaction: number | null;
}

export interface ContextCache {
  /** Accepts an offer of a thread of this worker before a step. */
  offer(threadId: string, context: ThreadContext, run?: ThreadRun): void;
  /** @param runId of the workflow that the step is for */
  read(threadId: string, version: number, signal: AbortSignal, runId?: string): Promise<Conversation>;
}

/** `continuedFrom` is the previous run; undefined for a first run. */
export interface ThreadRun {
  runId: string;
  continuedFrom?: string | undefined;
}

/** The sources of conversations. */
interface ConversationPorts {
  threads: Pick<ThreadReader, 'context'>;
  archive: ArchivePort;
}

export function createContextCache(
  ports: ConversationPorts,
  bounds: { threads: number } = { threads: 64 },
): ContextCache {
  /** Least recently used first. */
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
  /** The run that sent it last. */
  runId: string;
  /** Items that will not change. */
  stable: Stretch;
  /** The last offer. Its settings are those of its step. */
  offered: Conversation | null;
  /** An offer to a worker with an empty cache, partly in the archive, which the step reads. */
  unread: ThreadContext | null;
}

/** For callers that do not distinguish runs. */
const ONE_RUN: ThreadRun = { runId: '' };

const NOTHING: Stretch = { first: 0, items: [] };
const UNKNOWN = { stable: NOTHING, offered: null, unread: null };

/** An offer from the archive on, or the unread part with its next page. Null if it does not fit. */
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

/** The items that count, from the cache and this answer. Null if items between or before are missing. */
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

/** Adds items until there are that many. Always asks for the settings. */
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
      // The items that count start earlier than the cache: a compaction was reversed.
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

/** The items that one answer adds, without those that no longer count, and those in the archive before them. */
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
