/**
 * What every long step does alike: it beats on a timer, listens for its end, and counts its failures where the next
 * attempt finds them, so that a worker's restart does not use up a try.
 */
import { Context } from '@temporalio/activity';
import { Failure } from './failures.ts';
import { startBeating } from './heartbeats.ts';
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
/** What is left to the next worker when this one stops is taken up at once. */
const AT_ONCE_MS = 1;

interface BeatDetails {
  failures: number;
}

interface Place {
  threadId: string;
  actionId: string;
  steps: StepRegistry;
  heartbeatEveryMs: number;
  /** {@link MAX_TRIES} where it is left out. */
  maxTries?: number;
}

/**
 * Runs the body of a step. Resolves with `aborted` when the thread stopped it; rejects with the reason of the context's
 * signal when only this attempt has to end. Where that is because the worker stops, the next attempt begins at once.
 */
export async function runStep<P extends object, T>(
  place: Place,
  first: P,
  body: (step: Step<P>) => Promise<T>,
): Promise<T | { type: 'aborted' }> {
  const context = Context.current();
  const earlier = (context.info.heartbeatDetails as BeatDetails | undefined)?.failures ?? 0;
  const local = place.steps.enter(place.threadId, place.actionId);
  const step: Step<P> = { signal: AbortSignal.any([context.cancellationSignal, local.signal]), progress: first };
  const beats = startBeating(place.heartbeatEveryMs, () => context.heartbeat({ ...step.progress, failures: earlier }));
  try {
    return await body(step);
  } catch (error) {
    if (isStopped(context, local.signal)) return { type: 'aborted' };
    if (context.cancellationDetails?.workerShutdown === true)
      throw leftToTheNext(`Step ${place.actionId} of thread ${place.threadId}`, error);
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason as Error;
    const failures = earlier + 1;
    if (error instanceof Failure && error.class === 'unavailable') context.heartbeat({ ...step.progress, failures });
    throw toTemporal(error, failures >= (place.maxTries ?? MAX_TRIES));
  } finally {
    beats.stop();
    local.release();
  }
}

/**
 * Runs a short step that its thread does not stop. It beats, so that the death of its worker is noticed long before the
 * step times out. The signal fires when the worker stops.
 */
export async function runShortStep<T>(
  place: { name: string; heartbeatEveryMs: number },
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const stopping = new AbortController();
  const onAbort = (): void => {
    if (context.cancellationDetails?.workerShutdown === true) stopping.abort(context.cancellationSignal.reason);
  };
  context.cancellationSignal.addEventListener('abort', onAbort);
  const beats = startBeating(place.heartbeatEveryMs, () => context.heartbeat());
  try {
    return await body(stopping.signal);
  } catch (error) {
    throw stopping.signal.aborted ? leftToTheNext(place.name, error) : toTemporal(error);
  } finally {
    beats.stop();
    context.cancellationSignal.removeEventListener('abort', onAbort);
  }
}

/** The failure of an attempt that its worker ended; the next one begins at once. */
export function leftToTheNext(name: string, cause: unknown): Error {
  const message = `${name} was ended because its worker was told to stop; the next one goes on with it.`;
  return toTemporal(new Failure('stepStoppedByWorker', message, { cause, retryAfterMs: AT_ONCE_MS }));
}

/** Whether it was the thread that stopped the step, and not the worker or the service this attempt. */
export function isStopped(context: Context, local: AbortSignal): boolean {
  return (
    local.aborted ||
    context.cancellationDetails?.cancelRequested === true ||
    context.cancellationDetails?.notFound === true
  );
}
