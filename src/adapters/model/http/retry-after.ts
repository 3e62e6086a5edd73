/** Parses how long an endpoint asks to wait. */

/** A longer wait is a mistake of the endpoint, and would overflow timers. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;
const SECONDS = /^\d+(\.\d+)?$/;
const HINT = /try again in\s*(\d+(?:\.\d+)?)\s*(ms|s\b|seconds?)/i;

export type HeaderReader = (name: string) => string | undefined;

/**
 * Milliseconds from `retry-after-ms`, else from `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3); undefined if
 * neither can be parsed. A date in the past is zero.
 */
export function readRetryAfter(header: HeaderReader, now = Date.now()): number | undefined {
  const ms = header('retry-after-ms')?.trim();
  if (ms !== undefined && SECONDS.test(ms)) return toWait(Number(ms));
  const value = header('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (SECONDS.test(value)) return toWait(Number(value) * 1000);
  // Date.parse accepts texts like '-5' as years, but every HTTP date contains the name of a day.
  const date = /^[A-Za-z]/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : toWait(date - now);
}

/** The wait in OpenAI's message about a rate limit inside a stream, where there is no header. */
export function readWaitHint(message: string): number | undefined {
  const found = HINT.exec(message);
  if (found === null) return undefined;
  return toWait(Number(found[1]) * (found[2]?.toLowerCase() === 'ms' ? 1 : 1000));
}

function toWait(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), MAX_WAIT_MS);
}
