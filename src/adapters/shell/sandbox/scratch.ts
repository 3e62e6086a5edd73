/**
 * The private temporary folders of a thread's commands in a workspace: their /tmp, /var/tmp and /dev/shm. They are kept
 * between commands and removed with the thread, or after a month without a command.
 */
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, utimesSync } from 'node:fs';
import { lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../files/remove-tree.ts';
import { ignoring } from '../../files/safe-folder.ts';
import { isInsideReal } from '../../../folders/folders.ts';

export interface Scratch {
  tmp: string;
  varTmp: string;
  shm: string;
}

const KEPT_UNUSED_MS = 30 * 24 * 60 * 60 * 1_000;

export function openScratch(stateDirectory: string, threadId: string, workspace: string): Scratch {
  const scratch = scratchOf(stateDirectory, threadId, workspace);
  for (const path of [scratch.tmp, scratch.varTmp, scratch.shm]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // A command may have removed the permissions of its own /tmp.
    chmodSync(path, 0o700);
  }
  const now = new Date();
  utimesSync(folderOf(stateDirectory, threadId), now, now);
  return scratch;
}

/** Where they lie, whether they exist or not. */
export function scratchOf(stateDirectory: string, threadId: string, workspace: string): Scratch {
  const thread = folderOf(stateDirectory, threadId);
  // The way to the workspace leads through its /tmp where it lies below it, so no other workspace shares the folder.
  const folder = join(thread, shortHash(workspace));
  return { tmp: join(folder, 'tmp'), varTmp: join(folder, 'var-tmp'), shm: join(folder, 'shm') };
}

/** Where a path of a command lies outside of its sandbox. @param roots folders that are the same on both sides */
export function toOutsidePath(path: string, roots: readonly string[], { tmp, varTmp, shm }: Scratch): string {
  if (roots.some((root) => isInsideReal(path, root))) return path;
  for (const [inside, outside] of [
    ['/tmp', tmp],
    ['/var/tmp', varTmp],
    ['/dev/shm', shm],
  ] as const) {
    if (isInsideReal(path, inside)) return join(outside, path.slice(inside.length));
  }
  return path;
}

/** Rejects if something could not be removed; `removeUnusedScratch` retries. */
export async function removeScratch(stateDirectory: string, threadId: string): Promise<void> {
  const folder = folderOf(stateDirectory, threadId);
  const leaving = `${folder}.${randomUUID()}${LEAVING}`;
  await rename(folder, leaving).catch(ignoring('ENOENT'));
  await removeTree(leaving);
}

/**
 * Removes the folders of threads whose end was not reported here, and those that could not be removed earlier. Never
 * rejects.
 */
export async function removeUnusedScratch(stateDirectory: string, log: (message: string) => void): Promise<void> {
  const root = join(stateDirectory, 'sandboxes');
  for (const name of await readdir(root).catch(() => [])) {
    const path = join(root, name);
    try {
      const unusedMs = Date.now() - (await lstat(path)).mtimeMs;
      if (name.endsWith(LEAVING) || unusedMs > KEPT_UNUSED_MS) await removeTree(path);
    } catch (error) {
      log(`${path} cannot be removed, which is tried again later: ${String(error)}`);
    }
  }
}

/** Suffix of names that are being removed. */
const LEAVING = '.leaving';

function folderOf(stateDirectory: string, threadId: string): string {
  return join(stateDirectory, 'sandboxes', shortHash(threadId));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
