/** The windows of models, and the size at which a conversation is compacted. */
import type { ContextLimits } from '../../../activities/ports.ts';

/** For unknown models; nearly all accept this much today. */
export const DEFAULT_CONTEXT_WINDOW = 128_000;

/** The fraction of the window at which a conversation is compacted, to leave room for the summary. */
const COMPACT_AT = 0.9;

/**
 * By the beginning of the name without the provider; the first match counts. The maximum input of a model; for the
 * newest ones, the maximum at their normal price.
 */
const WINDOWS: readonly [RegExp, number][] = [
  [/^(gpt-[5-9]|codex)/, 272_000],
  [/^gpt-4\.1/, 1_047_576],
  [/^gpt-4o/, 128_000],
  [/^o[134]\b/, 200_000],
  [/^claude/, 200_000],
  [/^gemini/, 1_048_576],
  [/^bobbin-offline/, 272_000],
];

/** Many names contain it: `some-model-32k`. */
const NAMED_WINDOW = /-(\d{1,4})k$/i;

export interface ContextLimitOptions {
  /** Overrides the window of every model, in tokens. */
  contextWindow?: number;
  /** The size at which conversations are compacted, in tokens, if less than 90 % of the window. */
  autoCompactTokens?: number;
}

export function createContextLimits(options: ContextLimitOptions = {}): (model: string) => ContextLimits {
  const { contextWindow, autoCompactTokens = Infinity } = options;
  return (model) => {
    const window = contextWindow ?? windowOf(model);
    return { window, compactAt: Math.min(autoCompactTokens, Math.floor(window * COMPACT_AT)) };
  };
}

function windowOf(model: string): number {
  const name = model.slice(model.indexOf('/') + 1);
  const named = NAMED_WINDOW.exec(name)?.[1];
  if (named !== undefined) return Number(named) * 1_000;
  return WINDOWS.find(([names]) => names.test(name))?.[1] ?? DEFAULT_CONTEXT_WINDOW;
}
