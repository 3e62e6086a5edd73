/** Limits what a server may send: per message, and over time. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const BURST = 64 * 1024 * 1024;
const PER_SECOND = 8 * 1024 * 1024;
/** Cost of a message in addition to its bytes: many small ones keep a worker as busy as few large ones. */
const PER_MESSAGE = 4 * 1024;

export interface FloodGate {
  /** False if it exceeds the limit. */
  takeBytes(bytes: number): boolean;
  takeMessage(): boolean;
}

/** @param now in milliseconds, for tests */
export function createFloodGate(now: () => number = () => performance.now()): FloodGate {
  let left = BURST;
  let since = now();
  const take = (cost: number): boolean => {
    const at = now();
    left = Math.min(BURST, left + ((at - since) / 1_000) * PER_SECOND) - cost;
    since = at;
    return left >= 0;
  };
  return { takeBytes: take, takeMessage: () => take(PER_MESSAGE) };
}
