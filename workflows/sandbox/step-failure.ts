import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';

/** A failure as an activity reported it; the codes are those of `activities/failures.ts`. */
export interface StepFailure {
  code: string;
  message: string;
  details: Record<string, string | number | boolean>;
}

const MESSAGE_CHARS = 2_000;

/** An activity's failure as the machine reads it. */
export function toStepFailure(error: unknown): StepFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const message = (cause instanceof Error ? cause.message : String(cause)).slice(0, MESSAGE_CHARS);
  if (cause instanceof ApplicationFailure) {
    const [details] = (cause.details ?? []) as StepFailure['details'][];
    return { code: cause.type ?? 'internal', message, details: details ?? {} };
  }
  if (cause instanceof TimeoutFailure)
    return { code: WORKFLOW_CODES.stepTimedOut, message: `The step timed out: ${message}`, details: {} };
  if (cause instanceof CancelledFailure) return { code: WORKFLOW_CODES.cancelled, message, details: {} };
  return { code: 'internal', message, details: {} };
}
