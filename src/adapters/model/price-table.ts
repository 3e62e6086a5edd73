/**
 * The prices of models, as OpenAI and Anthropic publish it for their standard tier:
 * developers.openai.com/api/docs/pricing and platform.claude.com/docs/en/about-claude/pricing, as of October 2026.
 * Prices change: `BOBBIN_PRICES` names a file that replaces this table.
 */

/** Dollars per million tokens. */
export interface Rates {
  input: number;
  /** Input from the provider's cache. */
  cachedInput: number;
  output: number;
}

export interface Price extends Rates {
  /** `provider/model`; a `*` stands for any characters. */
  model: string;
  /** Prices of a whole request whose input has more tokens. */
  long?: Rates & { inputTokens: number };
}

/** Beyond 272,000 input tokens, OpenAI charges twice the input price and one and a half times the output price. */
const OPENAI_LONG = { inputTokens: 272_000, input: 2, output: 1.5 };

export const DEFAULT_PRICES: readonly Price[] = [
  openAi('gpt-6.1-sol*', 2, 0.1, 10),
  openAi('gpt-6-sol*', 2, 0.2, 10),
  openAi('gpt-6-luna*', 0.1, 0.01, 0.5),
  openAi('gpt-6-astra*', 10, 1, 50),
  openAi('gpt-5.6-terra*', 2, 0.2, 12),
  openAi('gpt-5.6-luna*', 0.2, 0.02, 1.2),
  // The list price; currently sold for less.
  openAi('gpt-5.6', 5, 0.5, 30),
  openAi('gpt-5.6-sol*', 5, 0.5, 30),
  openAi('gpt-5.5', 5, 0.5, 30),
  openAi('gpt-5.4', 2.5, 0.25, 15),
  openAi('gpt-5.4-mini*', 0.75, 0.075, 4.5),
  openAi('gpt-5.4-nano*', 0.2, 0.02, 1.25),
  anthropic('claude-fable-5-1*', 10, 0.25, 50),
  anthropic('claude-fable-5', 10, 1, 50),
  anthropic('claude-opus-5-5*', 4, 0.2, 20),
  anthropic('claude-opus-5', 5, 0.5, 25),
  anthropic('claude-opus-4-5*', 5, 0.5, 25),
  anthropic('claude-opus-4-6*', 5, 0.5, 25),
  anthropic('claude-opus-4-7*', 5, 0.5, 25),
  anthropic('claude-opus-4-8*', 5, 0.5, 25),
  anthropic('claude-sonnet-5-5*', 2, 0.1, 10),
  anthropic('claude-sonnet-5', 2, 0.2, 10),
  anthropic('claude-sonnet-4-*', 3, 0.3, 15),
  {
    ...anthropic('claude-haiku-5-5*', 0.1, 0.01, 0.5),
    long: { inputTokens: 100_000, input: 0.5, cachedInput: 0.05, output: 2.5 },
  },
  anthropic('claude-haiku-4-5*', 1, 0.1, 5),
  // Runs locally, without cost.
  { model: 'offline/*', input: 0, cachedInput: 0, output: 0 },
];

function openAi(model: string, input: number, cachedInput: number, output: number): Price {
  const { inputTokens, input: more, output: moreOutput } = OPENAI_LONG;
  const long = { inputTokens, input: input * more, cachedInput: cachedInput * more, output: output * moreOutput };
  return { model: `openai/${model}`, input, cachedInput, output, long };
}

function anthropic(model: string, input: number, cachedInput: number, output: number): Price {
  return { model: `anthropic/${model}`, input, cachedInput, output };
}
