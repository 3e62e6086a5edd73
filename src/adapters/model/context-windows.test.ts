import { expect, it } from 'vitest';
import { createCatalog } from './catalog/catalog.ts';
import { DEFAULT_CONTEXT_WINDOW, createContextLimits } from './context-windows.ts';

it.each([
  ['openai/gpt-5.6', 272_000, false],
  ['openai-compatible/org/some-model-32k', 32_000, false],
  ['openai-compatible/nobody-knows-it', DEFAULT_CONTEXT_WINDOW, true],
])('%s takes %d tokens, which is an assumption: %s', (model, window, isAssumed) => {
  const compactAt = Math.floor(window * 0.9);
  expect(createContextLimits(createCatalog())(model)).toEqual({ window, compactAt, isAssumed });
});

it('A window that is set counts for every model, and a limit only where it is below nine tenths of the window', () => {
  expect(createContextLimits(createCatalog(), { contextWindow: 50_000 })('openai/gpt-5.6')).toEqual({
    window: 50_000,
    compactAt: 45_000,
    isAssumed: false,
  });
  const limited = createContextLimits(createCatalog(), { autoCompactTokens: 100_000 });
  expect(limited('openai/gpt-5.6').compactAt).toBe(100_000);
  expect(limited('openai-compatible/small-8k').compactAt).toBe(7_200);
});
