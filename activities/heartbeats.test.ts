import { describe, expect, it } from 'vitest';
import { timeBetween } from './heartbeats.ts';

describe('the time between two beats', () => {
  it('is the least where few steps run', () => {
    expect(timeBetween(75, 1)).toBe(75);
    expect(timeBetween(75, 5)).toBe(75);
  });

  it('grows with the steps, so that all of them together beat no more often', () => {
    expect(timeBetween(75, 20)).toBe(300);
    expect(1_000 / timeBetween(75, 6)).toBeCloseTo(1_000 / (6 * 15));
    expect((20 * 1_000) / timeBetween(75, 20)).toBeLessThan(70);
  });

  it('stays far below the heartbeat timeout, and never below what is asked for', () => {
    expect(timeBetween(75, 10_000)).toBe(1_000);
    expect(timeBetween(2_000, 3)).toBe(2_000);
  });
});
