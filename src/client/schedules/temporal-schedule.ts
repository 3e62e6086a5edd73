/** Converts between Temporal's schedules and those of this client. */
import type {
  ScheduleDescription,
  ScheduleOptions,
  ScheduleSpec as TemporalSpec,
  ScheduleSpecDescription,
  ScheduleSummary as TemporalSummary,
} from '@temporalio/client';
import {
  BATCH_WORKFLOW_TYPE,
  type Calendar,
  SCHEDULE_DEFAULTS,
  type ScheduleFiring,
  type ScheduleSpec,
  type ScheduleSummary,
  type ScheduleTimes,
  type ScheduleView,
  StartBatchSchema,
} from '../../contract/index.ts';
import { BATCH_PREFIX } from '../../contract/plain/workflow-ids.ts';
import { withoutSecrets } from '../../contract/plain/repository-address.ts';
import { toBatchSummary } from '../batches/batches.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';

/** Marks the cron line in the comment of a calendar: the service converts cron lines into calendars. */
const CRON_MARK = 'cron: ';

/** The common part of the arguments of Temporal's `create` and `update`. */
export type TemporalParts = Required<Pick<ScheduleOptions, 'spec' | 'action' | 'policies' | 'state'>>;

export function toTemporalParts(scheduleId: string, taskQueue: string, spec: ScheduleSpec): TemporalParts {
  const { batch, remainingActions } = spec;
  return {
    spec: toTemporalTimes(spec),
    action: {
      type: 'startWorkflow',
      workflowType: BATCH_WORKFLOW_TYPE,
      // The service appends the time of the run.
      workflowId: `${BATCH_PREFIX}${scheduleId}`,
      taskQueue,
      args: [batch],
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: toBatchSummary(batch),
      memo: { scheduleId, targets: batch.targets.length },
    },
    policies: {
      overlap: spec.overlap ?? SCHEDULE_DEFAULTS.overlap,
      catchupWindow: spec.catchupWindowMs ?? SCHEDULE_DEFAULTS.catchupWindowMs,
      pauseOnFailure: spec.pauseOnFailure ?? SCHEDULE_DEFAULTS.pauseOnFailure,
    },
    state: {
      paused: spec.paused ?? SCHEDULE_DEFAULTS.paused,
      note: spec.note ?? SCHEDULE_DEFAULTS.note,
      ...(remainingActions === undefined ? {} : { remainingActions }),
    },
  };
}

type Timing = Pick<ScheduleSpec, 'times' | 'jitterMs' | 'startAt' | 'endAt'> & { timezone?: string | undefined };

export function toTemporalTimes({ times, timezone, jitterMs, startAt, endAt }: Timing): TemporalSpec {
  return {
    cronExpressions: times.cron.map((line) => `${line} # ${CRON_MARK}${line}`),
    intervals: times.intervals.map(({ everyMs, offsetMs }) => ({ every: everyMs, offset: offsetMs })),
    calendars: times.calendars,
    timezone: timezone ?? SCHEDULE_DEFAULTS.timezone,
    ...(jitterMs === undefined || jitterMs === 0 ? {} : { jitter: jitterMs }),
    ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
  };
}

export function toScheduleView(description: ScheduleDescription): ScheduleView {
  const { scheduleId, spec, policies, state, info } = description;
  return {
    scheduleId,
    times: toTimes(spec),
    timezone: toTimeZone(spec),
    jitterMs: spec.jitter ?? 0,
    startAt: spec.startAt?.getTime() ?? null,
    endAt: spec.endAt?.getTime() ?? null,
    overlap: policies.overlap ?? SCHEDULE_DEFAULTS.overlap,
    catchupWindowMs: policies.catchupWindow,
    pauseOnFailure: policies.pauseOnFailure,
    remainingActions: state.remainingActions ?? null,
    paused: state.paused,
    note: state.note ?? '',
    batch: readBatch(description),
    nextTimes: info.nextActionTimes.map((time) => time.getTime()),
    running: info.runningActions.map(({ workflow }) => toBatchId(workflow.workflowId)),
    counts: {
      taken: info.numActionsTaken,
      missed: info.numActionsMissedCatchupWindow,
      skipped: info.numActionsSkippedOverlap,
    },
    createdAt: info.createdAt.getTime(),
    updatedAt: info.lastUpdatedAt?.getTime() ?? null,
  };
}

export function toScheduleSummary({ scheduleId, spec, state, info }: TemporalSummary): ScheduleSummary {
  const firings = toFirings(info);
  return {
    scheduleId,
    times: spec === undefined ? { cron: [], intervals: [], calendars: [] } : toTimes(spec),
    timezone: spec === undefined ? SCHEDULE_DEFAULTS.timezone : toTimeZone(spec),
    paused: state.paused,
    note: state.note ?? '',
    nextAt: info.nextActionTimes[0]?.getTime() ?? null,
    lastRun: firings.at(-1) ?? null,
  };
}

/** Oldest first. */
export function toFirings({ recentActions }: Pick<ScheduleDescription['info'], 'recentActions'>): ScheduleFiring[] {
  return recentActions.map(({ scheduledAt, takenAt, action }) => ({
    batchId: toBatchId(action.workflow.workflowId),
    scheduledAt: scheduledAt.getTime(),
    takenAt: takenAt.getTime(),
  }));
}

export function toBatchWorkflowId(batchId: string): string {
  return `${BATCH_PREFIX}${batchId}`;
}

function toBatchId(workflowId: string): string {
  return workflowId.startsWith(BATCH_PREFIX) ? workflowId.slice(BATCH_PREFIX.length) : workflowId;
}

export function toTimeZone({ timezone }: ScheduleSpecDescription): string {
  return timezone === undefined || timezone === '' ? SCHEDULE_DEFAULTS.timezone : timezone;
}

export function toTimes({ calendars = [], intervals = [] }: ScheduleSpecDescription): ScheduleTimes {
  const isCron = ({ comment }: { comment?: string }) => comment?.startsWith(CRON_MARK) === true;
  return {
    cron: calendars.filter(isCron).map(({ comment = '' }) => comment.slice(CRON_MARK.length)),
    intervals: intervals.map(({ every, offset }) => ({ everyMs: every, offsetMs: offset })),
    calendars: calendars
      .filter((calendar) => !isCron(calendar))
      .map((calendar): Calendar => ({ ...calendar, comment: calendar.comment ?? '' })),
  };
}

function readBatch({ action }: ScheduleDescription): ScheduleView['batch'] {
  const parsed = StartBatchSchema.safeParse(withoutSecretsIn(action.args?.[0]));
  return parsed.success ? parsed.data : null;
}

/** An earlier version accepted addresses with credentials. They are not shown, and the next update removes them. */
function withoutSecretsIn(batch: unknown): unknown {
  if (typeof batch !== 'object' || batch === null || !('targets' in batch) || !Array.isArray(batch.targets))
    return batch;
  const targets = batch.targets.map((target: unknown) => {
    if (typeof target !== 'object' || target === null || !('repository' in target)) return target;
    const { repository } = target;
    return typeof repository === 'string' ? { ...target, repository: withoutSecrets(repository) } : target;
  });
  return { ...batch, targets };
}
