/** A store in a folder, which hosts share if their file system does. Only this user can read it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../../folders/private-file.ts';
import { type Store, StoreUnavailable } from './store.ts';

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
  };
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
