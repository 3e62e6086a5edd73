/** The one place where failures become what the service stores. */
import { ApplicationFailure } from '@temporalio/common';
import { Failure } from './failures.ts';

/** A server that asks for more than this is asked again after this; a person can interrupt the turn meanwhile. */
const MAX_RETRY_DELAY_MS = 600_000;

/** @param final set when this kind of failure has been tried often enough. */
export function toTemporal(error: unknown, final = false): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const failure = error instanceof Failure ? error : toDefect(error);
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.code,
    nonRetryable: final || failure.class !== 'unavailable',
    details: [failure.details],
    // A delay of 0 ends all retries at the service, so for such an endpoint the usual backoff applies.
    ...(failure.retryAfterMs === undefined || failure.retryAfterMs <= 0
      ? {}
      : { nextRetryDelay: Math.min(failure.retryAfterMs, MAX_RETRY_DELAY_MS) }),
    ...(failure.cause instanceof Error ? { cause: failure.cause } : {}),
  });
}

function toDefect(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('internal', `A defect of ours: ${message}`, { cause: error });
}
