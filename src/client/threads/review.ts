/** A review as one call that waits for the findings. */
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
  /** Idempotency key: the same id sent twice is one review. */
  turnId?: string;
  /** Model of this review; by default the one configured for reviews, else the thread's. */
  model?: string;
  /** `replace` by default, as for any turn. */
  onBusy?: OnBusy;
  /** Ends the wait, not the review: rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The end of a review. `reviewOutput` is null if it did not complete. */
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
 * Reads until the review has ended; undefined if the events end before that.
 * @param onEvent gets every event
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

/** Returns the findings, or throws the reason why there are none. */
export function outputOf({ completion, reviewOutput }: ReviewEnd, threadId: string): ReviewOutput {
  const about = `review: turn ${completion.turnId} of thread ${threadId}`;
  if (completion.status === 'failed') {
    const { code, message } = completion.error;
    throw new BobbinError('turnFailed', `${about} failed: ${message} [${code}]`);
  }
  if (completion.status === 'aborted' || reviewOutput === null)
    throw new BobbinError('turnAborted', `${about} was stopped before it had a result.`);
  return reviewOutput;
}
