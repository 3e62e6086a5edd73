/** A review as one call: asked for, waited for, and what it found. */
import type {
  OnBusy,
  ReviewOutput,
  ReviewRange,
  ReviewTarget,
  ThreadEvent,
  TurnCompletion,
  TurnSubmission,
} from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';

export interface ReviewOptions {
  /** Idempotency key; the same id twice is one review. */
  turnId?: string;
  /** Of this review; else the one that is configured for reviews, else the thread's. */
  model?: string;
  /** `replace` where it is left out, as for any turn. */
  onBusy?: OnBusy;
  /** Ends the wait, not the review: rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How a review ended. `reviewOutput` is null where it did not complete. */
export interface ReviewEnd {
  completion: TurnCompletion;
  reviewOutput: ReviewOutput | null;
  range: ReviewRange | null;
}

export function toReviewTurn(turnId: string, target: ReviewTarget, options: ReviewOptions): TurnSubmission {
  const { model, onBusy } = options;
  return {
    turnId,
    kind: 'review',
    review: { target, ...(model === undefined ? {} : { model }) },
    ...(onBusy === undefined ? {} : { onBusy }),
  };
}

/**
 * Reads on until the review has ended; undefined where the events end before that.
 * @param onEvent is given every event on the way.
 */
export async function followReview(
  events: AsyncIterable<ThreadEvent>,
  turnId: string,
  onEvent: (event: ThreadEvent) => void = () => undefined,
): Promise<ReviewEnd | undefined> {
  let found: Omit<ReviewEnd, 'completion'> = { reviewOutput: null, range: null };
  for await (const event of events) {
    onEvent(event);
    if (event.type === 'item/completed' && event.turnId === turnId && event.item.type === 'exitedReviewMode')
      found = { reviewOutput: event.item.reviewOutput, range: event.item.range };
    if (event.type === 'turn/completed' && event.turn.turnId === turnId) return { completion: event.turn, ...found };
  }
  return undefined;
}

/** What was found, or why nothing was. */
export function outputOf({ completion, reviewOutput }: ReviewEnd, threadId: string): ReviewOutput {
  const about = `review: turn ${completion.turnId} of thread ${threadId}`;
  if (completion.status === 'failed') {
    const { code, message } = completion.error;
    throw new BobbinError('turnFailed', `${about} failed: ${message} [${code}]`);
  }
  if (completion.status === 'aborted' || reviewOutput === null)
    throw new BobbinError('turnAborted', `${about} was stopped before it came to a result.`);
  return reviewOutput;
}
