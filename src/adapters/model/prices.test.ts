import { describe, expect, it } from 'vitest';
import { createCatalog } from './catalog/catalog.ts';
import { createPrices } from './prices.ts';

const usage = (inputTokens: number, cachedInputTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedInputTokens,
  outputTokens,
  reasoningOutputTokens: 0,
  totalTokens: inputTokens + outputTokens,
});

const rates = (input: number, cachedInput: number, output: number) => ({ input, cachedInput, output });

const prices = createPrices(
  createCatalog([
    { model: 'openai/big-*', price: rates(2, 0.2, 10) },
    { model: 'openai/*', price: rates(1, 0.1, 4) },
    { model: 'other/long', price: { ...rates(1, 0, 1), long: { inputTokens: 100, ...rates(2, 1, 3) } } },
  ]),
);

describe('the cost of a model call', () => {
  it('is in whole micro-dollars: fresh input, cached input and output at their prices', () => {
    expect(prices.costMicroUsd('openai/big-1', usage(1_000, 400, 50))).toBe(600 * 2 + 400 * 0.2 + 50 * 10);
  });

  it('counts a part of a micro-dollar as a whole one, and no rounding of the machine', () => {
    expect(prices.costMicroUsd('openai/small', usage(1, 1, 0))).toBe(1);
    expect(prices.costMicroUsd('openai/small', usage(3, 3, 0))).toBe(1);
    expect(prices.costMicroUsd('openai/small', usage(30, 30, 0))).toBe(3);
    expect(prices.costMicroUsd('openai/small', usage(0, 0, 0))).toBe(0);
  });

  it('is by the first entry that fits; a model without a provider is OpenAI’s', () => {
    expect(prices.costMicroUsd('big-1', usage(10, 0, 0))).toBe(20);
    expect(prices.costMicroUsd('small', usage(10, 0, 0))).toBe(10);
  });

  it('is that of long requests for the whole of a request that is long', () => {
    expect(prices.costMicroUsd('other/long', usage(100, 0, 10))).toBe(110);
    expect(prices.costMicroUsd('other/long', usage(101, 1, 10))).toBe(200 + 1 + 30);
  });

  it('is null for a model without a price', () => {
    expect(prices.costMicroUsd('other/longer', usage(1, 0, 1))).toBeNull();
    expect(prices.isKnown('other/longer')).toBe(false);
    expect(prices.isKnown('other/long')).toBe(true);
  });
});
