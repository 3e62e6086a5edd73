import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OPENAI_MODEL } from './models.ts';
import { DEFAULT_PRICES } from './price-table.ts';
import { createPrices, readPrices } from './prices.ts';

const usage = (inputTokens: number, cachedInputTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedInputTokens,
  outputTokens,
  reasoningOutputTokens: 0,
  totalTokens: inputTokens + outputTokens,
});

const prices = createPrices([
  { model: 'openai/big-*', input: 2, cachedInput: 0.2, output: 10 },
  { model: 'openai/*', input: 1, cachedInput: 0.1, output: 4 },
  {
    model: 'other/long',
    ...{ input: 1, cachedInput: 0, output: 1 },
    long: { inputTokens: 100, input: 2, cachedInput: 1, output: 3 },
  },
]);

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

describe('the table that is built in', () => {
  it('knows the default model and the offline one, which costs nothing', () => {
    const built = createPrices();
    expect(built.isKnown(DEFAULT_OPENAI_MODEL)).toBe(true);
    expect(built.costMicroUsd('offline/bobbin-offline', usage(1_000, 0, 1_000))).toBe(0);
  });

  it('has no entry that another one before it hides', () => {
    const names = DEFAULT_PRICES.map(({ model }) => model.replaceAll('*', ''));
    names.forEach((name, index) => {
      expect(createPrices(DEFAULT_PRICES.slice(0, index)).isKnown(name), name).toBe(false);
    });
  });
});

describe('a file of prices', () => {
  const inFile = (content: string, read: (file: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'prices-'));
    const file = join(folder, 'prices.json');
    writeFileSync(file, content);
    read(file);
    rmSync(folder, { recursive: true });
  };

  it('replaces the table', () => {
    const entry = { model: 'offline/*', input: 1, cachedInput: 1, output: 2 };
    inFile(JSON.stringify([entry]), (file) => {
      const own = createPrices(readPrices(file));
      expect(own.costMicroUsd('offline/x', usage(10, 0, 5))).toBe(20);
      expect(own.isKnown(DEFAULT_OPENAI_MODEL)).toBe(false);
    });
  });

  it.each(['no json', '{}', '[{"model":"x"}]', '[{"model":"x","input":-1,"cachedInput":0,"output":0}]'])(
    'is refused by its name where it holds %s',
    (content) => inFile(content, (file) => expect(() => readPrices(file)).toThrow(file)),
  );

  it('is refused by its name where it is missing', () => {
    expect(() => readPrices('/nowhere/prices.json')).toThrow('/nowhere/prices.json');
  });
});
