/** What a cleaning of the store has done so far. Pure. */
import type { CleanedStore } from '../../src/contract/index.ts';
import type { CleanedObjects } from '../ports.ts';

type Cleaned = Required<CleanedStore>;

export const NOTHING_CLEANED: Cleaned = {
  ...{ threads: 0, packs: 0, segments: 0, images: 0, bytes: 0, kept: {}, more: false },
};

/** @param seen threads that are counted already; the thread is added */
export function addCleaned(sum: Cleaned, one: CleanedObjects, seen: Set<string>): Cleaned {
  const { kind, threadId, objects, bytes, kept } = one;
  if (kept !== null) return { ...sum, kept: { ...sum.kept, [kept]: (sum.kept[kept] ?? 0) + objects } };
  const isNew = threadId !== null && !seen.has(threadId);
  if (isNew) seen.add(threadId);
  const kinds = `${kind}s` as const;
  return {
    ...sum,
    threads: sum.threads + (isNew ? 1 : 0),
    [kinds]: sum[kinds] + objects,
    bytes: sum.bytes + bytes,
  };
}
