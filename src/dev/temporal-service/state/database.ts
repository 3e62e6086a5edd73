import { open, rm } from 'node:fs/promises';
import { TemporalServiceError, systemCodeOf } from '../run/service-error.ts';

/** The first bytes of every SQLite database: https://www.sqlite.org/fileformat.html, 1.3.1. */
const SIGNATURE = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Throws `databaseCorrupted` where a file is at `path` that is no database. The server would not: it replays the
 * write-ahead log that lies beside it, and goes on with what little that holds. An empty file is a new database.
 */
export async function assertDatabase(path: string): Promise<void> {
  const start = await readStart(path);
  if (start === null || start.length === 0 || start.equals(SIGNATURE)) return;
  throw new TemporalServiceError(
    'databaseCorrupted',
    `The file ${path} is not a database. Move it aside together with ${path}-wal and ${path}-shm, which gives up its ` +
      'threads, or bring back a copy of it.',
  );
}

/** Null where there is no file. What else hinders is left to the server, which says it in its log. */
async function readStart(path: string): Promise<Buffer | null> {
  const file = await open(path).catch((error: unknown) => {
    if (systemCodeOf(error) !== undefined) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SIGNATURE.length), 0, SIGNATURE.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A database whose making was cut short, by a full disk for example, would be taken for a whole one by the next start. */
export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(path + suffix, { force: true });
}
