import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface ReplaceOptions {
  /** Permission bits and owner of the file that is replaced; without it, those of a new file. */
  like?: { mode: number; uid: number; gid: number };
  /** Waits until the disk has it, so that it survives a loss of power. */
  durable?: boolean;
}

/**
 * Writes a file as a whole: whoever reads it, now or after a crash, sees the old content or the new one. Makes missing
 * folders. Rejects with the error of the file system, with nothing left behind.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: ReplaceOptions = {},
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    await writeDraft(draft, content, options);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  if (options.durable === true) await syncFolder(folder);
}

async function writeDraft(draft: string, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(content);
    if (options.like !== undefined) await makeAlike(file, options.like);
    if (options.durable === true) await file.sync();
  } finally {
    await file.close();
  }
}

async function makeAlike(file: FileHandle, like: { mode: number; uid: number; gid: number }): Promise<void> {
  const { uid, gid } = await file.stat();
  // Only root may give a file away; anybody else keeps what is theirs.
  if (uid !== like.uid || gid !== like.gid) await file.chown(like.uid, like.gid).catch(() => undefined);
  await file.chmod(like.mode & 0o7777);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
