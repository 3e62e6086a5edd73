/**
 * The items of the threads this worker serves, kept between model steps: a step asks its thread only for what is new.
 * What is kept never changes at the thread, so a version that is cached is a version that is right.
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
  read(threadId: string, version: number, signal: AbortSignal): Promise<Conversation>;
}

export function createContextCache(
  ports: { threads: ThreadReader; archive: ArchivePort },
  bounds: { threads: number } = { threads: 64 },
): ContextCache {
  /** In the order of use, oldest first. */
  const kept = new Map<string, Item[]>();

  return {
    async read(threadId, version, signal) {
      const known = kept.get(threadId) ?? [];
      const items = [...known];
      const context = await readUpTo(version, ports, threadId, items, signal);
      kept.delete(threadId);
      kept.set(threadId, items.slice(0, Math.min(context.stable, items.length)));
      const oldest = kept.keys().next();
      if (kept.size > bounds.threads && oldest.done !== true) kept.delete(oldest.value);
      return { settings: context.settings, items: items.slice(0, version) };
    },
  };
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
