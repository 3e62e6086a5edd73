/** The records that a review leaves in the history of the thread that asked for it: its begin and its end. */
import type { ReviewOutput, ReviewRange, ReviewTarget } from '../../../src/contract/index.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { addItem } from '../state/log.ts';
import type { ReviewTurn, ThreadState } from '../state/state.ts';

/** A short text for a person. */
export function toHint(target: ReviewTarget): string {
  switch (target.type) {
    case 'uncommittedChanges':
      return 'current changes';
    case 'baseBranch':
      return `changes against '${target.branch}'`;
    case 'commit':
      return `commit ${target.sha.slice(0, 7)}${target.title === undefined ? '' : `: ${target.title}`}`;
    case 'custom':
      return target.instructions.slice(0, LIMITS.shortChars);
  }
}

export function enterReview(state: ThreadState, at: number, { turnId, request: { target } }: ReviewTurn): ThreadState {
  return addItem(state, at, { type: 'enteredReviewMode', turnId, step: 0, review: toHint(target), target });
}

/** Every review that was entered is left once. @param found null if it did not complete. */
export function exitReview(
  state: ThreadState,
  at: number,
  { turnId, request: { target } }: ReviewTurn,
  found: { output: ReviewOutput; range: ReviewRange | null } | null,
): ThreadState {
  const [reviewOutput, range] = found === null ? [null, null] : [found.output, found.range];
  return addItem(state, at, { type: 'exitedReviewMode', turnId, step: 0, review: toHint(target), reviewOutput, range });
}
