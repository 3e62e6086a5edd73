/** Computes the cost of a model call from the built-in prices or from a file. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PricePort } from '../../../activities/ports.ts';
import { DEFAULT_PRICES, type Price, type Rates } from './price-table.ts';
import { splitModel } from './providers.ts';

const RateSchema = z.number().min(0).max(1_000_000);
const RATES = { input: RateSchema, cachedInput: RateSchema, output: RateSchema };

/** The first match counts. */
const PricesSchema = z.array(
  z.strictObject({
    model: z.string().min(1),
    ...RATES,
    long: z.strictObject({ inputTokens: z.number().int().min(1), ...RATES }).optional(),
  }),
);

/** Throws an error that names the file if it is invalid. */
export function readPrices(file: string): readonly Price[] {
  try {
    const parsed = PricesSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (parsed.success)
      return parsed.data.map(({ long, ...price }) => (long === undefined ? price : { ...price, long }));
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The prices in ${file} cannot be used: ${reason}. A list is needed, of entries like {"model": "openai/gpt-*", "input": 2, "cachedInput": 0.2, "output": 10}, in dollars per million tokens.`,
      { cause: error },
    );
  }
}

/** A name without a provider is a model of OpenAI. */
export function createPrices(table: readonly Price[] = DEFAULT_PRICES): PricePort {
  const priceOf = (model: string): Price | undefined => {
    const { provider, name } = splitModel(model, 'openai');
    return table.find((price) => fits(price.model, `${provider}/${name}`));
  };
  return {
    isKnown: (model) => priceOf(model) !== undefined,
    costMicroUsd(model, usage) {
      const price = priceOf(model);
      if (price === undefined) return null;
      const { long } = price;
      return costBy(long !== undefined && usage.inputTokens > long.inputTokens ? long : price, usage);
    },
  };
}

/** Dollars per million tokens are micro-dollars per token. Rounds up to whole micro-dollars. */
function costBy(rates: Rates, usage: Parameters<PricePort['costMicroUsd']>[1]): number {
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens);
  const fresh = usage.inputTokens - cached;
  const cost = fresh * rates.input + cached * rates.cachedInput + usage.outputTokens * rates.output;
  // Removes binary rounding errors.
  return Math.ceil(Number(cost.toFixed(6)));
}

function fits(pattern: string, model: string): boolean {
  const words = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${words.join('.*')}$`).test(model);
}
