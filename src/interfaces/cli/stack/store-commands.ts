/** `bobbin store ...`: looks after the store that hosts share. */
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { type CommonOptions, dataDirectoryOf, interruptSignal, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { line } from '../text/terminal-text.ts';
import { CONSEQUENCES, type WhatToClean, addWhatToClean } from './store-options.ts';
import { addStoreScheduleCommands } from './store-schedule.ts';

interface CleanOptions extends CommonOptions, WhatToClean {
  dryRun?: boolean;
}

const DAY_MS = 86_400_000;

export function addStoreCommands(program: Command): void {
  const store = program.command('store').description('look after the store that hosts share');
  addWhatToClean(store.command('clean').description('remove the stored snapshots of threads that are closed'))
    .option('--dry-run', 'only show what would be removed')
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', `${CONSEQUENCES}\n\nExample:\n  bobbin store clean --dry-run`)
    .action((options: CleanOptions) => withBobbin(options, (bobbin, output) => clean(bobbin, output, options)));
  addStoreScheduleCommands(store);
}

async function clean(bobbin: Bobbin, output: Output, options: CleanOptions): Promise<number> {
  const { NOTHING_CLEANED, addCleaned, openCleaner } = await import('../../../dev/clean-store.ts');
  const { closedFor, archive = false, images = false, unknown = false, dryRun: preview = false } = options;
  if (archive && !unknown && (await bobbin.workers()).length === 0)
    throw new BobbinError('workerUnavailable', '--archive: no worker serves the task queue, and threads are asked.');
  const place = { env: process.env, dataDirectory: dataDirectoryOf(options), namespace: bobbin.service.namespace };
  const signal = interruptSignal();
  const cleaner = openCleaner(bobbin.threadLifetimes, place);
  const seen = new Set<string>();
  let cleaned = NOTHING_CLEANED;
  for await (const one of cleaner.clean({ keepMs: closedFor * DAY_MS, archive, images, unknown, preview }, signal)) {
    cleaned = addCleaned(cleaned, one, seen);
    if (one.kept === null && one.threadId !== null && !output.json)
      output.say(
        line`${preview ? 'would remove' : 'removed'} ${plural(one.objects, one.kind)} of thread ${one.threadId}`,
      );
  }
  const { threads, packs, segments, images: removed, bytes, kept } = cleaned;
  const objects = archive ? `${plural(packs, 'pack')} and ${plural(segments, 'segment')}` : plural(packs, 'pack');
  const alone = images ? `, ${plural(removed, 'image')}` : '';
  const sum = `${objects} of ${plural(threads, 'thread')}${alone}, ${plural(bytes, 'byte')}`;
  output.result({ threads, packs, segments, images: removed, bytes, kept, preview }, [
    `${preview ? 'would remove' : 'removed'} ${sum}`,
    ...Object.entries(kept).map(([why, count]) => `kept ${plural(count, 'object')}: ${why}`),
  ]);
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}
