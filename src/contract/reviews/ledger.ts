import { z } from 'zod';
import type { FindingState } from '../plain/finding-states.ts';
import { LIMITS } from '../plain/limits.ts';
import type { FindingCounts, ReviewPriority } from './review.ts';
import { IdSchema, filled } from '../shapes.ts';
import type { BatchTarget } from './batch.ts';

/** Workflow type of the ledger of one review target. */
export const LEDGER_WORKFLOW_TYPE = 'reviewLedger';

/** A run of a target, as its ledger stores it. Times are milliseconds since the epoch. */
export interface LedgerRun {
  /** The review's id: the id of its batch, a slash, and the number of its row. */
  runId: string;
  at: number;
  /** Full ids of the commits compared. */
  base: string;
  head: string;
  /** Whether it was a full pass. */
  full: boolean;
  rulesId: string;
  counts: FindingCounts;
  /** Open findings after it was recorded. */
  open: number;
}

export interface LedgerMoment {
  runId: string;
  head: string;
  at: number;
}

export interface FindingLocation {
  /** Relative to the root of the repository. */
  path: string;
  /** Inclusive, counted from 1. */
  startLine: number;
  endLine: number;
}

export interface LedgerFinding {
  /** Unique in its ledger, and stable for its whole life. */
  findingId: string;
  /** Hash of its text and code when it was first seen; later changes of either do not change it. Hexadecimal. */
  fingerprint: string;
  title: string;
  /** Markdown, shortened. */
  body: string;
  priority: ReviewPriority | null;
  /** From 0 to 1. */
  confidenceScore: number | null;
  /** Its place, according to the newest run that could follow it; null for one without a place. */
  location: FindingLocation | null;
  /** The lines of its place and a few around them, shortened; null if they could not be read. */
  code: { text: string; startLine: number } | null;
  state: FindingState;
  /** The result of the newest run for it; null if that run did not review its place. */
  change: 'new' | 'unchanged' | 'reopened' | 'fixed' | 'dismissed' | null;
  firstSeen: LedgerMoment;
  lastSeen: LedgerMoment;
  fixed: LedgerMoment | null;
  dismissal: { by: string; why: string; at: number } | null;
  /** How often it came back after it was fixed. */
  reopenings: number;
}

/** Answer of the query `ledger`. */
export interface LedgerView {
  targetId: string;
  target: BatchTarget;
  /** Head of the last completed run; null before the first. */
  anchor: { runId: string; head: string; rulesId: string; at: number } | null;
  /** The run under way: no other run of the same target begins before it has ended. */
  running: { runId: string; at: number } | null;
  runCount: number;
  /** The newest runs, oldest first. */
  runs: LedgerRun[];
  /** Open findings first, by urgency; then the newest of those fixed and dismissed. */
  findings: LedgerFinding[];
  /** Findings that were dropped because of the limit. */
  findingsForgotten: number;
}

/** Payload of the signal and update `dismissFinding`. The name is not verified: the person chooses it. */
export const DismissFindingSchema = z.object({
  findingId: IdSchema,
  by: filled(LIMITS.idChars),
  why: filled(LIMITS.shortChars),
});
export type DismissFinding = z.infer<typeof DismissFindingSchema>;

/** Payload of the signal and update `reopenFinding`: revokes a dismissal. */
export const ReopenFindingSchema = z.object({ findingId: IdSchema, by: filled(LIMITS.idChars) });
export type ReopenFinding = z.infer<typeof ReopenFindingSchema>;

// ----------------------------------------------------------------------------------------- what a run and a ledger say

/** Payload of the update `beginRun`. */
export interface BeginRun {
  runId: string;
  /** Its workflow. While that workflow runs, no other run of the target begins. */
  workflowId: string;
  /** A workflow that is known to have ended without a report: its run is given up. */
  instead: string | null;
  head: string;
  /** Identifies everything that decides what a review looks for: model, instructions, rules of the repository. */
  rulesId: string;
  fullPassEvery: number;
  /** This run is a full pass, even if nothing is new; earlier releases leave it out. */
  fullPass?: boolean;
  /** Milliseconds since the epoch: an earlier record is that of another run with the same id. Earlier releases leave it out. */
  startedAt?: number;
}

export type RunBeginning =
  /** Another run is under way. */
  | { type: 'busy'; workflowId: string }
  /** That head was already reviewed with those rules. */
  | {
      type: 'alreadyReviewed';
      runId: string;
      /** If it was this run itself, whose answer was lost: what was recorded. Earlier releases leave it out. */
      counts?: FindingCounts;
    }
  /** `anchor` is the head of the last completed run; `full` means a full pass. */
  | { type: 'begun'; anchor: string | null; full: boolean; known: KnownFinding[] };

/** A known finding for comparison; fixed ones are included, since they may come back. */
export interface KnownFinding extends Pick<
  LedgerFinding,
  'findingId' | 'fingerprint' | 'title' | 'location' | 'state'
> {
  /** Earlier releases leave it out. */
  priority?: ReviewPriority | null;
  /**
   * Full id of the commit in which `location` is valid: the last one in which a reviewer is known to have seen its
   * code.
   */
  head: string;
}

/** A finding of a run, as the reviewer reported it, with the code at its place. */
export interface ObservedFinding {
  title: string;
  body: string;
  priority: ReviewPriority | null;
  confidenceScore: number | null;
  location: FindingLocation | null;
  code: LedgerFinding['code'];
  /** Hash of the lines of the place without white space; null if they could not be read. Hexadecimal. */
  codeHash: string | null;
  /** The same for the lines before and after the place; null if there are none. */
  context: { before: string | null; after: string | null };
}

/** The place of a known finding in the files of a run's head, according to the changes since it was last seen. */
export interface TrackedFinding {
  findingId: string;
  /** Null if its lines are gone. */
  location: FindingLocation | null;
  /** The lines that replace its own; null if there are none. */
  near: FindingLocation | null;
  /** Whether one of its lines was changed or removed, or others were inserted between them. */
  changed: boolean;
  /** No lines replace its own, and none of its lines with more than punctuation is in any file. */
  gone: boolean;
  /** All its lines with more than punctuation are in one file, in their order; left out if not, or if unknown. */
  whole?: boolean;
  /** The code at `location`, or at `near`, if it differs from the code before. */
  now?: Pick<ObservedFinding, 'code' | 'codeHash' | 'context'>;
}

/** The reviewer's answer about an open finding that it was given. A finding without an answer has none. */
export interface FindingVerdict {
  findingId: string;
  verdict: 'stillThere' | 'fixed';
}

/** Payload of the update `recordRun`. */
export interface RecordedRun {
  runId: string;
  base: string;
  head: string;
  full: boolean;
  rulesId: string;
  findings: ObservedFinding[];
  /** Findings of its reviews that could not be read or kept. */
  findingsLeftOut?: number;
  /** A finding that is not in the list could not be followed, and nothing is concluded from that. */
  tracked: TrackedFinding[];
  verdicts: FindingVerdict[];
  /** Paths that the run reviewed, by the names of its head and of its base; null for all. */
  looked: string[] | null;
  /** As in `BeginRun`. */
  startedAt?: number;
}

/** Answer of `recordRun`. Idempotent: the same run always gets the same answer. */
export interface RunRecorded {
  counts: FindingCounts;
  open: number;
}

/** Payload of the signal `abandonRun`: the run ends without a result, and the next one may begin. */
export interface AbandonRun {
  runId: string;
  reason: string;
}
