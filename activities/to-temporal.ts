/** Converts failures to what the service stores. */
import { ApplicationFailure } from '@temporalio/common';
import { Failure } from './failures.ts';

/** Maximum delay that a server can ask for. A person can interrupt the turn meanwhile. */
const MAX_RETRY_DELAY_MS = 600_000;

/** @param final whether the attempts for this kind of failure are used up */
export function toTemporal(error: unknown, final = false): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const failure = error instanceof Failure ? error : toDefect(error);
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.code,
    nonRetryable: final || failure.class !== 'unavailable',
    details: [failure.details],
    // The service treats a delay of 0 as the end of all retries, so the usual backoff is used.
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
