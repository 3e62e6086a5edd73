/**
 * What providers other than OpenAI need back in the next request (for example the signature of a thought) is stored as the
 * `encryptedContent` of a reasoning entry, with a mark so that no other provider gets it.
 */
import type { JsonObject } from './http/json.ts';
import { asObject, asText, parseJson } from './http/json.ts';

export interface ForeignReasoning {
  /** Name of the provider that wrote it. */
  provider: string;
  /** The data from the provider, which it gets back as `providerOptions`. */
  metadata: Record<string, JsonObject>;
  /** The tool call that it belongs to, if any. */
  callId?: string;
}

const MARK = 'ai-sdk:';

export function isForeignReasoning(encryptedContent: string): boolean {
  return encryptedContent.startsWith(MARK);
}

export function toEncryptedContent(reasoning: ForeignReasoning): string {
  return MARK + JSON.stringify(reasoning);
}

/** Undefined for content that another adapter wrote. */
export function fromEncryptedContent(encryptedContent: string | undefined): ForeignReasoning | undefined {
  if (encryptedContent === undefined || !isForeignReasoning(encryptedContent)) return undefined;
  const value = asObject(parseJson(encryptedContent.slice(MARK.length)));
  const provider = asText(value?.provider);
  const metadata = asObject(value?.metadata);
  const callId = asText(value?.callId);
  if (provider === undefined || metadata === undefined) return undefined;
  const known = Object.entries(metadata).flatMap(([name, options]) => {
    const given = asObject(options);
    return given === undefined ? [] : [[name, given] as const];
  });
  return { provider, metadata: Object.fromEntries(known), ...(callId === undefined ? {} : { callId }) };
}
