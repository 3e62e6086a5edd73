import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import type { FindingCounts, ReviewPriority } from './review.ts';
import { IdSchema, filled } from '../shapes.ts';
import type { BatchTarget } from './batch.ts';

/** Workflow type of the ledger of one review target. */
export const LEDGER_WORKFLOW_TYPE = 'reviewLedger';

/** A run of a target, as its ledger keeps it. Times are milliseconds since the epoch. */
export interface LedgerRun {
  /** Of the review: the id of its batch, a slash, and the number of its row. */
  runId: string;
  at: number;
  /** Full ids of the commits compared. */
  base: string;
  head: string;
  /** Whether everything was looked at. */
  full: boolean;
  rulesId: string;
  counts: FindingCounts;
  /** Open findings once it was recorded. */
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
  /** Both are part of it, counted from 1. */
  startLine: number;
  endLine: number;
}

export interface LedgerFinding {
  /** Unique in its ledger, and the same for as long as the ledger lives. */
  findingId: string;
  /** Of its text and the code it stands at, when it was first seen; it stays when either changes. Hexadecimal. */
  fingerprint: string;
  title: string;
  /** Markdown, shortened. */
  body: string;
  priority: ReviewPriority | null;
  /** From 0 to 1. */
  confidenceScore: number | null;
  /** Where it is, by the newest run that could follow it; null for one of no place. */
  location: FindingLocation | null;
  /** The lines of its place and a few around them, shortened; null where they could not be read. */
  code: { text: string; startLine: number } | null;
  state: 'open' | 'fixed' | 'dismissed';
  /** What the newest run said of it; null where that did not look at it. */
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
  /** Head of the last completed run; null before there is one. */
  anchor: { runId: string; head: string; rulesId: string; at: number } | null;
  /** The run under way: no other one of the same target begins before it has ended. */
  running: { runId: string; at: number } | null;
  runCount: number;
  /** The newest ones, oldest first. */
  runs: LedgerRun[];
  /** Open ones first, the most urgent ones first; then the newest of those fixed and dismissed. */
  findings: LedgerFinding[];
  /** Findings that were more than are kept. */
  findingsForgotten: number;
}

/** Payload of the signal and update `dismissFinding`. The name is not checked: it is what the person says it is. */
export const DismissFindingSchema = z.object({
  findingId: IdSchema,
  by: filled(LIMITS.idChars),
  why: filled(LIMITS.shortChars),
});
export type DismissFinding = z.infer<typeof DismissFindingSchema>;

/** Payload of the signal and update `reopenFinding`: takes a dismissal back. */
export const ReopenFindingSchema = z.object({ findingId: IdSchema, by: filled(LIMITS.idChars) });
export type ReopenFinding = z.infer<typeof ReopenFindingSchema>;

// ----------------------------------------------------------------------------------------- what a run and a ledger say

/** Payload of the update `beginRun`. */
export interface BeginRun {
  runId: string;
  /** Workflow that runs it; while that one runs, no other run of the target begins. */
  workflowId: string;
  /** Workflow that is known to have ended without a word: its run is given up. */
  instead: string | null;
  head: string;
  /** Of everything that decides what a review looks for: model, instructions, rules of the repository. */
  rulesId: string;
  fullPassEvery: number;
  /** Everything is looked at in this run, also if nothing is new; earlier releases leave it out. */
  fullPass?: boolean;
}

export type RunBeginning =
  /** Another run is under way. */
  | { type: 'busy'; workflowId: string }
  /** That head was reviewed by those rules. */
  | { type: 'alreadyReviewed'; runId: string }
  /** `anchor` is the head of the last completed run; `full` that everything is to be looked at. */
  | { type: 'begun'; anchor: string | null; full: boolean; known: KnownFinding[] };

/** A finding for whoever compares; those that were fixed are among them, since they may come back. */
export interface KnownFinding extends Pick<
  LedgerFinding,
  'findingId' | 'fingerprint' | 'title' | 'location' | 'state'
> {
  /** Earlier releases leave it out. */
  priority?: ReviewPriority | null;
  /** Full id of the commit in which `location` is its place: the last one in which a reviewer is known to have seen its code. */
  head: string;
}

/** A finding of a run, as the reviewer told it, with what it stands at. */
export interface ObservedFinding {
  title: string;
  body: string;
  priority: ReviewPriority | null;
  confidenceScore: number | null;
  location: FindingLocation | null;
  code: LedgerFinding['code'];
  /** Hash of the lines of the place without white space; null where they could not be read. Hexadecimal. */
  codeHash: string | null;
  /** The same of the lines before and after the place; null where there are none. */
  context: { before: string | null; after: string | null };
}

/** Where a known finding is in the files of a run's head, by the changes since it was last seen. */
export interface TrackedFinding {
  findingId: string;
  /** Null where its lines are gone. */
  location: FindingLocation | null;
  /** What stands in place of lines that are gone; null where nothing does. */
  near: FindingLocation | null;
  /** Whether one of its lines was changed or taken out, or others were put in between. */
  changed: boolean;
  /** Nothing stands in place of its lines, and none of those that hold more than punctuation stands in any file. */
  gone: boolean;
  /** All its lines, of those that hold more than punctuation, stand in one file in their order; left out if not, or unknown. */
  whole?: boolean;
  /** What stands at `location`, or at `near`, if that is not what stood there before. */
  now?: Pick<ObservedFinding, 'code' | 'codeHash' | 'context'>;
}

/** What the reviewer said of an open finding that it was told of. What it did not speak of has none. */
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
  /** One that is not in it could not be followed, and nothing is concluded from that. */
  tracked: TrackedFinding[];
  verdicts: FindingVerdict[];
  /** Paths that the run looked at, by the names of its head and of its base; null for all there are. */
  looked: string[] | null;
}

/** Answer of `recordRun`: the same for the same run, however often it is told. */
export interface RunRecorded {
  counts: FindingCounts;
  open: number;
}

/** Payload of the signal `abandonRun`: the run ends without a result, and the next one may begin. */
export interface AbandonRun {
  runId: string;
  reason: string;
}
