/** How many tokens a model takes, and from how many on a conversation with it is compacted. */
import type { ContextLimits } from '../../../activities/ports.ts';

/** For a model that nothing is known of: what nearly every one takes today. */
export const DEFAULT_CONTEXT_WINDOW = 128_000;

/** The part of the window from which on a conversation is compacted, so that there is room for the summary itself. */
const COMPACT_AT = 0.9;

/**
 * By the beginning of the name, without its provider; the first that fits counts. What a model takes as input, and of the
 * newest ones what they take at their plain price.
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

/** Many names say it themselves: `some-model-32k`. */
const NAMED_WINDOW = /-(\d{1,4})k$/i;

export interface ContextLimitOptions {
  /** Tokens of every model's window, whatever is known of it. */
  contextWindow?: number;
  /** Tokens from which on conversations are compacted, where that is less than 90 % of the window. */
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
