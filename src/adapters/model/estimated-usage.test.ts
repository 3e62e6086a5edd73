import { describe, expect, it } from 'vitest';
import type { ModelImage, ModelRequest, ModelResponse } from '../../../activities/ports.ts';
import { withUsage } from './estimated-usage.ts';

const NONE = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0, totalTokens: 0 };
const request = (text: string, images: ModelImage[] = []): ModelRequest => ({
  model: 'near/tiny',
  instructions: 'Be brief.',
  conversation: [{ type: 'message', role: 'user', text, ...(images.length > 0 && { images }) }],
  tools: [],
  parallelToolCalls: true,
  promptCacheKey: 'thread_1',
});
const answer = (usage = NONE): ModelResponse => ({
  responseId: 'r',
  output: [{ type: 'message', text: 'y'.repeat(400) }],
  usage,
});

describe('usage that an endpoint does not report', () => {
  it('is counted by characters, and the answer says so', () => {
    const { usage, warnings } = withUsage(request('x'.repeat(4_000)), answer());
    expect(usage.inputTokens).toBeGreaterThan(1_000);
    expect(usage.inputTokens).toBeLessThan(1_050);
    expect(usage.outputTokens).toBeGreaterThan(100);
    expect(usage.totalTokens).toBe(usage.inputTokens + usage.outputTokens);
    expect(warnings).toEqual([expect.stringContaining('near/tiny does not say how many tokens')]);
  });

  it('has a fixed number for an image, whatever its size', () => {
    const image = { mediaType: 'image/png', data: 'A'.repeat(1_000_000) } as unknown as ModelImage;
    const [without, with_] = [request('x'), request('x', [image])].map((one) => withUsage(one, answer()).usage);
    expect(with_!.inputTokens - without!.inputTokens).toBeGreaterThanOrEqual(1_000);
    expect(with_!.inputTokens - without!.inputTokens).toBeLessThan(1_010);
  });

  it('that was reported stays as it is', () => {
    const reported = answer({ ...NONE, outputTokens: 3 });
    expect(withUsage(request('x'), reported)).toBe(reported);
  });
});
