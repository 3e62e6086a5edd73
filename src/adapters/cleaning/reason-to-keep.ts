/** Why objects of a thread stay in a store. */
import type { StoreCleaning, ThreadLifetimes } from '../../../activities/ports.ts';
import type { SegmentOwner } from '../archive/segment-owner.ts';

export const KEPT = {
  open: 'its thread, or the one that started it, is open',
  unknown: 'the service does not know its thread',
  young: 'its thread was closed a short time ago',
  another: 'its thread is not known to have written it: another one with this id may have',
  unclear: 'its name does not say whose it is',
  named: 'a thread refers to it',
  justStored: 'it was stored a short time ago',
  aside: 'no thread refers to it: it is set aside, and goes with a cleaning that is half a day later',
  others: 'another namespace uses the store, and its threads may refer to it',
};

interface Owned {
  threadId: string;
  /** Undefined if the names of the objects have the namespace. */
  origin: SegmentOwner['origin'] | undefined;
  writtenAt: number;
}

/** Null if nothing needs them. */
export async function reasonToKeep(
  threads: ThreadLifetimes,
  { threadId, origin, writtenAt }: Owned,
  { keepMs, unknown }: Pick<StoreCleaning, 'keepMs' | 'unknown'>,
): Promise<string | null> {
  const byLifetime = async () => {
    const endedAt = await threads.endedAt(threadId);
    if (endedAt === 'open') return KEPT.open;
    if (endedAt === 'unknown') return unknown ? isYoung(writtenAt) : KEPT.unknown;
    return isYoung(Math.max(endedAt, writtenAt));
  };
  const isYoung = (since: number) => (Date.now() - since < keepMs ? KEPT.young : null);
  const kept = await byLifetime();
  if (kept !== null || origin === undefined || unknown) return kept;
  if (!(await hasWritten(threads, threadId, origin))) return KEPT.another;
  // It may have been resumed meanwhile.
  return byLifetime();
}

/** Threads of other namespaces may have the same id. The time at which they were created differs, and so do their runs. */
async function hasWritten(
  threads: ThreadLifetimes,
  threadId: string,
  origin: SegmentOwner['origin'],
): Promise<boolean> {
  if (origin.type === 'fork') return threads.hasRun(threadId, origin.runId);
  return (await threads.createdAt(threadId)) === origin.at;
}
