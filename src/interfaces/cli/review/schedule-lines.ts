/** Schedules as text for a person. */
import type {
  BatchResult,
  Calendar,
  CalendarRange,
  FiringOutcome,
  ScheduleRun,
  ScheduleSummary,
  ScheduleTimes,
  ScheduleView,
} from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { describeTarget } from './describe-target.ts';
import { columns } from '../text/columns.ts';
import { describeMilliseconds, describeMoment } from '../text/durations.ts';

const MAX_TIMES = 5;
const MAX_TARGETS = 20;

export function scheduleLines(view: ScheduleView, runs: ScheduleRun[]): string[] {
  const zone = view.timezone;
  const { taken, missed, skipped } = view.counts;
  return [
    `${view.scheduleId}: ${stateOf(view)}`,
    ...describeTimes(view.times).map((line, index) => `${index === 0 ? 'due       ' : '          '}  ${line}`),
    `zone        ${zone}`,
    ...limitsOf(view).map((line) => `limits      ${line}`),
    `overlap     ${view.overlap}, catches up ${describeMilliseconds(view.catchupWindowMs)}${view.pauseOnFailure ? ', pauses on failure' : ''}`,
    `runs        ${taken} started, ${skipped} skipped because of another run, ${missed} missed`,
    ...nextLines(view),
    ...(runs.length === 0 ? [] : ['recent']),
    ...runs.map((run) => `  ${describeMoment(run.scheduledAt, zone)}  ${run.batchId}  ${describeOutcome(run.outcome)}`),
    ...targetLines(view),
  ];
}

function stateOf({ paused, note, remainingActions }: ScheduleView): string {
  const words = note === '' ? '' : ` (${note})`;
  if (paused) return `paused${words}`;
  return remainingActions === 0 ? `no runs left${words}` : `active${words}`;
}

function limitsOf({ jitterMs, startAt, endAt, remainingActions, timezone }: ScheduleView): string[] {
  const words = [
    ...(jitterMs === 0 ? [] : [`up to ${describeMilliseconds(jitterMs)} late`]),
    ...(startAt === null ? [] : [`from ${describeMoment(startAt, timezone)}`]),
    ...(endAt === null ? [] : [`until ${describeMoment(endAt, timezone)}`]),
    ...(remainingActions === null ? [] : [plural(remainingActions, 'more run')]),
  ];
  return words.length === 0 ? [] : [words.join(', ')];
}

/** The next times, in the zone of the schedule. */
export function nextLines({ nextTimes, timezone, paused }: ScheduleView): string[] {
  if (nextTimes.length === 0) return ['next        none'];
  return [
    `next${paused ? '        once it is resumed' : ''}`,
    ...nextTimes.slice(0, MAX_TIMES).map((time) => `  ${describeMoment(time, timezone)}`),
  ];
}

function targetLines({ batch }: ScheduleView): string[] {
  if (batch === null) return ['targets     cannot be read'];
  const more = batch.targets.length - MAX_TARGETS;
  return [
    `targets     ${batch.targets.length}`,
    ...batch.targets.slice(0, MAX_TARGETS).map((target) => `  ${describeTarget(target)}`),
    ...(more > 0 ? [`  and ${more} more; --json lists all`] : []),
  ];
}

function describeOutcome(outcome: FiringOutcome): string {
  switch (outcome.status) {
    case 'completed':
      return outcome.result === null ? 'completed' : describeResult(outcome.result);
    case 'failed':
      return `failed: ${outcome.message}`;
    case 'timedOut':
      return 'timed out';
    case 'forgotten':
      return 'ended; Temporal no longer keeps it';
    case 'running':
    case 'cancelled':
    case 'terminated':
      return outcome.status;
  }
}

function describeResult({ status, counts, findings }: BatchResult): string {
  const targets = [
    `${counts.reviewed} reviewed`,
    ...(counts.skipped === 0 ? [] : [`${counts.skipped} skipped`]),
    ...(counts.notReviewed === 0 ? [] : [`${counts.notReviewed} not reviewed`]),
    ...(counts.failed === 0 ? [] : [`${counts.failed} failed`]),
  ];
  return `${status}: ${targets.join(', ')}; ${findings.new} new, ${findings.fixed} fixed`;
}

export function describeTimes({ cron, intervals, calendars }: ScheduleTimes): string[] {
  return [
    ...cron,
    ...intervals.map(
      ({ everyMs, offsetMs }) =>
        `every ${describeMilliseconds(everyMs)}${offsetMs === 0 ? '' : ` and ${describeMilliseconds(offsetMs)}`}`,
    ),
    ...calendars.map(describeCalendar),
  ];
}

function describeCalendar({ second, minute, hour, dayOfMonth, month, year, dayOfWeek, comment }: Calendar): string {
  const words = [
    ...(isAll(dayOfWeek, 'SUNDAY', 'SATURDAY') ? [] : [describeRanges(dayOfWeek)]),
    ...(isAll(dayOfMonth, 1, 31) ? [] : [`day ${describeRanges(dayOfMonth)}`]),
    ...(isAll(month, 'JANUARY', 'DECEMBER') ? [] : [describeRanges(month)]),
    ...(year.length === 0 ? [] : [describeRanges(year)]),
    `hour ${describeRanges(hour)}`,
    `minute ${describeRanges(minute)}`,
    ...(describeRanges(second) === '0' ? [] : [`second ${describeRanges(second)}`]),
  ];
  return `${words.join(', ')}${comment === '' ? '' : ` (${comment})`}`;
}

function isAll<Unit>(ranges: CalendarRange<Unit>[], first: Unit, last: Unit): boolean {
  return ranges.some(({ start, end, step }) => start === first && end === last && step === 1);
}

function describeRanges(ranges: CalendarRange<number | string>[]): string {
  return ranges
    .map(({ start, end, step }) => `${start}${end === start ? '' : `-${end}`}${step === 1 ? '' : `/${step}`}`)
    .join('+');
}

export function listLines(summaries: ScheduleSummary[]): string[] {
  if (summaries.length === 0) return ['no schedules'];
  const rows = summaries.map((summary) => [
    summary.scheduleId,
    summary.paused ? 'paused' : 'active',
    describeTimes(summary.times).join('; '),
    summary.nextAt === null ? 'no further run' : `next ${describeMoment(summary.nextAt, summary.timezone)}`,
    summary.lastRun === null ? 'no run yet' : `last ${describeMoment(summary.lastRun.scheduledAt, summary.timezone)}`,
  ]);
  return columns(rows);
}
