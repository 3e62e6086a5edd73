import { describe, expect, it } from 'vitest';
import { BackfillSchema, type LooseScheduleSpec, ScheduleIdSchema, ScheduleSpecSchema } from './schedule.ts';

const batch = { targets: [{ repository: '/r' }] };
const times = { cron: ['0 3 * * *'] };
const parse = (spec: Partial<LooseScheduleSpec>) => ScheduleSpecSchema.parse({ times, batch, ...spec });
const faultOf = (spec: Partial<LooseScheduleSpec>) =>
  ScheduleSpecSchema.safeParse({ times, batch, ...spec }).error?.issues.map(({ message }) => message);

const whole = (start: number | string, end = start, step = 1) => [{ start, end, step }];

describe('the description of a schedule', () => {
  it('needs times and a batch, and says nothing that was not said', () => {
    expect(parse({ note: null, endAt: null })).toEqual({
      times: { cron: ['0 3 * * *'], intervals: [], calendars: [] },
      batch,
    });
  });

  it('fills in calendars and intervals in full', () => {
    const given = parse({
      times: {
        cron: ['  0  3 *  * * '],
        intervals: [{ everyMs: 3_600_000 }],
        calendars: [
          { hour: { start: 2 }, minute: [0, { start: 10, end: 50, step: 20 }], dayOfWeek: 'monday' as 'MONDAY' },
        ],
      },
    });
    expect(given.times).toEqual({
      cron: ['0 3 * * *'],
      intervals: [{ everyMs: 3_600_000, offsetMs: 0 }],
      calendars: [
        {
          second: whole(0),
          minute: [...whole(0), ...whole(10, 50, 20)],
          hour: whole(2),
          dayOfMonth: whole(1, 31),
          month: whole('JANUARY', 'DECEMBER'),
          year: [],
          dayOfWeek: whole('MONDAY'),
          comment: '',
        },
      ],
    });
    const { calendars } = parse({
      times: { calendars: [{ hour: '*', month: ['MAY', { start: 'JULY', end: 'AUGUST' }] }] },
    }).times;
    expect(calendars[0]).toMatchObject({ hour: whole(0, 23), month: [...whole('MAY'), ...whole('JULY', 'AUGUST')] });
  });

  it('writes the name of a time zone as the service knows it', () => {
    expect(parse({ timezone: 'europe/berlin' }).timezone).toBe('Europe/Berlin');
    expect(parse({ timezone: 'utc' }).timezone).toBe('UTC');
    expect(parse({ timezone: 'Asia/Kolkata' }).timezone).toBe('Asia/Kolkata');
  });

  it.each<[string, Partial<LooseScheduleSpec>, string]>([
    ['without a time', { times: {} }, 'a cron line, an interval or a calendar is needed'],
    ['of six fields', { times: { cron: ['0 0 3 * * *'] } }, 'cron line "0 0 3 * * *": 6 fields instead of five'],
    ['in a zone that is not there', { timezone: 'Mars/Olympus' }, 'time zone Mars/Olympus is not known'],
    ['in a zone that is an offset', { timezone: '+02:00' }, 'time zone +02:00 is not known'],
    ['in the zone of some machine', { timezone: 'Local' }, 'time zone Local is not known'],
    ['offset by more than its interval', { times: { intervals: [{ everyMs: 1000, offsetMs: 1000 }] } }, 'less than'],
    ['at minute 60', { times: { calendars: [{ minute: 60 }] } }, '60 is not within 0 to 59'],
    ['on day 0', { times: { calendars: [{ dayOfMonth: 0 }] } }, '0 is not within 1 to 31'],
    ['in a range that runs back', { times: { calendars: [{ hour: { start: 5, end: 3 } }] } }, 'ends before it begins'],
    [
      'on no day',
      { times: { calendars: [{ dayOfWeek: 'MON' as 'MONDAY' }] } },
      '"MON" is not within SUNDAY to SATURDAY',
    ],
    ['in steps of none', { times: { calendars: [{ hour: { start: 1, step: 0 } }] } }, '0 is no step'],
    ['of a range without a start', { times: { calendars: [{ hour: {} as 0 }] } }, 'null is not within 0 to 23'],
    ['with a field that is not there', { times: { calendars: [{ hours: 3 } as object] } }, 'hours'],
    ['of a policy that is not there', { overlap: 'skip' as 'SKIP' }, 'SKIP'],
    ['with too small a window', { catchupWindowMs: 1_000 }, '>=10000'],
    ['that ends before it begins', { startAt: 2_000, endAt: 1_000 }, 'it ends before it begins'],
    ['of no target', { batch: { targets: [] } }, '>=1'],
  ])('refuses one %s', (_what, spec, message) => {
    expect(JSON.stringify(faultOf(spec))).toContain(JSON.stringify(message).slice(1, -1));
  });

  it('leaves room behind an id for the time of a run', () => {
    expect(ScheduleIdSchema.safeParse('n'.repeat(80)).success).toBe(true);
    expect(ScheduleIdSchema.safeParse('n'.repeat(81)).success).toBe(false);
    expect(ScheduleIdSchema.safeParse('every night').success).toBe(false);
  });

  it('fills in the past alone', () => {
    expect(BackfillSchema.parse({ from: 0, to: 1_000 })).toEqual({ from: 0, to: 1_000 });
    expect(BackfillSchema.safeParse({ from: 1_000, to: 0 }).success).toBe(false);
    expect(BackfillSchema.safeParse({ from: 0, to: Date.now() + 60_000 }).success).toBe(false);
  });
});
