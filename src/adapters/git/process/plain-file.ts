/** Reads a file that anybody may have created, without waiting: a pipe, a device and a folder count as missing. */
import { type Stats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** The first bytes of a file. Null if it is missing or cannot be read. */
export async function readPlainBeginning(path: string | Buffer, maxBytes: number): Promise<Buffer | null> {
  return readPlain(path, async (file, { size }) => {
    const bytes = Math.min(size, maxBytes);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  });
}

/** Null if the file is missing, larger or cannot be read. Does not follow a link at the end of the path. */
export async function readPlainFile(path: string | Buffer, maxBytes: number): Promise<Buffer | null> {
  return readPlain(path, async (file, { size }) => (size <= maxBytes ? file.readFile() : null));
}

async function readPlain(
  path: string | Buffer,
  read: (file: FileHandle, stats: Stats) => Promise<Buffer | null>,
): Promise<Buffer | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      return stats.isFile() ? await read(file, stats) : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
