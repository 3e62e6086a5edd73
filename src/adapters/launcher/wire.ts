/** The messages between a worker and its launcher, over the channel of `fork`. Every process has a number of its own. */
import type { Launch } from './launched.ts';

export type ToLauncher = Launch & { id: number };

export type FromLauncher =
  | { type: 'began'; id: number; pid: number }
  | { type: 'output'; id: number; stream: 'stdout' | 'stderr'; chunk: Uint8Array }
  /** The last one; `problem` if it did not start. */
  | { type: 'ended'; id: number; code: number | null; problem?: string };
