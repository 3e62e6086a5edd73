/** A conversation in the form the AI SDK takes. */
import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from 'ai';
import type { ConversationEntry } from '../../../../activities/ports.ts';
import { type ReadableEntry, withoutCompactions } from '../foreign-compaction.ts';
import { fromEncryptedContent } from '../foreign-reasoning.ts';
import { asObject, parseJson } from '../http/json.ts';

type AssistantPart = Exclude<AssistantModelMessage['content'], string>[number];
type ProviderOptions = NonNullable<AssistantModelMessage['providerOptions']>;
type Call = Extract<AssistantPart, { type: 'tool-call' }>;

/**
 * The SDK wants the outputs of all calls of an assistant message right after it. So they are put there wherever they stand
 * in the conversation, a call without one gets a placeholder, and an output without a call is left out.
 */
export function toModelMessages(given: ConversationEntry[], provider: string): ModelMessage[] {
  const conversation = withoutCompactions(given);
  const outputs = new Map<string, string>();
  for (const entry of conversation) if (entry.type === 'toolOutput') outputs.set(entry.callId, entry.output);
  const messages: ModelMessage[] = [];
  const callOptions = new Map<string, ProviderOptions>();
  let parts: AssistantPart[] = [];
  let isAnswered = false;
  const endMessage = () => {
    if (parts.length > 0) messages.push({ role: 'assistant', content: parts });
    const calls = parts.filter((part) => part.type === 'tool-call');
    if (calls.length > 0) messages.push(toToolMessage(calls, outputs));
    parts = [];
    isAnswered = false;
  };
  for (const entry of conversation) {
    if (entry.type === 'toolOutput') {
      isAnswered = true;
      continue;
    }
    const isUser = entry.type === 'message' && entry.role === 'user';
    if (isUser || isAnswered) endMessage();
    if (isUser) messages.push({ role: 'user', content: entry.text });
    else parts.push(...toAssistantParts(entry, provider, callOptions));
  }
  endMessage();
  return messages;
}

function toAssistantParts(
  entry: Exclude<ReadableEntry, { type: 'toolOutput' }>,
  provider: string,
  callOptions: Map<string, ProviderOptions>,
): AssistantPart[] {
  switch (entry.type) {
    case 'webSearch':
      // What it found is in the text that followed, and in no other form here.
      return [];
    case 'message':
      return entry.text === '' ? [] : [{ type: 'text', text: entry.text }];
    case 'toolCall': {
      const providerOptions = callOptions.get(entry.callId);
      return [{ ...toCall(entry), ...(providerOptions === undefined ? {} : { providerOptions }) }];
    }
    case 'reasoning': {
      const own = fromEncryptedContent(entry.encryptedContent);
      if (own?.provider !== provider) return [];
      const providerOptions = own.metadata as ProviderOptions;
      if (own.callId === undefined) return [{ type: 'reasoning', text: entry.summary.join('\n\n'), providerOptions }];
      callOptions.set(own.callId, providerOptions);
      return [];
    }
  }
}

function toCall(entry: ConversationEntry & { type: 'toolCall' }): Call {
  const input = asObject(parseJson(entry.arguments)) ?? { arguments: entry.arguments };
  return { type: 'tool-call', toolCallId: entry.callId, toolName: entry.name, input };
}

function toToolMessage(calls: Call[], outputs: Map<string, string>): ToolModelMessage {
  const content = calls.map((call) => {
    const value = outputs.get(call.toolCallId) ?? 'No output of this call was recorded.';
    const output = { type: 'text' as const, value };
    return { type: 'tool-result' as const, toolCallId: call.toolCallId, toolName: call.toolName, output };
  });
  return { role: 'tool', content };
}
