/** Fetched targets are a cache. One that was fetched within a day stays, because a review may be reading it. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DAY_MS, boundCache } from '../bounded-cache.ts';

/** Milliseconds between two looks: each counts all files. */
const EVERY_MS = 3_600_000;

/** By folder, when this process looked last. */
const looked = new Map<string, number>();

/** @param directory of all targets, absolute */
export async function boundTargets(directory: string, maxBytes: number): Promise<void> {
  const now = Date.now();
  if (now - (looked.get(directory) ?? 0) < EVERY_MS) return;
  looked.set(directory, now);
  await boundCache(directory, {
    maxBytes,
    isEntry: () => true,
    isInUse: ({ usedAt }) => now - usedAt < DAY_MS,
    sizeOf: sizeOfTree,
    remove: (path) => rm(path, { recursive: true, force: true }),
  });
}

async function sizeOfTree(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => null);
  if (!stats?.isDirectory()) return stats?.size ?? 0;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOfTree(join(path, name));
  return bytes;
}
