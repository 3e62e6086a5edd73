import { z } from 'zod';
import { type BatchResult, type StartBatch, StartBatchSchema } from './batch.ts';
import { CalendarSchema } from './calendar.ts';
import { faultOfCron } from './cron.ts';
import { LIMITS } from '../plain/limits.ts';
import { IdSchema, ShortTextSchema, compact, optional } from '../shapes.ts';

/** The policy for a run that is due while an earlier one has not ended. Temporal's names. */
export const OverlapPolicySchema = z.enum([
  /** The new run is skipped. */
  'SKIP',
  /** It begins as soon as the earlier one has ended; further ones are skipped. */
  'BUFFER_ONE',
  /** They all begin, one after another. */
  'BUFFER_ALL',
  /** The earlier one is asked to stop and keeps its results; then the new one begins. */
  'CANCEL_OTHER',
  /** The earlier one is terminated at once. */
  'TERMINATE_OTHER',
  /** They run at the same time. */
  'ALLOW_ALL',
]);
export type OverlapPolicy = z.infer<typeof OverlapPolicySchema>;

/** Defaults of a schedule. Temporal's own catch-up window is a year, which is far too long for reviews. */
export const SCHEDULE_DEFAULTS = {
  timezone: 'UTC',
  jitterMs: 0,
  overlap: 'SKIP',
  catchupWindowMs: 3_600_000,
  pauseOnFailure: false,
  paused: false,
  note: '',
} as const;

/** Cron lines, intervals, or calendars. */
const MOST_TIMES = 100;

const YEAR_MS = 31_536_000_000;

export const CronSchema = z
  .string()
  .max(LIMITS.idChars)
  .transform((line) => line.trim().replaceAll(/\s+/g, ' '))
  .superRefine((line, context) => {
    const fault = faultOfCron(line);
    if (fault !== null) context.addIssue({ code: 'custom', message: `cron line "${line}": ${fault}` });
  });

/** An interval in milliseconds, counted from the beginning of 1970 in UTC and shifted by the offset. Whole seconds. */
const IntervalSchema = z
  .object({
    everyMs: z.number().int().min(1_000).max(YEAR_MS).multipleOf(1_000),
    offsetMs: optional(z.number().int().min(0).multipleOf(1_000)),
  })
  .transform(({ everyMs, offsetMs }) => ({ everyMs, offsetMs: offsetMs ?? 0 }))
  .refine(({ everyMs, offsetMs }) => offsetMs < everyMs, { error: 'the offset is less than the interval' });
export type ScheduleInterval = z.infer<typeof IntervalSchema>;

const listOf = <S extends z.ZodType>(schema: S) =>
  z
    .array(schema)
    .max(MOST_TIMES)
    .nullish()
    .transform((list): z.output<S>[] => list ?? []);

/** A schedule is due at every time that one of its entries names. */
const TimesSchema = z
  .object({ cron: listOf(CronSchema), intervals: listOf(IntervalSchema), calendars: listOf(CalendarSchema) })
  .refine(({ cron, intervals, calendars }) => cron.length + intervals.length + calendars.length > 0, {
    error: 'a cron line, an interval or a calendar is needed',
  });
export type ScheduleTimes = z.infer<typeof TimesSchema>;

/** A name of the IANA database, in its exact spelling, the only one that the service accepts. */
export const TimeZoneSchema = z
  .string()
  .max(LIMITS.idChars)
  .transform((name, context) => {
    const known = toTimeZone(name);
    if (known !== null) return known;
    context.addIssue({ code: 'custom', message: `time zone ${name} is not known; take a name such as Europe/Berlin` });
    return z.NEVER;
  });

function toTimeZone(name: string): string | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    // An old name of a zone is resolved to its new one.
    return timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name;
  } catch {
    return null;
  }
}

/** Milliseconds since the epoch, until the end of the year 9999. */
const TimeSchema = z.number().int().min(0).max(253_402_300_799_999);

