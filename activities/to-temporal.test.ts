import { describe, expect, it } from 'vitest';
import { Failure } from './failures.ts';
import { toTemporal } from './to-temporal.ts';

describe('the wait before the next try', () => {
  const waitOf = (retryAfterMs: number): unknown => {
    const failure: { nextRetryDelay?: unknown } = toTemporal(
      new Failure('modelRateLimited', 'Slow down.', { retryAfterMs }),
    );
    return failure.nextRetryDelay;
  };

  it('is the one that was asked for, ten minutes at most', () => {
    expect([waitOf(1), waitOf(2_500), waitOf(86_400_000)]).toEqual([1, 2_500, 600_000]);
  });

  it('is left to the service if none was asked for, which takes a delay of nothing for the end of all tries', () => {
    expect([waitOf(0), waitOf(-1)]).toEqual([undefined, undefined]);
  });
});
