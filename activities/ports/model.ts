/** Models, what they are asked and what they answer. */
import type { ProviderCompaction, TokenUsage } from '../../src/contract/index.ts';

export type { TokenUsage };

/** One entry of the conversation as a model sees it, independent of any provider. */
export type ConversationEntry =
  | { type: 'message'; role: 'user' | 'assistant'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  | { type: 'toolCall'; callId: string; name: string; arguments: string }
  | { type: 'toolOutput'; callId: string; name: string; output: string }
  /** What a provider made of the conversation before; `otherwise` is for those that cannot read it. */
  | (ProviderCompaction & { type: 'compaction'; otherwise: ConversationEntry[] });

/** A tool the model may call; `parameters` is a JSON schema of an object. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export interface ModelRequest {
  /** `provider/model`, or a model name of the default provider. */
  model: string;
  instructions: string;
  conversation: ConversationEntry[];
  tools: ToolSpec[];
  parallelToolCalls: boolean;
  /** Keeps a provider's prompt cache on one thread. */
  promptCacheKey: string;
  /** JSON schema of the answer; calls come before it as ever. Endpoints that cannot hold a model to one go without. */
  outputSchema?: { name: string; schema: Record<string, unknown> };
  /** Whole value of the `Authorization` header where an agent assertion replaces the bearer token. */
  authorization?: string;
}

/** Whole output entries of one response, in the order the model gave them. */
export type ModelOutput =
  | { type: 'message'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  | { type: 'toolCall'; callId: string; name: string; arguments: string };

export interface ModelResponse {
  responseId: string;
  output: ModelOutput[];
  usage: TokenUsage;
  /** Why the endpoint stopped before the answer was whole, in its own words; left out if it did not. */
  cut?: string;
}

/** A conversation in a provider's own smaller form, in place of the one that was given. */
export interface CompactedConversation extends ProviderCompaction {
  usage: TokenUsage;
}

/** Tokens that a model takes, request and answer together, and from how many on a conversation is compacted. */
export interface ContextLimits {
  window: number;
  compactAt: number;
}

/** What model calls cost. */
export interface PricePort {
  isKnown(model: string): boolean;
  /** In millionths of a dollar, whole ones; null for a model without a price. */
  costMicroUsd(model: string, usage: TokenUsage): number | null;
}

export interface ModelPort {
  /**
   * One model call, streamed. `onText` is given each piece of assistant text as it arrives. Rejects with the reason of
   * `signal` once that fires, with the connection closed.
   */
  respond(request: ModelRequest, io: { signal: AbortSignal; onText: (delta: string) => void }): Promise<ModelResponse>;
  /** The provider's own compaction of the conversation; null where it has none. Fails as `respond` does. */
  compact?(request: ModelRequest, io: { signal: AbortSignal }): Promise<CompactedConversation | null>;
}
