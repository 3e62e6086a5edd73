/** `bobbin store schedule ...`: workers clean the store at given times. */
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { CleaningRun, CleaningScheduleView } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { describeMoment } from '../../../contract/plain/words/time-words.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { CONSEQUENCES, type WhatToClean, addWhatToClean } from './store-options.ts';

interface CreateOptions extends CommonOptions, WhatToClean {
  cron: string[];
  timezone?: string;
}

type Body<O> = (bobbin: Bobbin, output: Output, options: O) => Promise<number>;

export function addStoreScheduleCommands(store: Command): void {
  const schedule = store.command('schedule').description('let workers clean the store at given times');
  const command = <O extends CommonOptions>(name: string, description: string, body: Body<O>, example = ''): Command =>
    schedule
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin store schedule ${name}${example}`)
      .action((options: O) => withBobbin(options, (bobbin, output) => body(bobbin, output, options)));
  const gather = (value: string, before: string[] = []) => [...before, value];
  addWhatToClean(
    command<CreateOptions>(
      'create',
      'create the schedule of the task queue, or replace it',
      create,
      " --cron '0 3 * * *'",
    ),
  )
    .requiredOption('--cron <line>', 'five fields, or a name such as @daily; can be repeated', gather)
    .option('--timezone <name>', 'time zone of the cron lines, such as Europe/Berlin (default: UTC)')
    .addHelpText('after', CONSEQUENCES);
  command('show', 'show what it cleans, the next times, and the results of its runs', show);
  command('trigger', 'start a run now', trigger);
  command('delete', 'delete it; a run that has begun continues', remove);
}

async function create(bobbin: Bobbin, output: Output, options: CreateOptions): Promise<number> {
  const { cron, timezone, closedFor: closedForDays, archive, images, unknown } = options;
  const view = await bobbin.storeCleaning.set({
    cron,
    timezone,
    cleaning: { closedForDays, archive, images, unknown },
  });
  output.result(view, linesOf(view));
  return EXIT.ok;
}

async function show(bobbin: Bobbin, output: Output): Promise<number> {
  const view = await bobbin.storeCleaning.describe();
  output.result(view, linesOf(view));
  return EXIT.ok;
}

async function trigger(bobbin: Bobbin, output: Output): Promise<number> {
  await bobbin.storeCleaning.trigger();
  output.result({ triggered: true }, ['a run was requested']);
  return EXIT.ok;
}

async function remove(bobbin: Bobbin, output: Output): Promise<number> {
  await bobbin.storeCleaning.delete();
  output.result({ deleted: true }, ['the schedule was deleted']);
  return EXIT.ok;
}

const MAX_TIMES = 5;

function linesOf({ scheduleId, cron, timezone, paused, cleaning, nextTimes, runs }: CleaningScheduleView): string[] {
  const times = nextTimes.slice(0, MAX_TIMES);
  return [
    `${scheduleId}: ${paused ? 'paused' : 'active'}`,
    `due         ${cron.join('; ')} (${timezone})`,
    `cleans      ${whatOf(cleaning)}`,
    ...times.map((time, index) => `${index === 0 ? 'next' : '    '}        ${describeMoment(time, timezone)}`),
    ...runs.map(
      (run, index) => `${index === 0 ? 'runs' : '    '}        ${describeMoment(run.at, timezone)}  ${endOf(run)}`,
    ),
  ];
}

function whatOf(cleaning: CleaningScheduleView['cleaning']): string {
  if (cleaning === null) return 'cannot be read';
  const { closedForDays, archive = false, images = false, unknown = false } = cleaning;
  const what = archive ? 'snapshots and the past' : 'snapshots';
  const threads = `${what} of threads closed for ${plural(closedForDays, 'day')}${unknown ? ', unknown ones too' : ''}`;
  return `${threads}${images ? '; images that no thread refers to' : ''}`;
}

function endOf({ status, result }: CleaningRun): string {
  if (result === null) return status.toLowerCase();
  const { packs, segments, images = 0, threads, more } = result;
  const removed = `${plural(packs, 'pack')} and ${plural(segments, 'segment')} of ${plural(threads, 'thread')}`;
  const alone = images === 0 ? '' : `, ${plural(images, 'image')}`;
  return `removed ${removed}${alone}${more ? '; more next time' : ''}`;
}
