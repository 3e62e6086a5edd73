import { describe, expect, it } from 'vitest';
import { firstToEnd, lifetimeOf, nextTry } from './lifetime.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const REGISTERED = Date.parse('2026-01-01T00:00:00Z');
/** The clock of the workflow is not that of the worker. */
const SINCE = 5_000_000_000_000;

const lasting = (ms: number) => ({
  registeredAt: new Date(REGISTERED).toISOString(),
  expiresAt: new Date(REGISTERED + ms).toISOString(),
});

describe('a life', () => {
  it('is renewed after 80 % of it, and a person is told four hours before its end', () => {
    expect(lifetimeOf(lasting(DAY), SINCE)).toEqual({
      endsAt: SINCE + DAY,
      renewAt: SINCE + 0.8 * DAY,
      warnAt: SINCE + DAY - 4 * HOUR,
    });
  });

  it('shorter than eight hours is reported in its middle', () => {
    expect(lifetimeOf(lasting(HOUR), SINCE)?.warnAt).toBe(SINCE + HOUR / 2);
  });

  it('of ten years is no problem', () => {
    expect(lifetimeOf(lasting(3_650 * DAY), SINCE)).toMatchObject({ renewAt: SINCE + 2_920 * DAY });
  });

  it('of a thousand years counts as ten', () => {
    expect(lifetimeOf(lasting(365_000 * DAY), SINCE)?.endsAt).toBe(SINCE + 3_650 * DAY);
  });

  it.each([
    ['of ten seconds', lasting(10_000)],
    ['that is over already', lasting(-DAY)],
    ['that nobody knows', { registeredAt: '2026-01-01T00:00:00Z' }],
    ['whose end cannot be read', { registeredAt: '2026-01-01T00:00:00Z', expiresAt: 'soon' }],
  ])('%s plans nothing', (_, life) => {
    expect(lifetimeOf(life, SINCE)).toBeNull();
  });

  it('is as long as it is, however wrong the clock of the worker is', () => {
    const late = { registeredAt: '2027-01-01T01:00:00Z', expiresAt: '2027-01-01T03:00:00Z' };
    expect(lifetimeOf(late, SINCE)?.endsAt).toBe(SINCE + 2 * HOUR);
  });

  it('ends with the one that ends first', () => {
    const [short, long] = [lifetimeOf(lasting(HOUR), SINCE), lifetimeOf(lasting(DAY), SINCE)];
    expect([firstToEnd(short, long), firstToEnd(long, short)]).toEqual([short, short]);
    expect([firstToEnd(null, long), firstToEnd(long, null), firstToEnd(null, null)]).toEqual([long, long, null]);
  });

  it('whose renewal failed is tried again in the middle of what is left, until half a minute is left', () => {
    const life = lifetimeOf(lasting(DAY), 0);
    const tries: number[] = [];
    for (let at: number | null = 0.8 * DAY; at !== null && life !== null;) {
      at = nextTry(life, at);
      if (at !== null) tries.push(at);
    }
    expect(tries).toHaveLength(9);
    expect(tries.at(-1)).toBeLessThan(DAY);
  });
});
