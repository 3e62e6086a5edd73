import { createHash } from 'node:crypto';

const MAX_COUNTERS = 2000;

/**
 * Counts how often the same request met a rule line. The only memory of the server, and bounded: the counters that were
 * not used for longest are forgotten.
 */
export function createMeetingCounter(): (cacheKey: unknown, input: unknown, line: string) => number {
  const counters = new Map<string, number>();
  return (cacheKey, input, line) => {
    const key = createHash('sha256')
      .update(JSON.stringify([cacheKey, line, input]))
      .digest('base64');
    const count = (counters.get(key) ?? 0) + 1;
    counters.delete(key);
    counters.set(key, count);
    const oldest = counters.keys().next();
    if (counters.size > MAX_COUNTERS && oldest.done !== true) counters.delete(oldest.value);
    return count;
  };
}
