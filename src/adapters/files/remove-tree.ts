/**
 * Removes folders that others have filled: folders without permissions, and folders in each other so deep that no path
 * names them. No link is followed. What lies in a folder is lifted to the top first, so that one path is as short as another.
 */
import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type EntryName, type SafeFolder, ignoring, inFolder } from './safe-folder.ts';

/** Nothing if there is nothing. Another process may remove the same at the same time. */
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

/** What is lifted out of a folder is found by the next look. */
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
      // Its owner has to be able to write a folder that moves.
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
    // Linux says the first, and others the second.
    if (code === 'EISDIR' || code === 'EPERM') return false;
    throw error;
  }
}
