/** When a batch is run: the options of a schedule. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type {
  LooseCalendar,
  LooseScheduleSpec,
  OverlapPolicy,
  ScheduleChanges,
  ScheduleInterval,
} from '../../../contract/index.ts';
import { toMilliseconds, toMoment } from '../text/durations.ts';

export interface TimingOptions {
  cron?: string[];
  every?: string[];
  calendar?: string[];
  timezone?: string;
  jitter?: string;
  startAt?: string;
  endAt?: string;
  overlap?: OverlapPolicy;
  catchupWindow?: string;
  pauseOnFailure?: boolean;
  remaining?: string;
}

const POLICIES = ['SKIP', 'BUFFER_ONE', 'BUFFER_ALL', 'CANCEL_OTHER', 'TERMINATE_OTHER', 'ALLOW_ALL'];

const gather = (value: string, before: string[] = []) => [...before, value];

export function addTimingOptions(command: Command): Command {
  return command
    .option('--cron <line>', 'five fields, or @daily and the like; may be given several times', gather)
    .option('--every <length>', 'every 6h, or 6h/30m for half past; counted from 1970 in UTC', gather)
    .option('--calendar <json>', 'a calendar, such as {"hour": 3, "dayOfWeek": "MONDAY"}', gather)
    .option('--timezone <name>', 'of cron lines and calendars, such as Europe/Berlin (default: UTC)')
    .option('--jitter <length>', 'begin up to so much later, by chance')
    .option('--start-at <moment>', 'not before, such as 2027-01-31T18:00:00+01:00')
    .option('--end-at <moment>', 'not after')
    .addOption(overlapOption('when the run before has not ended (default: SKIP)'))
    .option('--catchup-window <length>', 'how late a run may be after an outage (default: 1h)')
    .option('--pause-on-failure', 'pause when a batch fails as a whole')
    .option('--no-pause-on-failure')
    .option('--remaining <n>', 'so many runs, then no more');
}

export function overlapOption(description: string): Option {
  return new Option('--overlap <policy>', `${description}: ${POLICIES.join(', ')}`).argParser((value) => {
    if (POLICIES.includes(value.toUpperCase())) return value.toUpperCase();
    throw new InvalidArgumentError(`One of ${POLICIES.join(', ')} is needed.`);
  });
}

type Timing = Omit<ScheduleChanges, 'batch' | 'paused' | 'note'>;

/** Only what is named; `none` is null, which puts a default back. Times that are named replace all there are. */
export function toTiming(options: TimingOptions): Timing {
  const { timezone, jitter, startAt, endAt, overlap, catchupWindow, pauseOnFailure, remaining } = options;
  const times = toTimes(options);
  return {
    ...(times === undefined ? {} : { times }),
    ...(timezone === undefined ? {} : { timezone: orNone(timezone, (text) => text) }),
    ...(jitter === undefined ? {} : { jitterMs: orNone(jitter, (text) => toMilliseconds('--jitter', text)) }),
    ...(startAt === undefined ? {} : { startAt: orNone(startAt, (text) => toMoment('--start-at', text)) }),
    ...(endAt === undefined ? {} : { endAt: orNone(endAt, (text) => toMoment('--end-at', text)) }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(catchupWindow === undefined
      ? {}
      : { catchupWindowMs: orNone(catchupWindow, (text) => toMilliseconds('--catchup-window', text)) }),
    ...(pauseOnFailure === undefined ? {} : { pauseOnFailure }),
    ...(remaining === undefined ? {} : { remainingActions: orNone(remaining, toCount) }),
  };
}

function orNone<T>(text: string, read: (text: string) => T): T | null {
  return text === 'none' ? null : read(text);
}

function toCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new BobbinError('invalid', `--remaining ${text}: a whole number is needed, or none for no end`);
}

function toTimes({ cron, every, calendar }: TimingOptions): LooseScheduleSpec['times'] | undefined {
  if (cron === undefined && every === undefined && calendar === undefined) return undefined;
  return {
    ...(cron === undefined ? {} : { cron }),
    ...(every === undefined ? {} : { intervals: every.map(toInterval) }),
    ...(calendar === undefined ? {} : { calendars: calendar.map(toCalendar) }),
  };
}

function toInterval(text: string): ScheduleInterval {
  const [every = '', offset, ...more] = text.split('/');
  if (more.length > 0) throw new BobbinError('invalid', `--every ${text}: an interval and one offset are needed`);
  return {
    everyMs: toMilliseconds('--every', every),
    offsetMs: offset === undefined ? 0 : toMilliseconds('--every', offset),
  };
}

/** What it says is for the schema to judge. */
function toCalendar(text: string): LooseCalendar {
  try {
    return JSON.parse(text) as LooseCalendar;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError('invalid', `--calendar ${text} is no JSON: ${reason}`, error);
  }
}
