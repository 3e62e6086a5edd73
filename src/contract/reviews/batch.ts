import { z } from 'zod';
import { LimitsSchema, type Spent } from '../threads/budget.ts';
import type { FindingCounts } from './review.ts';
import { LIMITS } from '../plain/limits.ts';
import { describeTooLarge, isTooLarge } from '../plain/batch-size.ts';
import { faultOfRepository } from '../plain/repository-address.ts';
import { isRefName } from '../plain/ref-name.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, compact, optional } from '../shapes.ts';
import { AgentIdentityChoiceSchema } from '../threads/thread.ts';

/** Workflow type of one firing of a batch. Its workflow id is `batch-review/` and the id of the batch. */
export const BATCH_WORKFLOW_TYPE = 'batchReview';

/**
 * A path on the workers, absolute, or an https, http, ssh or file URL, or `host:path`, which is fetched into the workers'
 * folder of workspaces. Credentials are those of the workers' environment: an address that may hold one is refused, since
 * it would be stored.
 */
const RepositorySchema = z
  .string()
  .min(1)
  .max(LIMITS.pathChars)
  .superRefine((address, context) => {
    const fault = faultOfRepository(address);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault.message });
  })
  .meta({ rule: 'repository' } satisfies WireNotes);

const RefSchema = z
  .string()
  .min(1)
  .max(LIMITS.idChars)
  .refine(isRefName, 'the name of a branch or a commit is needed')
  .meta({ rule: 'ref' } satisfies WireNotes);

/** What is reviewed, and against what. */
export const BatchTargetSchema = z
  .object({
    repository: RepositorySchema,
    /** Left out, what is checked out there; of a URL, what its `HEAD` says. */
    branch: optional(RefSchema),
    /**
     * The changes since the merge base with it are reviewed. Left out, everything; either way only what is new since the last
     * completed review, but for a full pass.
     */
    base: optional(RefSchema),
  })
  .transform(compact);
export type BatchTarget = z.infer<typeof BatchTargetSchema>;

/** The argument of the `batchReview` workflow. The targets are enough. */
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
    /** Reviews at a time; 4 where it is left out. */
    concurrency: optional(z.number().int().min(1).max(LIMITS.batchConcurrency)),
    /** Left out for no limit. */
    reviewsPerMinute: optional(z.number().int().min(1).max(10_000)),
    /** Of each review, and of the batch as a whole; what no money is left for is reported as not reviewed. */
    budget: optional(z.object({ review: optional(LimitsSchema), batch: optional(LimitsSchema) }).transform(compact)),
    /** A change of either is a change of rules: what was reviewed by others is reviewed again. */
    model: optional(z.string().min(1).max(LIMITS.idChars)),
    instructions: optional(z.string().max(LIMITS.instructionsChars)),
    /**
     * Every so many runs of a target everything is looked at, not only what is new; 0 for never, 10 if it is left out. With 1
     * every run is one, also if nothing changed since the last.
     */
    fullPassEvery: optional(z.number().int().min(0).max(1_000)),
    /** Everything is looked at in this batch, also what was reviewed before and has not changed. */
    fullPass: optional(z.boolean()),
    agentIdentity: optional(AgentIdentityChoiceSchema),
  })
  .transform(compact)
  .superRefine((batch, context) => {
    if (isTooLarge(batch)) context.addIssue({ code: 'custom', path: ['targets'], message: describeTooLarge(batch) });
  });
export type StartBatch = z.infer<typeof StartBatchSchema>;

/** Why no review of a target was made, although nothing went wrong. */
export type SkipReason =
  /** Its head was reviewed before, by the same rules. */
  | 'alreadyReviewed'
  /** It stands further up in the list, too. */
  | 'duplicate';

/** A file that no review looked at, and why. */
export interface FileLeftOut {
  path: string;
  why: string;
}

/** What became of a target. */
export type RowOutcome = RowEnd & {
  /** Findings of its ledger that were open when its review ended; left out if that is not known. */
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
      /** Files that were not looked at, since they were too large, binary, or a submodule. */
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
  /** From 0 on. */
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
  /** Open findings of all targets whose review has ended, as far as that is known; left out by earlier releases. */
  open?: number;
  spent: Spent;
  /** Why no further review is begun now. */
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
