/** Times as services and programs write them. */

/** Text in RFC 3339, or seconds since the epoch as in a JWT. */
export function toMilliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return isTime(value * 1000) ? value * 1000 : undefined;
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value))
    return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

/** From 1970 to the last day of the year 9999, which every reader of RFC 3339 can represent. */
export function isTime(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0 && ms < 253_402_300_800_000;
}
