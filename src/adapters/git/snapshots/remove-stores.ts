/** Removes the stores of workspaces that are gone for good. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInsideReal } from '../../../folders/folders.ts';
import { removeTree } from '../../files/remove-tree.ts';
import { type SnapshotStore, storeOf } from './snapshot-store.ts';

/** Also of folders in it, in which agents may have worked. @param folder a real path, or of what is gone */
export async function removeStoresIn(directory: string, folder: string): Promise<void> {
  const stores = await listStores(directory);
  const inFolder = stores.filter((store) => isInsideReal(store.folder, folder));
  // By its name, too: a killed process may have left a store that names no folder.
  for (const store of [...inFolder, storeOf(directory, folder)]) await removeStore(store);
}

export async function listStores(directory: string): Promise<SnapshotStore[]> {
  const stores: SnapshotStore[] = [];
  for (const name of await readdir(join(directory, 'snapshots')).catch(() => [])) {
    const gitDir = join(directory, 'snapshots', name);
    const text = await readFile(join(gitDir, 'workspace'), 'utf8').catch(() => '');
    if (text !== '') stores.push({ gitDir, folder: text.slice(0, -1) });
  }
  return stores;
}

/** What is large goes first: as long as the rest is there, the store is found again. */
async function removeStore({ gitDir }: SnapshotStore): Promise<void> {
  await removeTree(join(gitDir, 'objects'));
  await removeTree(gitDir);
}
