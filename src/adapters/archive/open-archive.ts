/** The archive that the configuration names: a folder, or a store that hosts share. */
import type { ArchivePort } from '../../../activities/ports.ts';
import { createFolderStore } from '../store/folder-store.ts';
import { createS3Store } from '../store/s3-store.ts';
import type { S3Place } from '../store/store-place.ts';
import type { Store } from '../store/store.ts';
import { createArchive } from './archive.ts';

interface ArchivePlace {
  store: S3Place | undefined;
  archiveDirectory: string;
}

/** Where new segments are written. */
export function openSegmentStore({ store, archiveDirectory }: ArchivePlace): Store {
  if (store === undefined) return createFolderStore(archiveDirectory);
  return createS3Store({ ...store, prefix: `${store.prefix}archive/` });
}

/** Segments that a worker of this host wrote before the hosts shared a store stay where they are. */
export function openArchive(place: ArchivePlace): ArchivePort {
  const store = openSegmentStore(place);
  return createArchive(
    place.store === undefined ? { store } : { store, earlier: createFolderStore(place.archiveDirectory) },
  );
}
