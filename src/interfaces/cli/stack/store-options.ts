/** Options that say what is removed from the store. */
import type { Command } from 'commander';
import { natural } from '../option-values.ts';

export interface WhatToClean {
  closedFor: number;
  archive?: boolean;
  images?: boolean;
  unknown?: boolean;
}

export const CONSEQUENCES = `
With --archive, a thread whose segments were removed can no longer be read in full, resumed or forked.
With --images, an image that was stored that long ago, and to which no thread refers, is set aside; the next cleaning,
half a day later or more, removes it if that is still so. Their names say nothing of the thread: do not give it if
another service, or another namespace, uses the store.
Names of segments have no namespace: segments that another thread with the same id may have written stay, unless you
give --unknown. Do not give both if another service, or another namespace, uses the store.`;

export function addWhatToClean(command: Command): Command {
  return command
    .option('--closed-for <days>', 'how long a closed thread keeps them', natural, 30)
    .option('--archive', 'also segments of the archive: the past of these threads is lost')
    .option('--images', 'also images that no thread refers to, if nothing else uses the store')
    .option(
      '--unknown',
      'also those of threads that the service does not keep any longer, if no other service uses the store',
    );
}
