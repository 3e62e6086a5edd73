/** The packs of snapshots in the store that the configuration names: a bucket, or a folder beside the archive. */
import { join } from 'node:path';
import type { SnapshotPacksPort } from '../../../../activities/ports.ts';
import { createFolderStore } from '../../store/folder-store.ts';
import { createS3Store } from '../../store/s3-store.ts';
import type { S3Place } from '../../store/store-place.ts';
import type { Store } from '../../store/store.ts';
import { type GitOptions, toSnapshotPlace } from '../git.ts';
import { createSnapshotPacks } from './snapshot-packs.ts';

interface PacksPlace {
  store: S3Place | undefined;
  archiveDirectory: string;
}

export function openPackStore({ store, archiveDirectory }: PacksPlace): Store {
  if (store === undefined) return createFolderStore(join(archiveDirectory, 'packs'));
  return createS3Store({ ...store, prefix: `${store.prefix}packs/` });
}

export function openPacks(place: PacksPlace, namespace: string, git: GitOptions): SnapshotPacksPort {
  return createSnapshotPacks({ store: openPackStore(place), namespace, place: toSnapshotPlace(git) });
}
