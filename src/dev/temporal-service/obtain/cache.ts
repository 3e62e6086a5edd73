import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const SCRATCH_PREFIX = 'obtaining-';
/** Far beyond the time any way of obtaining a binary is given. */
const ABANDONED_AFTER_MS = 2 * 60 * 60 * 1000;

/**
 * Runs `work` with a new, empty folder inside the cache and removes that folder afterwards. Each caller has a folder of
 * its own, so two runs at once cannot disturb each other, and it is on the cache's file system, so that moving a file
 * out of it is one step.
 */
export async function withScratchDirectory<T>(cache: string, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  await removeAbandoned(cache);
  const directory = join(cache, `${SCRATCH_PREFIX}${process.pid}-${randomUUID().slice(0, 8)}`);
  await mkdir(directory, { mode: 0o700 });
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Moves a finished program to its place in the cache. Readers see the old file or the whole new one. */
export async function publish(file: string, target: string): Promise<void> {
  await chmod(file, 0o755);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await rename(file, target);
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(SCRATCH_PREFIX)) continue;
    const path = join(cache, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
