/**
 * The items of the threads this worker serves, kept between model steps: a step asks its thread only for what is new.
 * What is kept never changes at the thread, so a version that is cached is a version that is right.
 *
 * Where the worker that runs the step serves its thread, too, the thread offers what is new as the step begins, and the
 * step asks for nothing. An offer that does not fit to what is kept is passed over: asking always works.
 */
import type { ArchiveBody, Item, ThreadSettings } from '../../src/contract/index.ts';
import { Failure } from '../failures.ts';
import type { ArchivePort, ThreadContext, ThreadReader } from '../ports.ts';

export interface Conversation {
  settings: ThreadSettings;
  /** Every item before the version that was asked for. */
  items: Item[];
}

export interface ContextCache {
  /** Takes what a thread of this worker says ahead of a step. */
  offer(threadId: string, context: ThreadContext): void;
  read(threadId: string, version: number, signal: AbortSignal): Promise<Conversation>;
}

export function createContextCache(
  ports: { threads: ThreadReader; archive: ArchivePort },
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
    offer(threadId, context) {
      const known = kept.get(threadId)?.stable ?? [];
      if (context.from > known.length) return;
      const items = [...known.slice(0, context.from), ...context.items];
      keep(threadId, { stable: items.slice(0, context.stable), offered: { settings: context.settings, items } });
    },
    async read(threadId, version, signal) {
      const { stable, offered } = kept.get(threadId) ?? { stable: [], offered: null };
      if (offered !== null && offered.items.length >= version) return upTo(version, offered);
      const items = [...stable];
      const { settings, stable: until } = await readUpTo(version, ports, threadId, items, signal);
      keep(threadId, { stable: items.slice(0, until), offered: null });
      return upTo(version, { settings, items });
    },
  };
}

interface Kept {
  /** Items that will not change any more. */
  stable: Item[];
  /** The whole of the last offer; its settings are those of the step that it was made for. */
  offered: Conversation | null;
}

function upTo(version: number, { settings, items }: Conversation): Conversation {
  return { settings, items: items.slice(0, version) };
}

/** Adds to the items until there are that many; the settings are asked for in any case. */
async function readUpTo(
  version: number,
  ports: { threads: ThreadReader; archive: ArchivePort },
  threadId: string,
  items: Item[],
  signal: AbortSignal,
): Promise<ThreadContext> {
  for (;;) {
    const before = items.length;
    const context = await readMore(ports, threadId, items, signal);
    if (items.length >= version) return context;
    if (items.length > before) continue;
    throw new Failure(
      'threadUnreadable',
      `Thread ${threadId} answered with ${items.length} items where ${version} were needed.`,
    );
  }
}

/** Adds what one answer of the thread holds, and what it says lies in the archive before that. */
async function readMore(
  ports: { threads: ThreadReader; archive: ArchivePort },
  threadId: string,
  items: Item[],
  signal: AbortSignal,
): Promise<ThreadContext> {
  const context = await ports.threads.context(threadId, items.length, signal);
  for (const segment of context.archived) {
    const body = await readSegment(ports.archive, segment.segmentId);
    items.push(...body.items.slice(items.length - segment.items.from));
  }
  items.push(...context.items.slice(items.length - context.from));
  return context;
}

export async function readSegment(archive: ArchivePort, segmentId: string): Promise<ArchiveBody> {
  return JSON.parse(await archive.read(segmentId)) as ArchiveBody;
}
