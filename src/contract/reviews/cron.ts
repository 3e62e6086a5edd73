/**
 * The cron lines that are accepted. The service reads more: six and seven fields, and time zones and remarks inside of
 * the line.
 */

interface CronField {
  name: string;
  min: number;
  max: number;
  /** The first name means `min`. */
  names: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];

const SHORTHANDS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** The fault of a cron line, for its author; null if it has none. */
export function faultOfCron(line: string): string | null {
  const text = line.trim();
  if (/^(CRON_)?TZ=/.test(text)) return 'a time zone is given on its own, not in the cron line';
  if (text.includes('#')) return 'a cron line has no remark';
  if (text.startsWith('@every')) return 'an interval is given on its own, not as a cron line';
  if (text.startsWith('@')) {
    return SHORTHANDS.includes(text) ? null : `${text} is not known; there are ${SHORTHANDS.join(', ')}`;
  }
  const parts = text === '' ? [] : text.split(/\s+/);
  if (parts.length !== FIELDS.length) return faultOfCount(parts.length);
  for (const [index, field] of FIELDS.entries()) {
    const fault = faultOfField(parts[index] ?? '', field);
    if (fault !== null) return fault;
  }
  return null;
}

function faultOfCount(count: number): string {
  const hint = count > FIELDS.length ? '; seconds and years are not taken, a calendar can have them' : '';
  return `${count === 1 ? '1 field' : `${count} fields`} instead of five: minute, hour, day of month, month, day of week${hint}`;
}

function faultOfField(text: string, field: CronField): string | null {
  for (const part of text.split(',')) {
    const [range = '', step, ...more] = part.split('/');
    if (more.length > 0) return `${field.name}: ${part} has more than one step`;
    if (step !== undefined && !/^[1-9]\d{0,3}$/.test(step)) return `${field.name}: ${step} is no step`;
    const fault = range === '*' ? null : faultOfRange(range, field);
    if (fault !== null) return fault;
  }
  return null;
}

function faultOfRange(range: string, field: CronField): string | null {
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) return `${field.name}: ${range} is no range`;
  const start = toValue(from, field);
  const end = to === undefined ? start : toValue(to, field);
  if (start === null || end === null) {
    const names = field.names.length === 0 ? '' : `, or ${field.names[0]} to ${field.names.at(-1)}`;
    return `${field.name}: ${range} is not within ${field.min} to ${field.max}${names}`;
  }
  return end < start ? `${field.name}: ${range} ends before it begins` : null;
}

function toValue(text: string, { min, max, names }: CronField): number | null {
  const index = names.indexOf(text.toUpperCase());
  if (index >= 0) return min + index;
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}
