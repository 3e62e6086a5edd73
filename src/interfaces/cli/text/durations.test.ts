import { describe, expect, it } from 'vitest';
import { describeMilliseconds, describeMoment } from '../../../contract/plain/words/time-words.ts';
import { toMilliseconds, toMoment } from './durations.ts';

describe('a length of time', () => {
  it.each([
    ['90m', 5_400_000, '1h30m'],
    ['1d12h', 129_600_000, '1d12h'],
    ['30s', 30_000, '30s'],
    ['0s', 0, '0s'],
  ])('%s is read and shown', (text, ms, shown) => {
    expect(toMilliseconds('--every', text)).toBe(ms);
    expect(describeMilliseconds(ms)).toBe(shown);
  });

  it.each(['', '90', 'm', '1.5h', '1h 30m', '-1h', '1y'])('is not %j', (text) => {
    expect(() => toMilliseconds('--every', text)).toThrow(`--every ${text}: expected a duration`);
  });
});

describe('a moment', () => {
  it('is read with its zone alone', () => {
    expect(toMoment('--end-at', '2027-01-31T18:00:00+01:00')).toBe(Date.UTC(2027, 0, 31, 17));
    expect(toMoment('--end-at', '2027-01-31T17:00Z')).toBe(Date.UTC(2027, 0, 31, 17));
    for (const text of ['2027-01-31', '2027-01-31T17:00', 'tomorrow', '2027-13-01T00:00Z'])
      expect(() => toMoment('--end-at', text)).toThrow('expected a time with its zone');
  });

  it('is shown as it is in a zone then, summer or winter', () => {
    const zone = 'Europe/Berlin';
    expect(describeMoment(Date.UTC(2026, 10, 22, 2), zone)).toBe('Sun 2026-11-22 03:00:00 +01:00');
    expect(describeMoment(Date.UTC(2026, 6, 1, 22, 30, 5), zone)).toBe('Thu 2026-07-02 00:30:05 +02:00');
    expect(describeMoment(Date.UTC(2026, 6, 1), 'UTC')).toBe('Wed 2026-07-01 00:00:00 +00:00');
    expect(describeMoment(Date.UTC(2026, 6, 1), 'Asia/Kolkata')).toBe('Wed 2026-07-01 05:30:00 +05:30');
  });
});
