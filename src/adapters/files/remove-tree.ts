/**
 * Removes folders that others have filled: folders without permissions, and folders nested so deep that no path can
 * name them. Follows no link. The content of a folder is moved to the top first, so that every path is short.
 */
import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type EntryName, type SafeFolder, ignoring, inFolder } from './safe-folder.ts';

/** Ignores a missing folder. Another process may remove the same one at the same time. */
export async function removeTree(path: string): Promise<void> {
  const around = await realpath(dirname(path)).catch(ignoring('ENOENT'));
  if (around !== undefined) await inFolder(around, (folder) => removeFrom(folder, basename(path), empty));
}

type Empty = (folder: SafeFolder) => Promise<void>;

async function removeFrom(around: SafeFolder, name: EntryName, emptyIt: Empty): Promise<void> {
  if (await isUnlinked(around, name)) return;
  const folder = await around.enter(name).catch(ignoring('ENOENT'));
  if (folder === undefined) return;
  try {
    await folder.openToOwner();
    await emptyIt(folder);
  } finally {
    await folder.close();
  }
  await around.rmdir(name).catch(ignoring('ENOENT'));
}

/** Entries that are moved to the top are found by the next pass. */
async function empty(top: SafeFolder): Promise<void> {
  for (let names = await top.list(); names.length > 0; names = await top.list())
    for (const name of names) await removeFrom(top, name, (folder) => lift(folder, top));
}

async function lift(from: SafeFolder, top: SafeFolder): Promise<void> {
  for (const name of await from.list()) {
    if (await isUnlinked(from, name)) continue;
    const folder = await from.enter(name).catch(ignoring('ENOENT'));
    if (folder === undefined) continue;
    try {
      // Its owner must be able to write a folder that moves.
      await folder.openToOwner();
    } finally {
      await folder.close();
    }
    await from.rename(name, top, randomUUID()).catch(ignoring('ENOENT'));
  }
}

/** False for a folder. */
async function isUnlinked(folder: SafeFolder, name: EntryName): Promise<boolean> {
  try {
    await folder.unlink(name);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    // Linux reports the first code, and others the second.
    if (code === 'EISDIR' || code === 'EPERM') return false;
    throw error;
  }
}
