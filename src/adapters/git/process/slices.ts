/** Long work on the thread that heartbeats and everything else share: it gives way to them every few milliseconds. */
import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 8;
/** Steps from one look at the clock to the next. */
const STEPS = 16;

export class Slices {
  readonly signal: AbortSignal;
  #steps = 0;
  #resumedAt = performance.now();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** Asked after each small step. @param steps how many of them a larger one stands for. */
  isOver(steps = 1): boolean {
    this.#steps += steps;
    if (this.#steps < STEPS) return false;
    this.#steps = 0;
    return performance.now() - this.#resumedAt > SLICE_MS;
  }

  /** Rejects with the reason of the signal once that has fired. */
  async rest(): Promise<void> {
    await setImmediate();
    this.signal.throwIfAborted();
    this.#resumedAt = performance.now();
  }
}
