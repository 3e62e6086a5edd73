import { describe, expect, it } from 'vitest';
import { DEFAULT_OPENAI_MODEL } from '../models.ts';
import { createCatalog } from './catalog.ts';

const catalog = createCatalog();

describe('What is known of a model', () => {
  it('comes from the data of the package: window, images, efforts and price', () => {
    const facts = catalog('anthropic/claude-haiku-5-5');
    expect(facts).toMatchObject({ contextWindow: 1_000_000, images: true });
    expect(facts.efforts).toContain('high');
    expect(facts.price?.input).toBeGreaterThan(0);
    expect(facts.price?.long?.inputTokens).toBe(100_000);
    expect(catalog('openai/gpt-4o').efforts).toEqual([]);
  });

  it('includes the default model and the offline one, which costs nothing', () => {
    expect(catalog(DEFAULT_OPENAI_MODEL)).toMatchObject({ contextWindow: 272_000, price: {} });
    expect(catalog('offline/bobbin-offline').price).toEqual({ input: 0, cachedInput: 0, output: 0 });
  });

  it.each([
    ['gpt-4o', 'openai/gpt-4o'],
    ['openai/gpt-4o-2031-01-31', 'openai/gpt-4o'],
    ['anthropic/claude-sonnet-4-6-20310131', 'anthropic/claude-sonnet-4-6'],
  ])('is that of another name: %s is %s', (name, same) => {
    expect(catalog(name)).toEqual(catalog(same));
  });

  it.each(['openai-compatible/claude-sonnet-5', 'openai-compatible/anthropic/claude-sonnet-5'])(
    'is that of the same model elsewhere for %s, except the price, which is the provider’s',
    (name) => {
      const { price, ...facts } = catalog('anthropic/claude-sonnet-5');
      expect(price).toBeDefined();
      expect(catalog(name)).toEqual(facts);
    },
  );

  it('is nothing for a model that nobody knows', () => {
    expect(catalog('openai-compatible/mine')).toEqual({});
    expect(catalog('openai/constructor')).toEqual({});
  });

  it('is, fact by fact, what the first entry of the operator says', () => {
    const own = createCatalog(
      [
        { model: 'near/small', contextWindow: 8_000 },
        { model: 'near/*', contextWindow: 9_000, images: false },
        { model: 'openai/gpt-4o', images: false },
      ],
      (provider) => (provider === 'second' ? 'openai' : provider),
    );
    expect(own('near/small')).toEqual({ contextWindow: 8_000, images: false });
    expect(own('openai/gpt-4o')).toEqual({ ...catalog('openai/gpt-4o'), images: false });
    expect(own('second/gpt-4o')).toEqual(catalog('openai/gpt-4o'));
  });
});
