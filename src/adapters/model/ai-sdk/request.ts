/** A conversation in the form the AI SDK takes. */
import type { AssistantModelMessage, FilePart, ModelMessage, UserModelMessage } from 'ai';
import type { ConversationEntry, ModelImage } from '../../../../activities/ports.ts';
import { type ReadableEntry, withoutCompactions } from '../foreign-compaction.ts';
import { fromEncryptedContent } from '../foreign-reasoning.ts';
import { asObject, parseJson } from '../http/json.ts';

type AssistantPart = Exclude<AssistantModelMessage['content'], string>[number];
type ProviderOptions = NonNullable<AssistantModelMessage['providerOptions']>;
type Output = ConversationEntry & { type: 'toolOutput' };
type Call = Extract<AssistantPart, { type: 'tool-call' }>;

/**
 * The SDK wants the outputs of all calls of an assistant message right after it. So they are put there wherever they stand
 * in the conversation, a call without one gets a placeholder, and an output without a call is left out. Images of outputs
 * follow as a message, for providers that take none in an output.
 */
export function toModelMessages(given: ConversationEntry[], provider: string): ModelMessage[] {
  const conversation = withoutCompactions(given);
  const outputs = new Map<string, Output>();
  for (const entry of conversation) if (entry.type === 'toolOutput') outputs.set(entry.callId, entry);
  const messages: ModelMessage[] = [];
  const callOptions = new Map<string, ProviderOptions>();
  let parts: AssistantPart[] = [];
  let isAnswered = false;
  const endMessage = () => {
    // No answer may end with reasoning: one that was cut there goes without.
    parts = parts.slice(0, parts.findLastIndex(({ type }) => type !== 'reasoning') + 1);
    if (parts.length > 0) messages.push({ role: 'assistant', content: parts });
    const calls = parts.filter((part) => part.type === 'tool-call');
    if (calls.length > 0) messages.push(...toToolMessages(calls, outputs, IMAGES_IN_OUTPUTS.has(provider)));
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
    if (isUser) messages.push({ role: 'user', content: toUserContent(entry.text, entry.images) });
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

/** Others would get an image as text. */
const IMAGES_IN_OUTPUTS: ReadonlySet<string> = new Set(['openai', 'anthropic', 'google']);

function toToolMessages(calls: Call[], outputs: Map<string, Output>, takesImages: boolean): ModelMessage[] {
  const content = calls.map(({ toolCallId, toolName }) => {
    const { output: value = 'No output of this call was recorded.', images = [] } = outputs.get(toolCallId) ?? {};
    const text = { type: 'text' as const, value };
    const output = takesImages && images.length > 0 ? withFiles(value, images) : text;
    return { type: 'tool-result' as const, toolCallId, toolName, output };
  });
  const images = takesImages ? [] : calls.flatMap(({ toolCallId }) => outputs.get(toolCallId)?.images ?? []);
  const shown: ModelMessage[] = images.length === 0 ? [] : [{ role: 'user', content: toUserContent(SHOWN, images) }];
  return [{ role: 'tool', content }, ...shown];
}

function withFiles(text: string, images: readonly ModelImage[]) {
  return { type: 'content' as const, value: [{ type: 'text' as const, text }, ...images.map(toFile)] };
}

const SHOWN = 'The images of the tool results above, in their order:';

function toUserContent(text: string, images: readonly ModelImage[] = []): UserModelMessage['content'] {
  return images.length === 0 ? text : [{ type: 'text', text }, ...images.map(toFile)];
}

function toFile({ mediaType, base64 }: ModelImage): FilePart & { data: { type: 'data'; data: string } } {
  return { type: 'file', mediaType, data: { type: 'data', data: base64 } };
}
