/** The archive of the workers for commands and servers of this machine, which put images into it. */
import { resolve } from 'node:path';
import type { ArchivePort } from '../../activities/ports.ts';
import { openArchive } from '../adapters/archive/open-archive.ts';
import { readS3Place } from '../adapters/store/store-place.ts';
import { dataLayout } from '../folders/folders.ts';

/** By the same variables as a worker's. @param data absolute path of the data folder */
export function openDoorArchive(env: NodeJS.ProcessEnv, data: string): ArchivePort {
  const set = (name: string): string | undefined => env[name] || undefined;
  const place = set('BOBBIN_STORE');
  const store =
    place === undefined
      ? undefined
      : readS3Place(place, {
          endpoint: set('BOBBIN_STORE_ENDPOINT'),
          pathStyle: isOn(set('BOBBIN_STORE_PATH_STYLE')),
          region: set('AWS_REGION'),
          allowHttp: isOn(set('BOBBIN_ALLOW_HTTP')) ?? false,
        });
  return openArchive({ store, archiveDirectory: resolve(set('BOBBIN_ARCHIVE_DIR') ?? dataLayout(data).archive) });
}

function isOn(value: string | undefined): boolean | undefined {
  return value === undefined ? undefined : value === 'true' || value === '1';
}
