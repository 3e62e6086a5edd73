/** Files that only this user may read, written as a whole. */
import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Replaces the file as a whole: a reader sees the old content or the new one, even after a power failure. Makes missing
 * folders. Rejects with the error of the file system, and leaves nothing behind.
 */
export async function writePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  await replacePrivateFile(path, content, { durable: true });
  await syncFolder(dirname(path));
}

/** The same without waiting for the disk, unless `durable` is set: after a power failure the file may be empty. */
export async function replacePrivateFile(
  path: string,
  content: string | Uint8Array,
  { durable = false } = {},
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const draft = join(folder, `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    await writeDraft(draft, content, durable);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The same without waiting for the disk, for files that are useful only while a process lives. */
export function writePrivateFileSync(path: string, content: string | Uint8Array): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content, { mode: FILE_MODE });
  renameSync(draft, path);
}

/** Writes and removes a file of the usual size, to check that a later write has space and permission. */
export async function tryWriting(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const path = join(folder, `.${randomUUID()}.tmp`);
  try {
    await writeDraft(path, '-'.repeat(4096), true);
  } finally {
    await rm(path, { force: true });
  }
}

async function writeDraft(path: string, content: string | Uint8Array, durable: boolean): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
