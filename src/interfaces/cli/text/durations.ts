/** Lengths of time and moments, as they are typed and as they are shown. */
import { BobbinError } from '../../../client/bobbin-error.ts';

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;
type UnitName = keyof typeof UNITS;

/** `1d12h`, `90m`, `30s`, in milliseconds. @param option for the message */
export function toMilliseconds(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new BobbinError('invalid', `${option} ${text}: a length of time is needed, such as 90m, 1d12h or 30s`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as UnitName], 0);
}

/** The same, the other way around; what is less than a second is left off. */
export function describeMilliseconds(ms: number): string {
  let left = Math.floor(ms / 1_000) * 1_000;
  const parts = Object.entries(UNITS).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.join('') || '0s';
}

/** A moment with its own zone: without one it would be another moment on each machine. In milliseconds since the epoch. */
export function toMoment(option: string, text: string): number {
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment))
    throw new BobbinError(
      'invalid',
      `${option} ${text}: a moment with its zone is needed, such as 2027-01-31T18:00:00+01:00 or 2027-01-31T17:00Z`,
    );
  return moment;
}

/** `Sun 2026-11-22 03:00:00 +01:00`, as it is in that zone then. */
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
