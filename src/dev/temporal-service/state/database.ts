import { open, rm } from 'node:fs/promises';
import { TemporalServiceError, systemCodeOf } from '../run/service-error.ts';

/** The first bytes of every SQLite database: https://www.sqlite.org/fileformat.html, 1.3.1. */
const SIGNATURE = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Throws `databaseCorrupted` if the file at `path` is not a database. The server would not notice: it replays the
 * write-ahead log next to it, and continues with only those data. An empty file is a new database.
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

/** Null if there is no file. The server reports other problems in its log. */
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

/** Removes an incomplete database, for example after a full disk: the next start would treat it as complete. */
export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(path + suffix, { force: true });
}
