/** Mirrors are a cache. A mirror that is in use has a lock. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock } from '../../../folders/lock.ts';
import { boundCache } from '../bounded-cache.ts';

/** @param directory of all mirrors, absolute @param newest stays, whatever its size */
export function boundMirrors(directory: string, maxBytes: number, newest: string): Promise<void> {
  return boundCache(directory, {
    maxBytes,
    isEntry: (name) => !name.includes('.'),
    isInUse: ({ path }) => path === newest,
    sizeOf: (path) => sizeOfFiles([packsOf(path)]),
    remove: removeUnused,
  });
}

async function removeUnused(path: string): Promise<void> {
  const release = await acquireLock(`${path}.lock`, { what: 'removes a mirror', signal: AbortSignal.abort() }).catch(
    () => null,
  );
  if (release === null) return;
  try {
    await rm(path, { recursive: true, force: true });
  } finally {
    release();
  }
}

export function packsOf(gitDir: string): string {
  return join(gitDir, 'objects', 'pack');
}

/** Bytes of the files that are directly in these folders. */
export async function sizeOfFiles(folders: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const folder of folders)
    for (const name of await readdir(folder).catch(() => []))
      bytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
  return bytes;
}
