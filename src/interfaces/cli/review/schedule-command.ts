/** `bobbin schedule ...`: manages batches of reviews that start at given times. */
import { type Command, Option } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { OverlapPolicy, ScheduleChanges, ScheduleView } from '../../../contract/index.ts';
import { type BatchOptions, addBatchOptions, toBatch, toBatchChanges } from './batch-options.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { toMoment } from '../text/durations.ts';
import { positive } from '../option-values.ts';
import { asStarted } from '../invocation.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { listLines, nextLines, scheduleLines } from './schedule-lines.ts';
import { type TimingOptions, addTimingOptions, overlapOption, toTiming } from './schedule-options.ts';

type Body<O> = (bobbin: Bobbin, output: Output, scheduleId: string, options: O) => Promise<number>;

interface SpecOptions extends TimingOptions, BatchOptions {
  paused?: boolean;
  note?: string;
}

interface CreateOptions extends SpecOptions {
  ifExists: 'refuse' | 'update';
}

export function addScheduleCommands(program: Command): void {
  const schedule = program.command('schedule').description('run batches of reviews at given times');
  const command = <O extends object>(name: string, description: string, examples: string[], body: Body<O>): Command =>
    schedule
      .command(name)
      .argument('<scheduleId>')
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText(
        'after',
        `\nExample${examples.length > 1 ? 's' : ''}:${examples.map((example) => `\n  bobbin schedule ${name} ${example}`).join('')}`,
      )
      .action((scheduleId: string, options: O & CommonOptions) =>
        withBobbin(options, (bobbin, output) => body(bobbin, output, scheduleId, options)),
      );

  addBatchOptions(
    addTimingOptions(
      command<CreateOptions>(
        'create',
        'create a schedule',
        [
          "nightly --cron '0 3 * * MON-FRI' --timezone Europe/Berlin --repository . --base main",
          'often --every 6h/30m --jitter 10m --targets nightly.json --if-exists update',
        ],
        create,
      ),
    ),
  )
    .option('--paused', 'create it paused')
    .option('--note <text>', 'what it is for, or why it is paused')
    .addOption(
      new Option('--if-exists <what>', 'if a schedule with this id exists')
        .choices(['refuse', 'update'])
        .default('refuse'),
    );
  schedule
    .command('list')
    .description('list the schedules')
    .option('--limit <n>', 'maximum number of schedules', positive, 100)
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin schedule list')
    .action((options: CommonOptions & { limit: number }) =>
      withBobbin(options, async (bobbin, output) => {
        const found = await bobbin.schedules.list({ limit: options.limit });
        output.result(found, listLines(found));
        return EXIT.ok;
      }),
    );
  command('show', 'show the next times, the results of its runs, and its targets', ['nightly'], show);
  addBatchOptions(
    addTimingOptions(
      command<SpecOptions>(
        'update',
        'change the given options; none removes a limit. Given times and targets replace the existing ones',
        ["nightly --cron '30 4 * * *'", 'nightly --end-at none --concurrency 8'],
        update,
      ),
    ),
  ).option('--note <text>', 'what it is for');
  command<{ note?: string }>(
    'pause',
    'start no more runs until it is resumed',
    ['nightly --note "release week"'],
    pause,
  ).option('--note <text>', 'why');
  command<{ note?: string }>('resume', 'continue a paused schedule', ['nightly'], resume).option(
    '--note <text>',
    'why',
  );
  command<TriggerOptions>(
    'trigger',
    'start a run now, even if paused',
    ['nightly', 'nightly --full-pass', 'nightly --at 2027-01-31T18:00:00Z'],
    trigger,
  )
    .addOption(overlapOption('if another run has not ended (default: BUFFER_ONE)'))
    .option('--full-pass', 'start a separate batch that reviews everything, changed or not')
    .option('--at <moment>', 'time of the run, to repeat the command safely: the same time is one run (default: now)');
  command<BackfillOptions>(
    'backfill',
    'start the runs that were due in a past period',
    ['nightly --from 2027-01-30T00:00:00Z --to 2027-01-31T00:00:00Z'],
    backfill,
  )
    .requiredOption('--from <moment>', 'start of the period, with a time zone, such as 2027-01-31T18:00:00+01:00')
    .requiredOption('--to <moment>', 'end of the period (inclusive)')
    .addOption(overlapOption('how the runs overlap (default: BUFFER_ALL, one after another)'));
  command('delete', 'delete a schedule; a running batch continues', ['nightly'], remove);
}

async function create(bobbin: Bobbin, output: Output, scheduleId: string, options: CreateOptions): Promise<number> {
  const { times, ...timing } = toTiming(options);
  if (times === undefined) throw new BobbinError('invalid', 'No times: use --cron, --every or --calendar.');
  const { schedule, created } = await bobbin.schedules.create(
    scheduleId,
    { times, ...timing, ...toState(options), batch: await toBatch(options) },
    { ifExists: options.ifExists },
  );
  return report(output, await schedule.describe(), created ? 'created' : 'updated', { created });
}

