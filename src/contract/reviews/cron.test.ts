import { describe, expect, it } from 'vitest';
import { faultOfCron } from './cron.ts';

describe('a cron line', () => {
  it.each([
    '0 3 * * *',
    '*/15 8-18 * * MON-FRI',
    ' 5,35   0-23/2 1,15 jan,Jul 7 ',
    '59 23 31 12 0',
    '3/10 * * * *',
    '@daily',
    '@hourly',
    '@annually',
  ])('is taken: %s', (line) => {
    expect(faultOfCron(line)).toBeNull();
  });

  it.each([
    ['0 0 3 * * *', '6 fields instead of five'],
    ['0 0 3 * * * 2030', '7 fields instead of five'],
    ['0 0 3 * * *', 'seconds and years are not taken'],
    ['0 3 * *', '4 fields instead of five'],
    ['nightly', '1 field instead of five'],
    ['', '0 fields instead of five'],
    ['60 3 * * *', 'minute: 60 is not within 0 to 59'],
    ['0 24 * * *', 'hour: 24 is not within 0 to 23'],
    ['0 3 0 * *', 'day of month: 0 is not within 1 to 31'],
    ['0 3 * 13 *', 'month: 13 is not within 1 to 12, or JAN to DEC'],
    ['0 3 * * 8', 'day of week: 8 is not within 0 to 7, or SUN to SAT'],
    ['0 3 * * FRI-MON', 'day of week: FRI-MON ends before it begins'],
    ['30-10 3 * * *', 'minute: 30-10 ends before it begins'],
    ['*/0 3 * * *', 'minute: 0 is no step'],
    ['1/2/3 3 * * *', 'minute: 1/2/3 has more than one step'],
    ['1-2-3 3 * * *', 'minute: 1-2-3 is no range'],
    ['0 3 ? * *', 'day of month: ? is not within'],
    ['0 3 L * *', 'day of month: L is not within'],
    ['-5 3 * * *', 'minute: -5 is not within'],
    [', 3 * * *', 'minute:  is not within'],
    ['@fortnightly', '@fortnightly is not known; there are @yearly'],
    ['@every 2h', 'an interval is given on its own'],
    ['CRON_TZ=Europe/Berlin 0 3 * * *', 'a time zone is given on its own'],
    ['0 3 * * * # nightly', 'a cron line has no remark'],
  ])('is not taken: %s', (line, fault) => {
    expect(faultOfCron(line)).toContain(fault);
  });
});
