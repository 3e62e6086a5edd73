import { expect, test } from 'vitest';
import { createPromptCache } from './prompt-cache.ts';

const body = (prompt_cache_key: string, ...input: string[]) => ({
  model: 'm',
  prompt_cache_key,
  tools: [{ name: 't' }],
  instructions: 'Be brief.',
  input,
});

test('the beginning that a request shares with an earlier one of its key is cached, and nothing else', () => {
  const cache = createPromptCache();
  expect(cache.take(body('a', 'one')).shared).toBe(0);
  const { shared, all } = cache.take(body('a', 'one', 'two'));
  expect(all - shared).toBe('\n"two"'.length);
  expect(cache.take(body('b', 'one', 'two')).shared).toBe(0);
  expect(cache.take({ ...body('a', 'one', 'two'), tools: [] }).shared).toBeLessThan(5);
});

test('a side request does not drive the conversation out', () => {
  const cache = createPromptCache();
  cache.take(body('a', 'one'));
  cache.take({ ...body('a', 'one'), tools: [], instructions: 'Other.' });
  const { shared, all } = cache.take(body('a', 'one'));
  expect(shared).toBe(all);
});

test('the least recently used keys are forgotten when there is too much', () => {
  const cache = createPromptCache(2_000);
  cache.take(body('a', 'x'.repeat(900)));
  cache.take(body('b', 'x'.repeat(900)));
  cache.take(body('c', 'x'.repeat(900)));
  expect(cache.take(body('c', 'x'.repeat(900))).shared).toBeGreaterThan(900);
  expect(cache.take(body('a', 'x'.repeat(900))).shared).toBe(0);
});
