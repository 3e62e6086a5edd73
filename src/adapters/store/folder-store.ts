/** A store in a folder, which hosts share if their file system does. Only this user can read it. */
import type { Dirent } from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../../folders/private-file.ts';
import { type Store, type StoredObject, StoreUnavailable } from './store.ts';

/** @param directory absolute; made with the first object. A name must be a path below it. */
export function createFolderStore(directory: string): Store {
  return {
    place: directory,
    async read(name) {
      const path = join(directory, name);
      try {
        return await readFile(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw unavailable('read', path, error);
      }
    },
    async write(name, bytes) {
      const path = join(directory, name);
      try {
        await writePrivateFile(path, bytes);
      } catch (error) {
        throw unavailable('written', path, error);
      }
    },
    async remove(names) {
      for (const name of names)
        await rm(join(directory, name), { force: true }).catch((error: unknown) => {
          throw unavailable('removed', join(directory, name), error);
        });
    },
    async *list(prefix) {
      yield* listBelow(directory, prefix, '');
    },
  };
}

/** Depth first, one folder in memory at a time. Drafts of writes are no objects. */
async function* listBelow(directory: string, prefix: string, below: string): AsyncGenerator<StoredObject> {
  for (const entry of await readFolder(join(directory, below))) {
    const name = `${below}${entry.name}${entry.isDirectory() ? '/' : ''}`;
    if (entry.name.startsWith('.') || !(name.startsWith(prefix) || prefix.startsWith(name))) continue;
    if (entry.isDirectory()) yield* listBelow(directory, prefix, name);
    else if (entry.isFile()) {
      const found = await stat(join(directory, name)).catch(() => null);
      if (found !== null) yield { name, bytes: found.size, writtenAt: found.mtimeMs };
    }
  }
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unavailable('listed', path, error);
  }
}

const NO_RIGHT = 'The worker may not use this folder: give it the right to read and write there.';
const ADVICE: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space, the write is tried again.',
  EDQUOT: 'The disk quota is used up: free some space, the write is tried again.',
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: 'The file system is read-only: put the archive on one that can be written.',
};

function unavailable(verb: string, path: string, cause: unknown): StoreUnavailable {
  const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
  const advice = ADVICE[code] ?? 'Check the folder; the step is tried again.';
  return new StoreUnavailable(`${path} could not be ${verb}: ${message}. ${advice}`, code, cause);
}
