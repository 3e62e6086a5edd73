/** Parses and formats durations and points in time. */
import { BobbinError } from '../../../client/bobbin-error.ts';
import { UNITS } from '../../../contract/plain/words/time-words.ts';

type UnitName = keyof typeof UNITS;

/** `1d12h`, `90m`, `30s`, in milliseconds. @param option for the message */
export function toMilliseconds(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new BobbinError('invalid', `${option} ${text}: expected a duration such as 90m, 1d12h or 30s`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as UnitName], 0);
}

/** In milliseconds since the epoch. The time zone is required, because the default differs between machines. */
export function toMoment(option: string, text: string): number {
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment))
    throw new BobbinError(
      'invalid',
      `${option} ${text}: expected a time with its zone, such as 2027-01-31T18:00:00+01:00 or 2027-01-31T17:00Z`,
    );
  return moment;
}

/** `5 s`, `12 min`, `3 h`, `2 d`: the largest unit alone. */
export function describeAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
