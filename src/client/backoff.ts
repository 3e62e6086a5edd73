/** Pauses in milliseconds between retries: each is twice the previous one, up to a maximum. */
export interface Backoff {
  next(): number;
  /** Starts again with the first pause. */
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
