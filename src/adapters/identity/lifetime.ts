/** When an identity or a task ends, as the answer to its registration reports it. */

/** A smaller difference of clocks is the rounding of the `Date` header and the time on the way. */
const SAME_CLOCK_MS = 2_000;

/**
 * The end by this machine's clock, as RFC 3339: clocks that differ do not change how long something lives. Undefined if
 * the answer reports none, or none that can be read. Any value is taken: what to do with it is the caller's decision.
 * @param serviceNow the service's time when it answered, in milliseconds; undefined if it is not known
 */
export function toExpiry(answer: Record<string, unknown>, serviceNow: number | undefined): string | undefined {
  const at = toMilliseconds(answer['expires_at'] ?? answer['expiresAt']);
  if (at === undefined) return undefined;
  const behind = Date.now() - (serviceNow ?? Date.now());
  const ours = Math.abs(behind) <= SAME_CLOCK_MS ? at : at + behind;
  return isTime(ours) ? new Date(ours).toISOString() : undefined;
}

/** Text in RFC 3339, or seconds since the epoch as in a JWT. */
export function toMilliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return isTime(value * 1000) ? value * 1000 : undefined;
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value))
    return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

/** From 1970 to the last day of the year 9999, which every reader of RFC 3339 can represent. */
function isTime(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0 && ms < 253_402_300_800_000;
}
