/** `bobbin schedule ...`: batches of reviews that begin by themselves. */
import { type Command, Option } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { OverlapPolicy, ScheduleChanges, ScheduleView } from '../../../contract/index.ts';
import { type BatchOptions, addBatchOptions, toBatch, toBatchChanges } from './batch-options.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { toMoment } from '../text/durations.ts';
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
  const schedule = program.command('schedule').description('batches of reviews that begin by themselves');
  const command = <O extends object>(name: string, description: string, examples: string[], body: Body<O>): Command =>
    schedule
      .command(name)
      .argument('<scheduleId>')
      .description(description)
      .option('--data-dir <path>', 'of the stack to use (default: your data folder)')
      .option('--json', 'JSON in place of lines')
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
        'make a schedule',
        [
          "nightly --cron '0 3 * * MON-FRI' --timezone Europe/Berlin --repository . --base main",
          'often --every 6h/30m --jitter 10m --targets nightly.json --if-exists update',
        ],
        create,
      ),
    ),
  )
    .option('--paused', 'it waits until it is resumed')
    .option('--note <text>', 'what it is for, or why it is paused')
    .addOption(
      new Option('--if-exists <what>', 'where there is one of that id').choices(['refuse', 'update']).default('refuse'),
    );
  schedule
    .command('list')
    .description('the schedules there are')
    .option('--limit <n>', 'at most so many', Number, 100)
    .option('--data-dir <path>', 'of the stack to use (default: your data folder)')
    .option('--json', 'JSON in place of lines')
    .addHelpText('after', '\nExample:\n  bobbin schedule list')
    .action((options: CommonOptions & { limit: number }) =>
      withBobbin(options, async (bobbin, output) => {
        const found = await bobbin.schedules.list({ limit: options.limit });
        output.result(found, listLines(found));
        return EXIT.ok;
      }),
    );
  command('show', 'when it is due, what came of its runs, and its targets', ['nightly'], show);
  addBatchOptions(
    addTimingOptions(
      command<SpecOptions>(
        'update',
        'change what is named; none takes a limit away. Times that are named replace all there are, targets too',
        ["nightly --cron '30 4 * * *'", 'nightly --end-at none --concurrency 8'],
        update,
      ),
    ),
  ).option('--note <text>', 'what it is for');
  command<{ note?: string }>(
    'pause',
    'no run is due until it is resumed',
    ['nightly --note "release week"'],
    pause,
  ).option('--note <text>', 'why');
  command<{ note?: string }>('resume', 'let it go on', ['nightly'], resume).option('--note <text>', 'why');
  command<TriggerOptions>('trigger', 'begin a run now, paused or not', ['nightly', 'nightly --full-pass'], trigger)
    .addOption(overlapOption('where another run has not ended (default: BUFFER_ONE)'))
    .option('--full-pass', 'a batch apart from the schedule that looks at everything, changed or not');
  command<BackfillOptions>(
    'backfill',
    'begin the runs that were due in that time, now',
    ['nightly --from 2027-01-30T00:00:00Z --to 2027-01-31T00:00:00Z'],
    backfill,
  )
    .requiredOption('--from <moment>', 'with its zone, such as 2027-01-31T18:00:00+01:00')
    .requiredOption('--to <moment>', 'the same; both are part of it')
    .addOption(overlapOption('how they run (default: BUFFER_ALL, one after another)'));
  command('delete', 'no run is due any more; one that runs goes on', ['nightly'], remove);
}

async function create(bobbin: Bobbin, output: Output, scheduleId: string, options: CreateOptions): Promise<number> {
  const { times, ...timing } = toTiming(options);
  if (times === undefined) throw new BobbinError('invalid', 'When? Give --cron, --every or --calendar.');
  const { schedule, created } = await bobbin.schedules.create(
    scheduleId,
    { times, ...timing, ...toState(options), batch: await toBatch(options) },
    { ifExists: options.ifExists },
  );
  return tell(output, await schedule.describe(), created ? 'created' : 'updated', { created });
}

async function update(bobbin: Bobbin, output: Output, scheduleId: string, options: SpecOptions): Promise<number> {
  const batch = await toBatchChanges(options);
  const changes: ScheduleChanges = {
    ...toTiming(options),
    ...toState(options),
    ...(Object.keys(batch).length === 0 ? {} : { batch }),
  };
  if (Object.keys(changes).length === 0) throw new BobbinError('invalid', 'Name what is to change.');
  const schedule = bobbin.schedules.get(scheduleId);
  await schedule.update(changes);
  return tell(output, await schedule.describe(), 'updated');
}

function toState({ paused, note }: SpecOptions): { paused?: boolean; note?: string } {
  return { ...(paused === undefined ? {} : { paused }), ...(note === undefined ? {} : { note }) };
}

function tell(output: Output, view: ScheduleView, what: string, more: object = {}): number {
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
  return tell(output, await schedule.describe(), 'resumed');
}

interface TriggerOptions {
  overlap?: OverlapPolicy;
  fullPass?: boolean;
}

async function trigger(bobbin: Bobbin, output: Output, scheduleId: string, options: TriggerOptions): Promise<number> {
  const { overlap, fullPass = false } = options;
  if (fullPass) return triggerFullPass(bobbin, output, scheduleId, overlap);
  const run = await bobbin.schedules.get(scheduleId).trigger(overlap === undefined ? {} : { overlap });
  output.result({ scheduleId, run }, [
    run === null
      ? `no run of ${scheduleId} has begun yet: it waits for another one, or was left out for it`
      : `batch ${run.batchId} begun; \`bobbin batch show ${run.batchId}\` follows it`,
  ]);
  return EXIT.ok;
}

/** The service runs a schedule's batch as it stands there, so this one is started beside it; the ledgers keep them apart. */
async function triggerFullPass(
  { schedules, batches }: Bobbin,
  output: Output,
  scheduleId: string,
  overlap: OverlapPolicy | undefined,
): Promise<number> {
  if (overlap !== undefined)
    throw new BobbinError('invalid', '--full-pass starts a batch apart from the schedule: --overlap has no say in it');
  const { batch } = await schedules.get(scheduleId).describe();
  if (batch === null)
    throw new BobbinError(
      'scheduleForeign',
      `The batch of schedule ${scheduleId} cannot be read; somebody else changed it.`,
    );
  const batchId = `${scheduleId}-full-${new Date().toISOString()}`;
  await batches.start({ ...batch, fullPass: true }, { batchId });
  output.result({ scheduleId, batchId }, [`batch ${batchId} begun; \`bobbin batch show ${batchId}\` follows it`]);
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
    `the runs of that time were asked for; \`bobbin schedule show ${scheduleId}\` has them as they begin`,
  ]);
  return EXIT.ok;
}

async function remove(bobbin: Bobbin, output: Output, scheduleId: string): Promise<number> {
  await bobbin.schedules.get(scheduleId).delete();
  output.result({ scheduleId, deleted: true }, [`schedule ${scheduleId} deleted`]);
  return EXIT.ok;
}
