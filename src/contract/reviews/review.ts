import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import { ShortTextSchema, compact, filled, optional } from '../shapes.ts';

/** The subject of a review, by the names of Codex's `review/start`. White space at the ends of names does not count. */
export const ReviewTargetSchema = z.discriminatedUnion('type', [
  /** Staged, unstaged and untracked changes. */
  z.object({ type: z.literal('uncommittedChanges') }),
  /** The commits since the merge base of this branch and the current checkout. */
  z.object({ type: z.literal('baseBranch'), branch: filled(LIMITS.shortChars) }),
  z
    .object({ type: z.literal('commit'), sha: filled(LIMITS.shortChars), title: optional(ShortTextSchema) })
    .transform(compact),
  /** Any subject, described by the instructions. */
  z.object({ type: z.literal('custom'), instructions: filled(LIMITS.instructionsChars) }),
]);
export type ReviewTarget = z.infer<typeof ReviewTargetSchema>;

/** The member `review` of a turn of that kind. `model` applies to this one review. */
export const ReviewRequestSchema = z
  .object({ target: ReviewTargetSchema, model: optional(z.string().min(1).max(LIMITS.idChars)) })
  .transform(compact);
export type ReviewRequest = z.infer<typeof ReviewRequestSchema>;

/** 0 is the most urgent. */
export type ReviewPriority = 0 | 1 | 2 | 3;

export interface ReviewLocation {
  /** Relative to the root of the repository; as the review wrote it if it is outside. */
  path: string;
  /** Inclusive, counted from 1. */
  lineRange: { start: number; end: number };
  inRepository: boolean;
  /** Whether it touches a changed line; null if a review has no changes to compare with. */
  inDiff: boolean | null;
}

export interface ReviewFinding {
  title: string;
  /** Markdown. */
  body: string;
  /** From 0 to 1; null if the review gave none. */
  confidenceScore: number | null;
  priority: ReviewPriority | null;
  codeLocation: ReviewLocation | null;
}

export interface ReviewOutput {
  findings: ReviewFinding[];
  /** Null if the review gave no verdict in the requested form: the explanation is then its whole answer. */
  overallCorrectness: 'patch is correct' | 'patch is incorrect' | null;
  overallExplanation: string;
  /** From 0 to 1; null if the review gave none. */
  overallConfidenceScore: number | null;
  /** Findings that could not be read, or exceeded the limit. */
  findingsLeftOut: number;
}

/** The commits that a review compares, as full ids. */
export interface ReviewRange {
  /** The id of a tree if there is no earlier commit. */
  base: string;
  /** Null for the current work tree, untracked files included. */
  head: string | null;
}

/** The result of one run for the findings of a target. `unchanged` ones were known and still exist, moved or not. */
export interface FindingCounts {
  new: number;
  unchanged: number;
  reopened: number;
  fixed: number;
  /** Found again, and counted nowhere else, since a person dismissed them. */
  dismissed: number;
}
