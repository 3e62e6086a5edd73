import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import { ShortTextSchema, compact, filled, optional } from '../shapes.ts';

/** What a review looks at, by the names of Codex's `review/start`. White space around a word does not count. */
export const ReviewTargetSchema = z.discriminatedUnion('type', [
  /** Staged, unstaged and untracked changes. */
  z.object({ type: z.literal('uncommittedChanges') }),
  /** The commits since the merge base of this branch and what is checked out. */
  z.object({ type: z.literal('baseBranch'), branch: filled(LIMITS.shortChars) }),
  z
    .object({ type: z.literal('commit'), sha: filled(LIMITS.shortChars), title: optional(ShortTextSchema) })
    .transform(compact),
  /** Whatever the instructions say. */
  z.object({ type: z.literal('custom'), instructions: filled(LIMITS.instructionsChars) }),
]);
export type ReviewTarget = z.infer<typeof ReviewTargetSchema>;

/** The member `review` of a turn of that kind. `model` is that of this one review. */
export const ReviewRequestSchema = z
  .object({ target: ReviewTargetSchema, model: optional(z.string().min(1).max(LIMITS.idChars)) })
  .transform(compact);
export type ReviewRequest = z.infer<typeof ReviewRequestSchema>;

/** 0 is the most urgent. */
export type ReviewPriority = 0 | 1 | 2 | 3;

export interface ReviewLocation {
  /** Relative to the root of the repository; as the review wrote it where it lies outside. */
  path: string;
  /** Both are part of it, counted from 1. */
  lineRange: { start: number; end: number };
  inRepository: boolean;
  /** Whether it touches a line that the changes touch; null where a review has no changes to compare with. */
  inDiff: boolean | null;
}

export interface ReviewFinding {
  title: string;
  /** Markdown. */
  body: string;
  /** From 0 to 1; null where the review did not say. */
  confidenceScore: number | null;
  priority: ReviewPriority | null;
  codeLocation: ReviewLocation | null;
}

export interface ReviewOutput {
  findings: ReviewFinding[];
  /** Null where the review gave no verdict in the form that was asked for: the explanation is then all it said. */
  overallCorrectness: 'patch is correct' | 'patch is incorrect' | null;
  overallExplanation: string;
  /** From 0 to 1; null where the review did not say. */
  overallConfidenceScore: number | null;
  /** Findings that could not be read, or were more than are kept. */
  findingsLeftOut: number;
}

/** The commits that a review compares, as full ids. */
export interface ReviewRange {
  /** A tree where there is no commit before. */
  base: string;
  /** Null for the work tree as it stands, untracked files included. */
  head: string | null;
}

/** What one run found out about the findings of a target. `unchanged` ones were known and are still there, moved or not. */
export interface FindingCounts {
  new: number;
  unchanged: number;
  reopened: number;
  fixed: number;
  /** Found again, and not counted anywhere else, since a person dismissed them. */
  dismissed: number;
}
