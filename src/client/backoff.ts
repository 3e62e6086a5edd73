/** Pauses in milliseconds before the next tries: each twice the one before, up to the longest. */
export interface Backoff {
  next(): number;
  /** Starts again with the first. */
  reset(): void;
}

export function createBackoff({ first, most }: { first: number; most: number }): Backoff {
  let pause = first;
  return {
    next() {
      const now = pause;
      pause = Math.min(pause * 2, most);
      return now;
    },
    reset: () => void (pause = first),
  };
}
