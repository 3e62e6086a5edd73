import { z } from 'zod';
import { LimitsSchema, type Spent } from '../threads/budget.ts';
import type { FindingCounts } from './review.ts';
import { LIMITS } from '../plain/limits.ts';
import { describeTooLarge, isTooLarge } from '../plain/batch-size.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { HostIdSchema, IdSchema, RefSchema, RepositorySchema, compact, optional, orNull } from '../shapes.ts';
import { AgentIdentityChoiceSchema } from '../threads/thread.ts';

/** Workflow type of one firing of a batch. Its workflow id is `batch-review/` and the id of the batch. */
export const BATCH_WORKFLOW_TYPE = 'batchReview';

/** The reviewed commits, and what they are compared with. */
export const BatchTargetSchema = z
  .object({
    repository: RepositorySchema,
    /** Default: what is checked out there; for a URL, its `HEAD`. */
    branch: optional(RefSchema),
    /**
     * The changes since the merge base with it are reviewed. Default: everything. In both cases, except for a full
     * pass, only what is new since the last completed review.
     */
    base: optional(RefSchema),
    /** The host that has the repository, or fetches it. Default: one that can. A target of each host has its own ledger. */
    host: optional(HostIdSchema),
  })
  .transform(compact);
export type BatchTarget = z.infer<typeof BatchTargetSchema>;

/** The argument of the `batchReview` workflow. Only the targets are required. */
export const StartBatchSchema = z
  .object({
    targets: z
      .array(BatchTargetSchema)
      .min(1)
      .max(LIMITS.batchTargets)
      .refine((targets) => JSON.stringify(targets).length <= LIMITS.batchTargetsChars, {
        error: `more than ${LIMITS.batchTargetsChars} characters of targets; make several batches of them`,
      })
      .meta({ rule: 'targets' } satisfies WireNotes),
    /** Parallel reviews. Default: 4. */
    concurrency: optional(z.number().int().min(1).max(LIMITS.batchConcurrency)),
    /** Default: no limit. */
    reviewsPerMinute: optional(z.number().int().min(1).max(10_000)),
    /**
     * Limits of each review, and of the batch as a whole; targets for which no budget is left are reported as not
     * reviewed.
     */
    budget: optional(z.object({ review: optional(LimitsSchema), batch: optional(LimitsSchema) }).transform(compact)),
    /** A change of either is a change of rules: everything is reviewed again. */
    model: optional(z.string().min(1).max(LIMITS.idChars)),
    instructions: optional(z.string().max(LIMITS.instructionsChars)),
    /**
     * Interval of full passes, in runs of a target: a full pass reviews everything, not only what is new. 0 for never.
     * Default: 10. With 1, every run is a full pass, even if nothing changed since the last.
     */
    fullPassEvery: optional(z.number().int().min(0).max(1_000)),
    /** This batch reviews everything, even what was reviewed before and has not changed. */
    fullPass: optional(z.boolean()),
    agentIdentity: optional(AgentIdentityChoiceSchema),
  })
  .transform(compact)
  .superRefine((batch, context) => {
    if (isTooLarge(batch)) context.addIssue({ code: 'custom', path: ['targets'], message: describeTooLarge(batch) });
  });
export type StartBatch = z.infer<typeof StartBatchSchema>;

/**
 * The argument of the workflow `targetReview`, which only batches start: the review of one target. Ids and texts that
 * come from a batch have the limits of the batch.
 */
export const TargetReviewSchema = z
  .object({
    runId: z.string().min(1),
    batchId: z.string().min(1),
    targetId: IdSchema,
    target: BatchTargetSchema,
    limits: LimitsSchema,
    fullPassEvery: z.int().min(0),
    /** This run examines everything; no if left out. */
    fullPass: optional(z.boolean()),
    /** Null for the workers' default. */
    model: orNull(z.string()),
    instructions: z.string(),
    agentIdentity: orNull(AgentIdentityChoiceSchema),
  })
  .transform(compact);
export type TargetReview = z.infer<typeof TargetReviewSchema>;

/** The reason why a target was not reviewed, although there was no error. */
export type SkipReason =
  /** Its head was reviewed before, by the same rules. */
  | 'alreadyReviewed'
  /** An earlier entry of the list names the same target. */
  | 'duplicate';

/** A file that was not reviewed, and why. */
export interface FileLeftOut {
  path: string;
  why: string;
}

/** The outcome of a target. */
export type RowOutcome = RowEnd & {
  /** Open findings of its ledger when its review ended; left out if not known. */
  open?: number;
};

type RowEnd =
  | { status: 'waiting' }
  | { status: 'running' }
  | {
      status: 'reviewed';
      /** Full ids of the commits compared. */
      base: string;
      head: string;
      full: boolean;
      counts: FindingCounts;
      /** Number of files that were not reviewed, since they were too large, binary, or a submodule. */
      filesLeftOut: number;
      /** The first of them; earlier releases leave it out. */
      leftOut?: FileLeftOut[];
      spent: Spent;
    }
  | { status: 'skipped'; reason: SkipReason; head: string | null }
  | { status: 'notReviewed'; reason: 'budget' | 'cancelled'; spent: Spent | null }
  | { status: 'failed'; code: string; message: string; spent: Spent | null };

/** One target of a batch, by its place in the list. */
export interface BatchRow {
  /** Counted from 0. */
  index: number;
  /** Id of its ledger, without the prefix. */
  targetId: string;
  target: BatchTarget;
  outcome: RowOutcome;
}

export type BatchCounts = Record<RowOutcome['status'], number>;

/** Answer of the query `batch`. Times are milliseconds since the epoch. */
export interface BatchView {
  batchId: string;
  /** `cancelling` until the reviews under way have stopped. */
  status: 'running' | 'cancelling' | 'completed' | 'cancelled';
  startedAt: number;
  endedAt: number | null;
  counts: BatchCounts;
  findings: FindingCounts;
  /** Open findings of all targets whose review has ended, as far as known; left out by earlier releases. */
  open?: number;
  spent: Spent;
  /** Why no further review begins now. */
  waitsFor: 'rate' | 'reviews' | null;
  /** Indexes of the rows that run. */
  running: number[];
  reason: string | null;
}

/** Answer of the query `rows` (argument `{ after, limit }`, both counts of rows). */
export interface RowsPage {
  rows: BatchRow[];
  next: number;
  more: boolean;
}

/** Result of the `batchReview` workflow. */
export type BatchResult = Pick<BatchView, 'batchId' | 'status' | 'counts' | 'findings' | 'open' | 'spent' | 'reason'>;

export const BatchIdSchema = IdSchema;
