/** The archive of the workers for commands and servers of this machine, which put images into it. */
import type { ArchivePort } from '../../activities/ports.ts';
import { openArchive } from '../adapters/archive/open-archive.ts';
import { readArchivePlace } from '../worker/config.ts';

/** By the same variables as a worker's. @param data absolute path of the data folder */
export function openDoorArchive(env: NodeJS.ProcessEnv, data: string): ArchivePort {
  return openArchive(readArchivePlace(env, data));
}
