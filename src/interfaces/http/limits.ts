/** Limits of each token, and of all together. */
import { HttpProblem } from './problem.ts';
import type { Token } from './tokens.ts';

export interface LimitSettings {
  /** Requests a second of one token. For a moment it may send twice as many. */
  ratePerSecond: number;
  /** Streams that may be open, in all. One token may have half of them. */
  streams: number;
}

export interface Limits {
  /** Throws `rateLimited`. Requests without a valid token are counted together. */
  countRequest(token: Token | undefined): void;
  /** Throws `tooManyStreams`. Call what it returns when the stream has ended. */
  openStream(token: Token): () => void;
  readonly streams: number;
}

/** No id of a token. */
const NOBODY = '';

export function createLimits({ ratePerSecond, streams }: LimitSettings): Limits {
  const buckets = new Map<string, { left: number; at: number }>();
  const open = new Map<string, number>();
  let total = 0;
  const countRequest = (token: Token | undefined): void => {
    const id = token?.id ?? NOBODY;
    const now = performance.now();
    const { left, at } = buckets.get(id) ?? { left: 2 * ratePerSecond, at: now };
    const filled = Math.min(2 * ratePerSecond, left + ((now - at) / 1_000) * ratePerSecond);
    buckets.set(id, { left: Math.max(0, filled - 1), at: now });
    if (filled >= 1) return;
    const whose = token === undefined ? 'Requests without a valid token are' : 'A token is';
    throw new HttpProblem('rateLimited', `${whose} limited to ${ratePerSecond} a second.`);
  };
  return {
    countRequest,
    get streams() {
      return total;
    },
    openStream({ id }) {
      const own = open.get(id) ?? 0;
      if (total >= streams || own >= Math.ceil(streams / 2))
        throw new HttpProblem('tooManyStreams', `${own} streams of this token are open, ${total} in all.`);
      open.set(id, own + 1);
      total += 1;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        total -= 1;
        open.set(id, (open.get(id) ?? 1) - 1);
      };
    },
  };
}
