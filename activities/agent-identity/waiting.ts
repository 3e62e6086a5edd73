/**
 * How long a registration is attempted while the identity service is away. The time is counted and not read from a clock,
 * and it is in the heartbeats: another worker continues the count, and a clock that jumps does not change it.
 */
import { Failure } from '../failures.ts';
import { toTemporal } from '../to-temporal.ts';

/** In milliseconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** The last attempt begins when the wait is over, and needs time for an answer. */
const SHORTEST_ATTEMPT_MS = 2_000;
/** As long as one request to the service may take. */
export const LONGEST_ATTEMPT_MS = 15_000;
/** A service that is away for longer than this is reported to the person. */
const ANNOUNCED_AFTER_MS = 1_000;
/** The same for the wait for an identity that is being registered. */
const SILENT_AFTER_MS = 5_000;

export interface Wait {
  /** Of the whole registration. */
  waitMs: number;
  /** The thread has reported it. */
  isAnnounced: boolean;
  /** So far, in milliseconds. */
  waitedMs: number;
  pauses: number;
  /** Of an attempt, in milliseconds; {@link SHORTEST_ATTEMPT_MS} by default. */
  shortestMs?: number;
}

/** The time that this attempt may take, in milliseconds. */
export function attemptMs({ waitMs, waitedMs, isAnnounced, shortestMs = SHORTEST_ATTEMPT_MS }: Wait): number {
  const left = Math.max(shortestMs, waitMs - waitedMs);
  return Math.ceil(isAnnounced ? left : Math.min(left, SILENT_AFTER_MS));
}

/** What follows a failed attempt: the thread reports it, another attempt after a pause, or the end. */
export type Next =
  { type: 'announce'; leftMs: number } | { type: 'again'; pauseMs: number; wait: Wait } | { type: 'over' };

/** @param tookMs how long the attempt took. @param askedMs the pause that the service asked for */
export function afterFailure(wait: Wait, tookMs: number, askedMs: number | undefined): Next {
  const waitedMs = wait.waitedMs + tookMs;
  const leftMs = wait.waitMs - waitedMs;
  if (leftMs <= 0) return { type: 'over' };
  if (!wait.isAnnounced && waitedMs >= Math.min(ANNOUNCED_AFTER_MS, wait.waitMs / 2))
    return { type: 'announce', leftMs: Math.round(leftMs) };
  const usual = Math.min(FIRST_PAUSE_MS * 2 ** wait.pauses, LONGEST_PAUSE_MS);
  // The last attempt is made at the end of the wait.
  const pauseMs = Math.max(1, Math.round(Math.min(Math.max(usual, askedMs ?? 0), leftMs)));
  return { type: 'again', pauseMs, wait: { ...wait, waitedMs: waitedMs + pauseMs, pauses: wait.pauses + 1 } };
}

/** The last failure, with the time that was waited; not retried. */
export function givenUp(error: Failure, wait: Wait): Error {
  const seconds = Math.round(wait.waitMs / 1_000);
  const message = `${error.message} It was tried for ${seconds} s.`;
  return toTemporal(new Failure(error.code, message, { cause: error.cause, details: error.details }), true);
}
