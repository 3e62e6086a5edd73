/** The usage of an endpoint that reports none: without one, budgets and compactions would never come. */
import type { ConversationEntry, ModelRequest, ModelResponse, TokenUsage } from '../../../activities/ports.ts';

/** A rough measure, the same for every model. */
const CHARS_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 1_000;

/** The answer with what it has probably used, and a warning; unchanged if the endpoint has reported that. */
export function withUsage(request: ModelRequest, answer: ModelResponse): ModelResponse {
  const { inputTokens, outputTokens, totalTokens } = answer.usage;
  if (inputTokens + outputTokens + totalTokens > 0) return answer;
  const warning = `Model ${request.model} does not say how many tokens it uses: one is counted for ${CHARS_PER_TOKEN} characters.`;
  return { ...answer, usage: estimate(request, answer), warnings: [...(answer.warnings ?? []), warning] };
}

function estimate({ instructions, conversation, tools }: ModelRequest, { output }: ModelResponse): TokenUsage {
  const images = conversation.reduce((count, entry) => count + imagesOf(entry).length, 0);
  const sent = [instructions, ...conversation.map(withoutImages), ...tools];
  const inputTokens = toTokens(sent) + images * TOKENS_PER_IMAGE;
  const outputTokens = toTokens(output);
  const totalTokens = inputTokens + outputTokens;
  return { inputTokens, cachedInputTokens: 0, outputTokens, reasoningOutputTokens: 0, totalTokens };
}

function toTokens(parts: readonly unknown[]): number {
  return Math.ceil(parts.reduce<number>((chars, part) => chars + JSON.stringify(part).length, 0) / CHARS_PER_TOKEN);
}

function imagesOf(entry: ConversationEntry): unknown[] {
  return 'images' in entry ? (entry.images ?? []) : [];
}

function withoutImages(entry: ConversationEntry): unknown {
  return 'images' in entry ? { ...entry, images: [] } : entry;
}
