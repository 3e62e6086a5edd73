/** Durations and points in time as text. */

export const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

/** `1d12h`, `90s`: whole seconds. */
export function describeMilliseconds(ms: number): string {
  let left = Math.floor(ms / 1_000) * 1_000;
  const parts = Object.entries(UNITS).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.join('') || '0s';
}

/** `Sun 2026-11-22 03:00:00 +01:00`, in the time zone. */
export function describeMoment(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const offset = parts['timeZoneName'] === 'GMT' ? '+00:00' : (parts['timeZoneName'] ?? '').replace('GMT', '');
  const date = `${parts['year']}-${parts['month']}-${parts['day']}`;
  return `${parts['weekday']} ${date} ${parts['hour']}:${parts['minute']}:${parts['second']} ${offset}`;
}
