/**
 * How long an identity or a task lives, by the clock of the workflow. A life is measured between two times of the worker
 * that registered it, and counted from the moment at which the workflow learned of it: so clocks that differ, or a clock that
 * jumps, change neither its length nor how often anything is renewed.
 */

export interface Lifetime {
  /** Milliseconds since the epoch. */
  endsAt: number;
  renewAt: number;
  /** When a person is told that it ends. */
  warnAt: number;
}

const RENEWED_AFTER = 0.8;
/** A person learns of the end that long ahead, or in the middle of a shorter life. */
const WARNED_AHEAD_MS = 4 * 3_600_000;
/**
 * A shorter life is not renewed ahead: it would cost a registration every few seconds, and a turn registers again when its
 * task is refused. A life that is over at once, or before it began, is one of these.
 */
const SHORTEST_LIFE_MS = 60_000;
/** Much longer than a run lasts; a timer of the service cannot be set for any time. */
const LONGEST_LIFE_MS = 10 * 365 * 86_400_000;

/**
 * Null if the end is unknown or too near to act ahead of it.
 * @param since when the workflow learned of it, in milliseconds since the epoch
 */
export function lifetimeOf(
  { registeredAt, expiresAt }: { registeredAt: string; expiresAt?: string | undefined },
  since: number,
): Lifetime | null {
  const life = Math.min(Date.parse(expiresAt ?? '') - Date.parse(registeredAt), LONGEST_LIFE_MS);
  if (!(life >= SHORTEST_LIFE_MS)) return null;
  return {
    endsAt: since + life,
    renewAt: since + Math.round(life * RENEWED_AFTER),
    warnAt: since + life - Math.min(WARNED_AHEAD_MS, Math.round(life / 2)),
  };
}

/** Of two, the one that ends first. */
export function firstToEnd(one: Lifetime | null, other: Lifetime | null): Lifetime | null {
  if (one === null || other === null) return one ?? other;
  return other.endsAt < one.endsAt ? other : one;
}

/** When a renewal that failed is tried again: in the middle of what is left; null once little is left. */
export function nextTry({ endsAt }: Lifetime, at: number): number | null {
  const pause = Math.round((endsAt - at) / 2);
  return pause >= SHORTEST_LIFE_MS / 2 ? at + pause : null;
}
