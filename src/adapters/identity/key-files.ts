/** The folder of the key store: small files, read with a cache, under names that no account can choose. */
import { createHash } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { tryWriting, writePrivateFile } from '../../folders/private-file.ts';

/** Where the key store has its files. Every function rejects with the error of the place. */
export interface KeyPlace {
  /** For messages. */
  where(name: string): string;
  /** Undefined if there is no such file. @param fresh as it is now, however recently it was read */
  read(name: string, fresh?: boolean): Promise<string | undefined>;
  /** Replaces the file as a whole, and resolves when that outlives a power failure. */
  write(name: string, text: string): Promise<void>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
  /** Whether a later write has space and permission. */
  checkWritable(): Promise<void>;
}

/** In bytes; larger than any file here. */
export const MAX_FILE_BYTES = 16 * 1024;
const MAX_CACHED_FILES = 512;
const MAX_NAME_LENGTH = 150;

/** A folder that only this user can read. Several processes may share it. */
export function createKeyFolder(directory: string): KeyPlace {
  const where = (name: string) => join(directory, name);
  const read = createFileReader();
  return {
    where,
    read: (name) => read(where(name)),
    write: (name, text) => writePrivateFile(where(name), text),
    remove: (name) => rm(where(name), { force: true }),
    checkWritable: () => tryWriting(directory),
  };
}

/** Reads a file again only after it has changed. */
function createFileReader(): (path: string) => Promise<string | undefined> {
  const cache = new Map<string, { version: string; text: string }>();
  return async (path) => {
    const seen = await versionAt(path);
    const hit = cache.get(path);
    if (hit !== undefined && hit.version === seen) return hit.text;
    cache.delete(path);
    if (seen === undefined) return undefined;
    const read = await readWhole(path);
    keepNewest(cache, path, read);
    return read.text;
  };
}

/** Adds to a cache of bounded size. */
export function keepNewest<T>(cache: Map<string, T>, name: string, value: T): void {
  const oldest = cache.keys().next();
  if (cache.size >= MAX_CACHED_FILES && oldest.done !== true) cache.delete(oldest.value);
  cache.set(name, value);
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
