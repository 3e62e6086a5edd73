/**
 * The private temporary folders of a thread's commands in a workspace: what they see as /tmp, /var/tmp and /dev/shm. They are kept
 * between commands and removed with the thread, or after a month without a command.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

export interface Scratch {
  tmp: string;
  varTmp: string;
  shm: string;
}

const KEPT_UNUSED_MS = 30 * 24 * 60 * 60 * 1_000;

export function openScratch(stateDirectory: string, threadId: string, workspace: string): Scratch {
  const thread = folderOf(stateDirectory, threadId);
  // The way to the workspace leads through its /tmp where it lies below it, so no other workspace shares the folder.
  const folder = join(thread, shortHash(workspace));
  const scratch = { tmp: join(folder, 'tmp'), varTmp: join(folder, 'var-tmp'), shm: join(folder, 'shm') };
  for (const path of Object.values(scratch)) mkdirSync(path, { recursive: true, mode: 0o700 });
  const now = new Date();
  utimesSync(thread, now, now);
  return scratch;
}

export function removeScratch(stateDirectory: string, threadId: string): void {
  rmSync(folderOf(stateDirectory, threadId), { recursive: true, force: true });
}

/** Of threads that ended without saying so here. */
export function removeUnusedScratch(stateDirectory: string): void {
  const root = join(stateDirectory, 'sandboxes');
  for (const name of list(root)) {
    const path = join(root, name);
    const unusedMs = Date.now() - statSync(path).mtimeMs;
    if (unusedMs > KEPT_UNUSED_MS) rmSync(path, { recursive: true, force: true });
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function folderOf(stateDirectory: string, threadId: string): string {
  return join(stateDirectory, 'sandboxes', shortHash(threadId));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
