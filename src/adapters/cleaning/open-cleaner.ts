/** The cleaner of the store that the configuration names. */
import type { StoreCleanerPort, ThreadLifetimes } from '../../../activities/ports.ts';
import { openSegmentStore } from '../archive/open-archive.ts';
import { openPackStore } from '../git/packs/open-packs.ts';
import { createStoreCleaner } from './clean-store.ts';

export function openStoreCleaner(
  place: Parameters<typeof openPackStore>[0],
  namespace: string,
  threads: ThreadLifetimes,
): StoreCleanerPort {
  return createStoreCleaner({ packs: openPackStore(place), segments: openSegmentStore(place), namespace, threads });
}
