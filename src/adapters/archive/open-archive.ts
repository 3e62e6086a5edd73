/** The archive that the configuration names: a folder, or a store that hosts share. */
import type { ArchivePort } from '../../../activities/ports.ts';
import { createFolderStore } from '../store/folder-store.ts';
import { createS3Store } from '../store/s3-store.ts';
import type { S3Place } from '../store/store-place.ts';
import { createArchive } from './archive.ts';

/** Segments that a worker of this host wrote before the hosts shared a store stay where they are. */
export function openArchive({
  store,
  archiveDirectory,
}: {
  store: S3Place | undefined;
  archiveDirectory: string;
}): ArchivePort {
  const folder = createFolderStore(archiveDirectory);
  return createArchive(
    store === undefined
      ? { store: folder }
      : { store: createS3Store({ ...store, prefix: `${store.prefix}archive/` }), earlier: folder },
  );
}
