import type { Row } from './figures.ts';
import type { TestEnvironment } from './environment.ts';

export interface PartOptions {
  /** Few samples, to see that everything works; its figures are no result. */
  quick: boolean;
  /** Fires when the bench is to end. */
  signal: AbortSignal;
}

/** Measures one thing on the stand, with workers of its own, and leaves nothing behind. */
export type Part = (environment: TestEnvironment, options: PartOptions) => Promise<Row[]>;
