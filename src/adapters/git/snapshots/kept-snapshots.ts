/** The kept snapshots, by thread and name. */
import { existsSync } from 'node:fs';
import type { SnapshotNames } from '../../../../activities/ports.ts';
import { freeAtClose, freeIfWorthwhile } from './free-space.ts';
import { releaseLegacy } from './legacy-snapshot.ts';
import type { SnapshotPlace } from './snapshot.ts';
import { findStore, hasStore, keepUnder, releaseFrom } from './snapshot-store.ts';

export async function keepSnapshot(
  { directory }: SnapshotPlace,
  { cwd, threadId, name }: { cwd: string; threadId: string; name: string },
  commit: string,
): Promise<void> {
  await keepUnder(await findStore(directory, cwd), { threadId, name }, commit);
}

/** Releases the snapshots under these names, or all of the thread. */
export async function releaseSnapshots(
  { directory }: SnapshotPlace,
  { cwd, threadId, names }: SnapshotNames,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(cwd)) await releaseLegacy(cwd, threadId, names);
  const store = await findStore(directory, cwd);
  if (!(await hasStore(store))) return;
  await releaseFrom(store, threadId, names);
  if (names === 'all') await freeAtClose(directory, store, signal);
  else freeIfWorthwhile(store);
}
