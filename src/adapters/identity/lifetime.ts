/** When an identity or a task ends, as the answer to its registration reports it. */
import { isTime, toMilliseconds } from '../credentials/moment.ts';

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
