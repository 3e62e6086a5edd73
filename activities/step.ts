/**
 * What every long step does alike: it beats on a timer, listens for its end, and counts its failures where the next
 * attempt finds them, so that a worker's restart does not use up a try.
 */
import { Context } from '@temporalio/activity';
import { Failure } from './failures.ts';
import type { StepRegistry } from './ports.ts';
import { toTemporal } from './to-temporal.ts';

export interface Step<P> {
  /** Fires when the thread wants this step no more, or this attempt must end. */
  signal: AbortSignal;
  /** Shows in the Temporal UI and outlives this worker. */
  progress: P;
}

/** Tries of a step that fails for reasons outside of us. */
const MAX_TRIES = 5;

interface BeatDetails {
  failures: number;
}

/**
 * Runs the body of a step. Resolves with `aborted` when the thread stopped it; rejects with the reason of the context's
 * signal when only this attempt has to end, for example because the worker stops.
 */
export async function runStep<P extends object, T>(
  place: { threadId: string; actionId: string; steps: StepRegistry; heartbeatEveryMs: number },
  first: P,
  body: (step: Step<P>) => Promise<T>,
): Promise<T | { type: 'aborted' }> {
  const context = Context.current();
  const earlier = (context.info.heartbeatDetails as BeatDetails | undefined)?.failures ?? 0;
  const local = place.steps.enter(place.threadId, place.actionId);
  const step: Step<P> = { signal: AbortSignal.any([context.cancellationSignal, local.signal]), progress: first };
  const beat = setInterval(() => context.heartbeat({ ...step.progress, failures: earlier }), place.heartbeatEveryMs);
  try {
    return await body(step);
  } catch (error) {
    if (isStopped(context, local.signal)) return { type: 'aborted' };
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason as Error;
    const failures = earlier + 1;
    if (error instanceof Failure && error.class === 'unavailable') context.heartbeat({ ...step.progress, failures });
    throw toTemporal(error, failures >= MAX_TRIES);
  } finally {
    clearInterval(beat);
    local.release();
  }
}

/** Whether it was the thread that stopped the step, and not the worker or the service this attempt. */
export function isStopped(context: Context, local: AbortSignal): boolean {
  return (
    local.aborted ||
    context.cancellationDetails?.cancelRequested === true ||
    context.cancellationDetails?.notFound === true
  );
}
