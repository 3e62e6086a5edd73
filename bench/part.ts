import type { Row } from './figures.ts';
import type { Stand } from './stand.ts';

export interface PartOptions {
  /** Few samples, to see that everything works; its figures are no result. */
  quick: boolean;
  /** Fires when the bench is to end. */
  signal: AbortSignal;
}

/** Measures one thing on the stand, with workers of its own, and leaves nothing behind. */
export type Part = (stand: Stand, options: PartOptions) => Promise<Row[]>;
