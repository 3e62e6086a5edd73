/** Long work on the thread that also sends heartbeats: it yields every few milliseconds. */
import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 8;
/** Steps between two checks of the clock. */
const STEPS = 16;

export class Slices {
  readonly signal: AbortSignal;
  #steps = 0;
  #resumedAt = performance.now();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** Called after each small step. @param steps how many of them a larger one counts for. */
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
