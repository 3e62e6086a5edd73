/** The budget of a whole run, in dollars, divided among the cases that run in parallel. */
export interface Purse {
  /** What the next case may cost; null for no limit. Undefined: nothing is left, so no case can begin. */
  take: () => number | null | undefined;
  /** Gives back what was taken, less what was spent. */
  settle: (taken: number | null, spentUsd: number) => void;
}

/** Less buys no model call. */
const LEAST_USD = 0.001;

/** @param places how many cases run in parallel */
export function createPurse(limitUsd: number | null, spentUsd: number, places: number): Purse {
  let left = limitUsd === null ? Number.POSITIVE_INFINITY : limitUsd - spentUsd;
  let free = places;
  return {
    take() {
      if (limitUsd === null) return null;
      const share = left / Math.max(1, free);
      if (share < LEAST_USD) return undefined;
      left -= share;
      free -= 1;
      return share;
    },
    settle(taken, spent) {
      if (taken === null) return;
      left += taken - spent;
      free += 1;
    },
  };
}
