/**
 * The common part of all long steps: heartbeats on a timer, cancellation, and a count of failures that the next attempt
 * finds, so that a restart of the worker does not use up an attempt.
 */
import { Context } from '@temporalio/activity';
import { Failure } from './failures.ts';
import { startBeating } from './heartbeats.ts';
import type { StepRegistry } from './ports.ts';
import { toTemporal } from './to-temporal.ts';

export interface Step<P> {
  /** Fires when the thread cancels this step, or when this attempt must end. */
  signal: AbortSignal;
  /** Shows in the Temporal UI and outlives this worker. */
  progress: P;
}

/** Attempts of a step that fails for an external reason. */
const MAX_TRIES = 5;
/** The next worker continues at once when this one stops. */
const AT_ONCE_MS = 1;

interface BeatDetails {
  failures: number;
}

interface Place {
  threadId: string;
  actionId: string;
  steps: StepRegistry;
  heartbeatEveryMs: number;
  /** The interval while there is no progress; the same by default. Each heartbeat is a write at the service. */
  quietMs?: number;
  /** {@link MAX_TRIES} by default. */
  maxTries?: number;
}

/**
 * Runs the body of a step. Resolves with `aborted` if the thread stopped it. Rejects with the reason of the context's
 * signal if only this attempt must end; if the worker stops, the next attempt starts at once.
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
  let sent = { progress: first, at: performance.now() };
  const beats = startBeating(place.heartbeatEveryMs, () => {
    const { progress } = step;
    if (progress === sent.progress && performance.now() - sent.at < (place.quietMs ?? 0)) return;
    sent = { progress, at: performance.now() };
    context.heartbeat({ ...progress, failures: earlier });
  });
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
 * Runs a short step that its thread does not stop. It sends heartbeats, so that the death of its worker is noticed long
 * before the step times out. The signal fires when the worker stops.
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

/** The failure of an attempt that its worker ended; the next one starts at once. */
export function leftToTheNext(name: string, cause: unknown): Error {
  const message = `${name} was ended because its worker was told to stop; the next one continues with it.`;
  return toTemporal(new Failure('stepStoppedByWorker', message, { cause, retryAfterMs: AT_ONCE_MS }));
}

/** Whether the thread stopped the step, and not the worker or the service this attempt. */
export function isStopped(context: Context, local: AbortSignal): boolean {
  return (
    local.aborted ||
    context.cancellationDetails?.cancelRequested === true ||
    context.cancellationDetails?.notFound === true
  );
}
