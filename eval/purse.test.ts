import { describe, expect, it } from 'vitest';
import { createPurse } from './purse.ts';

describe('the budget of a run', () => {
  it('is divided among the cases that run in parallel, and never given out twice', () => {
    const purse = createPurse(10, 2, 2);
    expect([purse.take(), purse.take()]).toEqual([4, 4]);
    purse.settle(4, 1);
    // What the first one left.
    expect(purse.take()).toBe(3);
  });

  it('lets nothing begin once it is used up', () => {
    const purse = createPurse(1, 0, 1);
    purse.settle(purse.take() ?? null, 1.2);
    expect(purse.take()).toBeUndefined();
    expect(createPurse(1, 1, 3).take()).toBeUndefined();
  });

  it('limits nothing if there is none', () => {
    expect(createPurse(null, 100, 1).take()).toBeNull();
  });
});
