/** Schedules as text for a person. */
import type { ScheduleRun, ScheduleSummary, ScheduleView } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { describeFiring, describeTimes } from '../../../contract/plain/words/schedule-words.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { describeMilliseconds, describeMoment } from '../../../contract/plain/words/time-words.ts';
import { columns } from '../text/columns.ts';

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
    ...runs.map((run) => `  ${describeMoment(run.scheduledAt, zone)}  ${run.batchId}  ${describeFiring(run.outcome)}`),
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
