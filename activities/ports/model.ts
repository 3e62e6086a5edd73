/** Models: requests and answers. */
import type { ProviderCompaction, TokenUsage, WebSearchAction } from '../../src/contract/index.ts';

import type { ImageHeader } from '../../src/contract/plain/images/image-types.ts';
import type { ModelOptions } from '../../src/contract/plain/model-options.ts';
import type { Grammar } from '../../src/contract/plain/tools/tool.ts';

export type { ModelOptions, TokenUsage, WebSearchAction };

/** An image in a request. */
export interface ModelImage extends ImageHeader {
  sha256: string;
  base64: string;
}

/** One entry of the conversation, independent of any provider. Its images come after its text. */
export type ConversationEntry<Image = ModelImage> =
  | { type: 'message'; role: 'user' | 'assistant'; text: string; images?: Image[] }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  | { type: 'webSearch'; action: WebSearchAction }
  | { type: 'toolCall'; callId: string; name: string; arguments: string }
  | { type: 'toolOutput'; callId: string; name: string; output: string; images?: Image[] }
  /** A provider's compacted form of the earlier conversation; `otherwise` is for other providers. */
  | (ProviderCompaction & { type: 'compaction'; otherwise: ConversationEntry<Image>[] });

/** A tool the model may call; `parameters` is a JSON schema of an object. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
  /** The form of its argument `input`, for endpoints that take that argument alone, as text. */
  freeform?: Grammar;
}

export interface ModelRequest {
  /** `provider/model`, or a model name of the default provider. */
  model: string;
  instructions: string;
  conversation: ConversationEntry[];
  tools: ToolSpec[];
  /** `none`: the tools are there only because earlier requests had them. */
  toolChoice?: 'none';
  parallelToolCalls: boolean;
  /** What the endpoint is asked for beyond its defaults. */
  options?: ModelOptions;
  /** Keeps a provider's prompt cache on one thread. */
  promptCacheKey: string;
  /** JSON schema of the answer, which may follow tool calls. Endpoints without structured output ignore it. */
  outputSchema?: { name: string; schema: Record<string, unknown> };
  /** Value of the `Authorization` header if an agent assertion replaces the bearer token. */
  authorization?: string;
}

/** The output entries of one response, in the model's order. */
export type ModelOutput =
  | { type: 'message'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  /** The provider has searched the web for the model. */
  | { type: 'webSearch'; action: WebSearchAction }
  | { type: 'toolCall'; callId: string; name: string; arguments: string };

export interface ModelResponse {
  responseId: string;
  output: ModelOutput[];
  usage: TokenUsage;
  /** What of the request had no effect; left out if all had. */
  warnings?: string[];
  /** The endpoint's reason for an incomplete answer; undefined if it is complete. */
  cut?: string;
}

/** A conversation in a provider's compacted form. */
export interface CompactedConversation extends ProviderCompaction {
  usage: TokenUsage;
}

/** A model's window in tokens, request and answer together, and the size at which a conversation is compacted. */
export interface ContextLimits {
  window: number;
  compactAt: number;
  /** Whether the window of the model is not known. */
  isAssumed: boolean;
}

/** The cost of model calls. */
export interface PricePort {
  isKnown(model: string): boolean;
  /** In whole millionths of a dollar; null for a model without a price. */
  costMicroUsd(model: string, usage: TokenUsage): number | null;
}

/** A piece of the arguments of a call that a model is writing. */
export interface InputPiece {
  /** Place of the call in the answer. */
  call: number;
  /** Of the tool. */
  name: string;
  /** `text`: of the argument `input` alone. */
  form: 'json' | 'text';
  delta: string;
}

export interface AnswerListeners {
  /** Gets each piece of assistant text. */
  onText: (delta: string) => void;
  /** Gets each piece of the summary of the model's reasoning. Its parts are apart by an empty line. */
  onReasoning?: (delta: string) => void;
  onInput?: (piece: InputPiece) => void;
}

export interface ModelPort {
  /**
   * Makes one model call with streaming. When `signal` fires, closes the connection and rejects with its reason.
   */
  respond(request: ModelRequest, io: AnswerListeners & { signal: AbortSignal }): Promise<ModelResponse>;
  /** The provider's own compaction of the conversation; null if it has none. Fails like `respond`. */
  compact?(request: ModelRequest, io: { signal: AbortSignal }): Promise<CompactedConversation | null>;
}
