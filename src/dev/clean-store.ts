/** The cleaner of the store that a worker with this environment uses, for commands. */
import type { StoreCleanerPort, ThreadLifetimes } from '../../activities/ports.ts';
import { openStoreCleaner } from '../adapters/cleaning/open-cleaner.ts';
import { readArchivePlace } from '../worker/config.ts';

export interface CleanerPlace {
  env: NodeJS.ProcessEnv;
  /** Absolute. */
  dataDirectory: string;
  namespace: string;
}

export function openCleaner(
  threads: ThreadLifetimes,
  { env, dataDirectory, namespace }: CleanerPlace,
): StoreCleanerPort {
  return openStoreCleaner(readArchivePlace(env, dataDirectory), namespace, threads);
}

export { NOTHING_CLEANED, addCleaned } from '../../activities/cleaning/cleaned-sum.ts';
