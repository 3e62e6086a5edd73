/** The windows of models, and the size at which a conversation is compacted. */
import type { ContextLimits } from '../../../activities/ports.ts';
import type { Catalog } from './catalog/catalog.ts';

/** For unknown models; nearly all accept this much today. */
export const DEFAULT_CONTEXT_WINDOW = 128_000;

/** The fraction of the window at which a conversation is compacted, to leave room for the summary. */
const COMPACT_AT = 0.9;

/** Many names contain it: `some-model-32k`. */
const NAMED_WINDOW = /-(\d{1,4})k$/i;

export interface ContextLimitOptions {
  /** Overrides the window of every model, in tokens. */
  contextWindow?: number;
  /** The size at which conversations are compacted, in tokens, if less than 90 % of the window. */
  autoCompactTokens?: number;
}

export function createContextLimits(
  catalog: Catalog,
  options: ContextLimitOptions = {},
): (model: string) => ContextLimits {
  const { autoCompactTokens = Infinity } = options;
  return (model) => {
    const known = options.contextWindow ?? catalog(model).contextWindow ?? namedWindow(model);
    const window = known ?? DEFAULT_CONTEXT_WINDOW;
    const compactAt = Math.min(autoCompactTokens, Math.floor(window * COMPACT_AT));
    return { window, compactAt, isAssumed: known === undefined };
  };
}

function namedWindow(model: string): number | undefined {
  const named = NAMED_WINDOW.exec(model)?.[1];
  return named === undefined ? undefined : Number(named) * 1_000;
}
