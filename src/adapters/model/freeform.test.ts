import { expect, test } from 'vitest';
import { takesFreeform } from './freeform.ts';

test.each([
  ['openai', 'gpt-5.6', true],
  ['openai', 'gpt-5.3-codex', true],
  ['openai', 'gpt-12', true],
  ['openai', 'gpt-5-chat-latest', false],
  ['openai', 'gpt-4.1', false],
  ['openai', 'o3', false],
  ['anthropic', 'claude-opus', false],
  ['openai-compatible', 'gpt-5.6', false],
])('%s/%s at its own address: %s', (provider, name, taken) => {
  expect(takesFreeform({}, provider, name)).toBe(taken);
});
