/** Reads the small files of the key store, with a cache, under names that no account can choose. */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';

/** In bytes; larger than any file here. */
const MAX_FILE_BYTES = 16 * 1024;
const MAX_CACHED_FILES = 512;
const MAX_NAME_LENGTH = 150;

/**
 * Reads and parses a file, again only after it has changed; undefined if there is none. Rejects with the error of the file
 * system or of `parse`.
 */
export function createFileReader<T>(
  parse: (text: string, path: string) => T,
): (path: string) => Promise<T | undefined> {
  const cache = new Map<string, { version: string; value: T }>();
  return async (path) => {
    const seen = await versionAt(path);
    const hit = cache.get(path);
    if (hit !== undefined && hit.version === seen) return hit.value;
    cache.delete(path);
    if (seen === undefined) return undefined;
    const read = await readWhole(path);
    const value = parse(read.text, path);
    const oldest = cache.keys().next();
    if (cache.size >= MAX_CACHED_FILES && oldest.done !== true) cache.delete(oldest.value);
    cache.set(path, { version: read.version, value });
    return value;
  };
}

async function versionAt(path: string): Promise<string | undefined> {
  try {
    return toVersion(await stat(path, { bigint: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Text and version of the same file, even if it is replaced meanwhile. */
async function readWhole(path: string): Promise<{ text: string; version: string }> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat({ bigint: true });
    if (stats.size > MAX_FILE_BYTES) throw new Error('it is larger than any file written here');
    return { text: await file.readFile('utf8'), version: toVersion(stats) };
  } finally {
    await file.close();
  }
}

/** An inode number can be reused after a delete, a change time cannot. */
function toVersion(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** A unique file name for an account or runtime id that cannot leave the folder. */
export function toFileName(name: string): string {
  const encoded = Array.from(Buffer.from(name, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
  if (encoded !== '' && encoded.length <= MAX_NAME_LENGTH) return encoded;
  return `${encoded.slice(0, 60)}~${createHash('sha256').update(name).digest('hex')}`;
}
