import { describe, expect, it } from 'vitest';
import { type Next, type Wait, afterFailure, attemptMs } from './waiting.ts';

const NEW: Wait = { waitMs: 15_000, isAnnounced: false, waitedMs: 0, pauses: 0 };

/** Every attempt fails at once; returns the pauses and the end. */
function waitFor(wait: Wait, tookMs = 0, askedMs?: number): { pauses: number[]; end: Next } {
  const pauses: number[] = [];
  for (let current = wait; ;) {
    const next = afterFailure(current, tookMs, askedMs);
    if (next.type !== 'again') return { pauses, end: next };
    pauses.push(next.pauseMs);
    current = next.wait;
  }
}

const sum = (all: number[]) => all.reduce((total, one) => total + one, 0);

describe('the wait for an identity service that is away', () => {
  it('is reported after a second, with what is left of it', () => {
    expect(waitFor(NEW)).toEqual({ pauses: [250, 500, 1_000], end: { type: 'announce', leftMs: 13_250 } });
  });

  it.each([
    [13_250, 6],
    [600_000, 65],
  ])('of %d ms takes exactly that long, with growing pauses: %d of them', (waitMs, count) => {
    const { pauses, end } = waitFor({ ...NEW, waitMs, isAnnounced: true });
    expect([sum(pauses), pauses.length, end.type]).toEqual([waitMs, count, 'over']);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
  });

  it('counts the time of attempts, too', () => {
    const { pauses } = waitFor({ ...NEW, isAnnounced: true }, 2_000);
    expect(sum(pauses) + pauses.length * 2_000).toBeLessThanOrEqual(17_000);
  });

  it('honours the pause that the service asks for, up to the end of the wait', () => {
    expect(waitFor({ ...NEW, isAnnounced: true }, 0, 7_000).pauses).toEqual([7_000, 7_000, 1_000]);
    expect(waitFor({ ...NEW, isAnnounced: true }, 0, 3_600_000).pauses).toEqual([15_000]);
  });

  it('of no time is one attempt', () => {
    expect(waitFor({ ...NEW, waitMs: 0 })).toEqual({ pauses: [], end: { type: 'over' } });
  });

  it('gives an attempt five seconds before it is reported, then all that is left, and two seconds at least', () => {
    expect(attemptMs(NEW)).toBe(5_000);
    expect(attemptMs({ ...NEW, isAnnounced: true })).toBe(15_000);
    expect(attemptMs({ ...NEW, isAnnounced: true, waitedMs: 15_000 })).toBe(2_000);
  });
});
