/** The options of a schedule that say when it runs. */
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
    .option('--cron <line>', 'five fields, or a name such as @daily; can be repeated', gather)
    .option('--every <length>', 'interval such as 6h, or 6h/30m with an offset; counted from 1970 in UTC', gather)
    .option('--calendar <json>', 'a calendar, such as {"hour": 3, "dayOfWeek": "MONDAY"}', gather)
    .option('--timezone <name>', 'time zone of cron lines and calendars, such as Europe/Berlin (default: UTC)')
    .option('--jitter <length>', 'start later by a random time up to this length')
    .option('--start-at <moment>', 'no runs before this time, such as 2027-01-31T18:00:00+01:00')
    .option('--end-at <moment>', 'no runs after this time')
    .addOption(overlapOption('if the previous run has not ended (default: SKIP)'))
    .option('--catchup-window <length>', 'how late a run may start after an outage (default: 1h)')
    .option('--pause-on-failure', 'pause if a whole batch fails')
    .option('--no-pause-on-failure')
    .option('--remaining <n>', 'maximum number of further runs');
}

export function overlapOption(description: string): Option {
  return new Option('--overlap <policy>', `${description}: ${POLICIES.join(', ')}`).argParser((value) => {
    if (POLICIES.includes(value.toUpperCase())) return value.toUpperCase();
    throw new InvalidArgumentError(`Expected one of ${POLICIES.join(', ')}.`);
  });
}

type Timing = Omit<ScheduleChanges, 'batch' | 'paused' | 'note'>;

/** Only the given options. `none` becomes null, which restores the default. Given times replace all existing ones. */
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
  throw new BobbinError('invalid', `--remaining ${text}: expected a whole number, or none for no limit`);
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
  if (more.length > 0) throw new BobbinError('invalid', `--every ${text}: expected an interval and at most one offset`);
  return {
    everyMs: toMilliseconds('--every', every),
    offsetMs: offset === undefined ? 0 : toMilliseconds('--every', offset),
  };
}

function toCalendar(text: string): LooseCalendar {
  try {
    return JSON.parse(text) as LooseCalendar;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError('invalid', `--calendar ${text} is not JSON: ${reason}`, error);
  }
}
