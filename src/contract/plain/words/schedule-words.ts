/** Schedules as text for a person. */
import type { BatchResult } from '../../reviews/batch.ts';
import type { Calendar, CalendarRange } from '../../reviews/calendar.ts';
import type { FiringOutcome, ScheduleTimes } from '../../reviews/schedule.ts';
import { describeMilliseconds } from './time-words.ts';

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

/** How a run of a schedule ended, on one line of foreign text. */
export function describeFiring(outcome: FiringOutcome): string {
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