async function update(bobbin: Bobbin, output: Output, scheduleId: string, options: SpecOptions): Promise<number> {
  const batch = await toBatchChanges(options);
  const changes: ScheduleChanges = {
    ...toTiming(options),
    ...toState(options),
    ...(Object.keys(batch).length === 0 ? {} : { batch }),
  };
  if (Object.keys(changes).length === 0)
    throw new BobbinError('invalid', 'Nothing to change: use at least one option.');
  const schedule = bobbin.schedules.get(scheduleId);
  await schedule.update(changes);
  return report(output, await schedule.describe(), 'updated');
}

function toState({ paused, note }: SpecOptions): { paused?: boolean; note?: string } {
  return { ...(paused === undefined ? {} : { paused }), ...(note === undefined ? {} : { note }) };
}

function report(output: Output, view: ScheduleView, what: string, more: object = {}): number {
  output.result({ ...more, schedule: view }, [`schedule ${view.scheduleId} ${what}`, ...nextLines(view)]);
  return EXIT.ok;
}

async function show(bobbin: Bobbin, output: Output, scheduleId: string): Promise<number> {
  const schedule = bobbin.schedules.get(scheduleId);
  const [view, runs] = await Promise.all([schedule.describe(), schedule.runs()]);
  output.result({ ...view, runs }, scheduleLines(view, runs));
  return EXIT.ok;
}

async function pause(bobbin: Bobbin, output: Output, scheduleId: string, { note }: { note?: string }): Promise<number> {
  await bobbin.schedules.get(scheduleId).pause(note);
  output.result({ scheduleId, paused: true }, [`schedule ${scheduleId} paused`]);
  return EXIT.ok;
}

async function resume(
  bobbin: Bobbin,
  output: Output,
  scheduleId: string,
  { note }: { note?: string },
): Promise<number> {
  const schedule = bobbin.schedules.get(scheduleId);
  await schedule.resume(note);
  return report(output, await schedule.describe(), 'resumed');
}

interface TriggerOptions {
  at?: string;
  overlap?: OverlapPolicy;
  fullPass?: boolean;
}

async function trigger(bobbin: Bobbin, output: Output, scheduleId: string, options: TriggerOptions): Promise<number> {
  const { overlap, fullPass = false } = options;
  const at = options.at === undefined ? Date.now() : toMoment('--at', options.at);
  if (fullPass) return triggerFullPass(bobbin, output, scheduleId, { overlap, at });
  const run = await bobbin.schedules.get(scheduleId).trigger({ at, ...(overlap === undefined ? {} : { overlap }) });
  output.result({ scheduleId, run }, [
    run === null
      ? `no run of ${scheduleId} has started: it waits for another run, or was skipped because of it`
      : `batch ${run.batchId} started; \`${asStarted(`batch show ${run.batchId}`)}\` shows its progress`,
  ]);
  return EXIT.ok;
}

/** The service cannot change the batch of one run, so this one starts separately. The ledgers serialize the two. */
async function triggerFullPass(
  { schedules, batches }: Bobbin,
  output: Output,
  scheduleId: string,
  { overlap, at }: { overlap: OverlapPolicy | undefined; at: number },
): Promise<number> {
  if (overlap !== undefined)
    throw new BobbinError('invalid', '--full-pass starts a separate batch, to which --overlap does not apply');
  const { batch } = await schedules.get(scheduleId).describe();
  if (batch === null)
    throw new BobbinError(
      'scheduleForeign',
      `The batch of schedule ${scheduleId} cannot be read: another tool changed it.`,
    );
  const batchId = `${scheduleId}-full-${new Date(at).toISOString()}`;
  await batches.start({ ...batch, fullPass: true }, { batchId });
  output.result({ scheduleId, batchId }, [
    `batch ${batchId} started; \`${asStarted(`batch show ${batchId}`)}\` shows its progress`,
  ]);
  return EXIT.ok;
}

interface BackfillOptions {
  from: string;
  to: string;
  overlap?: OverlapPolicy;
}

async function backfill(bobbin: Bobbin, output: Output, scheduleId: string, options: BackfillOptions): Promise<number> {
  const { overlap } = options;
  const [from, to] = [toMoment('--from', options.from), toMoment('--to', options.to)];
  await bobbin.schedules.get(scheduleId).backfill({ from, to, ...(overlap === undefined ? {} : { overlap }) });
  output.result({ scheduleId, from, to }, [
    `the runs were requested; \`${asStarted(`schedule show ${scheduleId}`)}\` lists them as they start`,
  ]);
  return EXIT.ok;
}

async function remove(bobbin: Bobbin, output: Output, scheduleId: string): Promise<number> {
  await bobbin.schedules.get(scheduleId).delete();
  output.result({ scheduleId, deleted: true }, [`schedule ${scheduleId} deleted`]);
  return EXIT.ok;
}