const members = {
  times: TimesSchema,
  /** For cron lines and calendars. */
  timezone: optional(TimeZoneSchema),
  /** A run begins late by a random delay of at most this many milliseconds, but never after the next one is due. */
  jitterMs: optional(z.number().int().min(0).max(YEAR_MS)),
  /** No run is due before `startAt` or after `endAt`. */
  startAt: optional(TimeSchema),
  endAt: optional(TimeSchema),
  overlap: optional(OverlapPolicySchema),
  /** Milliseconds by which a run may be late after an outage of the service; a later run is skipped. */
  catchupWindowMs: optional(z.number().int().min(10_000).max(YEAR_MS)),
  /** A batch fails if it cannot be used, or if all its targets failed. */
  pauseOnFailure: optional(z.boolean()),
  /** Default: no end. Runs started by hand do not count. */
  remainingActions: optional(z.number().int().min(0).max(1_000_000_000)),
  paused: optional(z.boolean()),
  /** For example, why it is paused. The service writes here, too. */
  note: optional(ShortTextSchema),
};

const hasTimeLeft = ({ startAt, endAt }: { startAt?: number | undefined; endAt?: number | undefined }) =>
  startAt === undefined || endAt === undefined || startAt < endAt;

/** The times of a batch, and the batch itself. Only these two are required. */
export const ScheduleSpecSchema = z
  .object({ ...members, batch: StartBatchSchema })
  .refine(hasTimeLeft, { error: 'it ends before it begins', path: ['endAt'] })
  .transform(compact);
export type ScheduleSpec = z.infer<typeof ScheduleSpecSchema>;
export type LooseScheduleSpec = z.input<typeof ScheduleSpecSchema>;

/** Members that are left out do not change; null restores the default. The same applies to members of the batch. */
export type ScheduleChanges = Partial<Omit<LooseScheduleSpec, 'batch'>> & {
  batch?: Partial<z.input<typeof StartBatchSchema>>;
};

/** Shorter than other ids: the id of a batch appends the time of its run, and the ids of its threads append more. */
export const ScheduleIdSchema = IdSchema.max(80);

export const TriggerSchema = z
  .object({
    /** Default: `BUFFER_ONE`, after the running one. */
    overlap: optional(OverlapPolicySchema),
    /**
     * Time of the run, in milliseconds since the epoch, of which whole seconds count. It is the idempotency key: the same
     * time sent twice is one run. Default: now.
     */
    at: optional(TimeSchema),
  })
  .transform(compact);
export type Trigger = z.infer<typeof TriggerSchema>;

/** Runs of the times between, as if they were now. Times are milliseconds since the epoch, both inclusive. */
export const BackfillSchema = z
  .object({ from: TimeSchema, to: TimeSchema, overlap: optional(OverlapPolicySchema) })
  .refine(({ from, to }) => from <= to, { error: 'it ends before it begins', path: ['to'] })
  .refine(({ to }) => to <= Date.now(), { error: 'times that are still to come are not filled in', path: ['to'] })
  .transform(compact);
export type Backfill = z.input<typeof BackfillSchema>;

/** The current state of a schedule. Times are milliseconds since the epoch. */
export interface ScheduleView {
  scheduleId: string;
  times: ScheduleTimes;
  timezone: string;
  jitterMs: number;
  startAt: number | null;
  endAt: number | null;
  overlap: OverlapPolicy;
  catchupWindowMs: number;
  pauseOnFailure: boolean;
  /** Null for no end. */
  remainingActions: number | null;
  paused: boolean;
  note: string;
  /** Null for one that this version cannot read, because another program has changed it. */
  batch: StartBatch | null;
  /** At most ten, for a paused schedule, too. */
  nextTimes: number[];
  /** Ids of the running batches, except for those that may run in parallel with others: nothing waits for them. */
  running: string[];
  counts: { taken: number; missed: number; skipped: number };
  createdAt: number;
  updatedAt: number | null;
}

/** A schedule in a list, which may be some seconds behind. */
export interface ScheduleSummary {
  scheduleId: string;
  times: ScheduleTimes;
  timezone: string;
  paused: boolean;
  note: string;
  nextAt: number | null;
  lastRun: ScheduleFiring | null;
}

export interface ScheduleFiring {
  batchId: string;
  /** When it was due, jitter included. */
  scheduledAt: number;
  takenAt: number;
}

/** The outcome of a run. `forgotten` for one that Temporal no longer stores. */
export type FiringOutcome =
  | { status: 'running' }
  | { status: 'completed'; result: BatchResult | null }
  | { status: 'failed'; message: string }
  | { status: 'cancelled' | 'terminated' | 'timedOut' | 'forgotten' };

export interface ScheduleRun extends ScheduleFiring {
  outcome: FiringOutcome;
}
