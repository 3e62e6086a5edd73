/** A folder of entries that are a cache: the ones that were used least recently make room for others. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export const DAY_MS = 86_400_000;
/** Since its last use. */
const MAX_AGE_MS = 30 * DAY_MS;

export interface CachedEntry {
  /** Absolute. */
  path: string;
  /** Milliseconds since the epoch. */
  usedAt: number;
}

interface CacheRules {
  maxBytes: number;
  isEntry(name: string): boolean;
  /** Stays, whatever its size and age. */
  isInUse(entry: CachedEntry): boolean;
  sizeOf(path: string): Promise<number>;
  remove(path: string): Promise<void>;
}

/**
 * Removes entries until the rest has fewer bytes, and those that were not used for 30 days; the time of an entry is that
 * of its last use. @param directory absolute
 */
export async function boundCache(directory: string, rules: CacheRules): Promise<void> {
  const names = (await readdir(directory)).filter((name) => rules.isEntry(name));
  const entries = await Promise.all(names.map((name) => look(join(directory, name))));
  let bytes = 0;
  for (const entry of entries.filter((one) => one !== null).sort((a, b) => b.usedAt - a.usedAt)) {
    bytes += await rules.sizeOf(entry.path);
    const isYoung = bytes <= rules.maxBytes && Date.now() - entry.usedAt <= MAX_AGE_MS;
    if (!isYoung && !rules.isInUse(entry)) await rules.remove(entry.path);
  }
}

async function look(path: string): Promise<CachedEntry | null> {
  const stats = await stat(path).catch(() => null);
  return stats === null ? null : { path, usedAt: stats.mtimeMs };
}
