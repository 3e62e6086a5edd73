/** Cleaning the store that hosts share, by a schedule. */
import { z } from 'zod';
import { CronSchema, TimeZoneSchema } from './reviews/schedule.ts';
import { compact, optional } from './shapes.ts';

/** The argument of the workflow `cleanStore`. */
export const CleanStoreSchema = z
  .object({
    /** Days for which a closed thread keeps what it has in the store. */
    closedForDays: z.number().int().min(0).max(36_500),
    /** Also segments of the archive: their threads can no longer be read in full, resumed or forked. */
    archive: optional(z.boolean()),
    /** Also images that no thread of this namespace refers to: nothing else may use the store. */
    images: optional(z.boolean()),
    /** Also what may belong to another service or, in the archive, to another namespace. */
    unknown: optional(z.boolean()),
  })
  .transform(compact);
export type CleanStore = z.infer<typeof CleanStoreSchema>;

export const CleaningScheduleSchema = z
  .object({
    cron: z.array(CronSchema).min(1).max(20),
    timezone: optional(TimeZoneSchema),
    cleaning: CleanStoreSchema,
  })
  .transform(compact);
export type CleaningSchedule = z.infer<typeof CleaningScheduleSchema>;
export type LooseCleaningSchedule = z.input<typeof CleaningScheduleSchema>;

/** The result of the workflow `cleanStore`. */
export interface CleanedStore {
  threads: number;
  packs: number;
  segments: number;
  /** Absent in results of earlier releases. */
  images?: number;
  bytes: number;
  /** Objects that were looked at and stay, by the reason. */
  kept: Record<string, number>;
  /** It has removed as much as one run may; the next run continues. */
  more: boolean;
}

/** Times in milliseconds since the epoch. */
export interface CleaningScheduleView {
  scheduleId: string;
  cron: string[];
  timezone: string;
  paused: boolean;
  /** Null if another program has changed it. */
  cleaning: CleanStore | null;
  nextTimes: number[];
  /** The newest first. */
  runs: CleaningRun[];
}

export interface CleaningRun {
  workflowId: string;
  at: number;
  /** Temporal's status of the workflow; `FORGOTTEN` if it is no longer kept. */
  status: string;
  /** Null if it has not completed. */
  result: CleanedStore | null;
}
