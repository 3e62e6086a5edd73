/** A file that anybody may have put there, read without waiting: a pipe, a device and a folder count as missing. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Null for what is missing, larger or cannot be read. A link at the end of the path is not followed. */
export async function readPlainFile(path: string | Buffer, maxBytes: number): Promise<Buffer | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      return stats.isFile() && stats.size <= maxBytes ? await file.readFile() : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
