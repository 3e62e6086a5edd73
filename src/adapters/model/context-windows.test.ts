import { expect, it } from 'vitest';
import { DEFAULT_CONTEXT_WINDOW, createContextLimits } from './context-windows.ts';

it.each([
  ['openai/gpt-5.6', 272_000],
  ['openai/gpt-4.1-mini', 1_047_576],
  ['anthropic/claude-sonnet-5', 200_000],
  ['google/gemini-3-pro', 1_048_576],
  ['openai-compatible/org/some-model-32k', 32_000],
  ['gpt-4o', 128_000],
  ['openai-compatible/nobody-knows-it', DEFAULT_CONTEXT_WINDOW],
])('%s takes %d tokens', (model, window) => {
  expect(createContextLimits()(model)).toEqual({ window, compactAt: Math.floor(window * 0.9) });
});

it('A window that is set counts for every model, and a limit only where it is below nine tenths of the window', () => {
  expect(createContextLimits({ contextWindow: 50_000 })('openai/gpt-5.6')).toEqual({
    window: 50_000,
    compactAt: 45_000,
  });
  const limited = createContextLimits({ autoCompactTokens: 100_000 });
  expect(limited('openai/gpt-5.6').compactAt).toBe(100_000);
  expect(limited('openai-compatible/small-8k').compactAt).toBe(7_200);
});
