/** The body of a request to the OpenAI Responses API. */
import type {
  ConversationEntry,
  ModelImage,
  ModelRequest,
  ToolSpec,
  WebSearchAction,
} from '../../../../activities/ports.ts';
import { isForeignReasoning } from '../foreign-reasoning.ts';
import { asObject, asText, parseJson } from '../http/json.ts';
import type { JsonObject } from '../http/json.ts';

/** Names of tools that are sent as text in the form of a grammar; also their earlier calls are in that form then. */
type TextTools = ReadonlySet<string>;

export function toResponsesBody(request: ModelRequest, freeform: boolean): JsonObject {
  const textTools = toTextTools(request, freeform);
  return {
    model: request.model,
    instructions: request.instructions,
    input: toInput(request.conversation, textTools),
    tools: [...request.tools.map((tool) => toTool(tool, textTools)), ...toWebSearch(request)],
    tool_choice: request.toolChoice ?? 'auto',
    parallel_tool_calls: request.parallelToolCalls,
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: request.promptCacheKey,
    ...toReasoningOptions(request),
    ...toTextOptions(request),
    ...without(DEFAULT, { service_tier: request.options?.serviceTier }),
  };
}

const DEFAULT = 'default';

/** Members that are given and not left to the endpoint. */
function without(value: string, members: Record<string, string | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, given]) => given !== undefined && given !== value));
}

function toReasoningOptions({ options }: ModelRequest): JsonObject {
  const reasoning = without(DEFAULT, { effort: options?.effort, summary: options?.summary });
  return Object.keys(reasoning).length === 0 ? {} : { reasoning };
}

function toTextOptions({ options, outputSchema }: ModelRequest): JsonObject {
  const text = {
    ...without(DEFAULT, { verbosity: options?.verbosity }),
    ...(outputSchema === undefined ? {} : { format: toFormat(outputSchema) }),
  };
  return Object.keys(text).length === 0 ? {} : { text };
}

/** The body of a request for a compaction, which has no members about an answer. */
export function toCompactBody(request: ModelRequest, freeform: boolean): JsonObject {
  return {
    model: request.model,
    instructions: request.instructions,
    input: toInput(request.conversation, toTextTools(request, freeform)),
    prompt_cache_key: request.promptCacheKey,
  };
}

function toTextTools({ tools }: ModelRequest, freeform: boolean): TextTools {
  return new Set(freeform ? tools.filter((tool) => tool.freeform !== undefined).map(({ name }) => name) : []);
}

/** An output has the form of its call. */
function toInput(conversation: readonly ConversationEntry[], textTools: TextTools): JsonObject[] {
  const textCalls = new Set<string>();
  const items = conversation.flatMap((entry): JsonObject[] => {
    if (entry.type === 'compaction') return entry.output;
    const text = entry.type === 'toolCall' && textTools.has(entry.name) ? textOf(entry.arguments) : undefined;
    if (entry.type === 'toolCall' && text !== undefined) {
      textCalls.add(entry.callId);
      return [{ type: 'custom_tool_call', call_id: entry.callId, name: entry.name, input: text }];
    }
    const item = toInputItem(entry);
    if (item === undefined) return [];
    const answersText = entry.type === 'toolOutput' && textCalls.has(entry.callId);
    return [answersText ? { ...item, type: 'custom_tool_call_output' } : item];
  });
  return items.filter((item, index) => item.type !== 'reasoning' || isFollowed(items.slice(index + 1)));
}

/** Whether the answer goes on after its reasoning: else it was cut there, and endpoints refuse reasoning alone. */
function isFollowed(later: readonly JsonObject[]): boolean {
  const next = later.find(({ type }) => type !== 'reasoning');
  return next !== undefined && next.role !== 'user' && !String(next.type).endsWith('_call_output');
}

/** The provider's own tool, which it runs itself. */
function toWebSearch({ options: { webSearch = 'off' } = {} }: ModelRequest): JsonObject[] {
  return webSearch === 'off' ? [] : [{ type: 'web_search', external_web_access: webSearch === 'live' }];
}

function toSearchCall(action: WebSearchAction): JsonObject | undefined {
  const call = (given: JsonObject) => ({ type: 'web_search_call', status: 'completed', action: given });
  switch (action.type) {
    case 'search': {
      const { queries } = action;
      return call({ type: 'search', query: queries[0] ?? '', ...(queries.length > 1 ? { queries } : {}) });
    }
    case 'openPage':
      return call({ type: 'open_page', url: action.url });
    case 'findInPage':
      return call({ type: 'find_in_page', url: action.url, pattern: action.pattern });
    case 'other':
      return undefined;
  }
}

/** The text of a call whose only argument is `input`; undefined for any other, which stays the call of a function. */
function textOf(args: string): string | undefined {
  const members = asObject(parseJson(args));
  return members !== undefined && Object.keys(members).length === 1 ? asText(members.input) : undefined;
}

function toFormat({ name, schema }: NonNullable<ModelRequest['outputSchema']>): JsonObject {
  return { type: 'json_schema', name, strict: true, schema };
}

function toTool(tool: ToolSpec, textTools: TextTools): JsonObject {
  const { name, description, freeform } = tool;
  if (textTools.has(name)) return { type: 'custom', name, description, format: { type: 'grammar', ...freeform } };
  return {
    type: 'function',
    name: tool.name,
    description: tool.description,
    strict: false,
    parameters: tool.parameters,
  };
}

function toInputItem(entry: Exclude<ConversationEntry, { type: 'compaction' }>): JsonObject | undefined {
  switch (entry.type) {
    case 'message':
      return {
        type: 'message',
        role: entry.role,
        content: [
          { type: entry.role === 'user' ? 'input_text' : 'output_text', text: entry.text },
          ...toImages(entry.images),
        ],
      };
    case 'reasoning':
      return toReasoning(entry);
    case 'webSearch':
      return toSearchCall(entry.action);
    case 'toolCall':
      return { type: 'function_call', call_id: entry.callId, name: entry.name, arguments: entry.arguments };
    case 'toolOutput':
      return { type: 'function_call_output', call_id: entry.callId, output: toOutput(entry) };
  }
}

/** Text alone, as every endpoint takes it; with images a list. */
function toOutput({ output, images = [] }: ConversationEntry & { type: 'toolOutput' }): string | JsonObject[] {
  return images.length === 0 ? output : [{ type: 'input_text', text: output }, ...toImages(images)];
}

function toImages(images: readonly ModelImage[] = []): JsonObject[] {
  return images.map((image) => ({ type: 'input_image', image_url: toDataUrl(image) }));
}

function toDataUrl({ mediaType, base64 }: ModelImage): string {
  return `data:${mediaType};base64,${base64}`;
}

/** The endpoint stores nothing, so reasoning without encrypted content would refer to something missing. */
function toReasoning(entry: ConversationEntry & { type: 'reasoning' }): JsonObject | undefined {
  if (entry.encryptedContent === undefined || isForeignReasoning(entry.encryptedContent)) return undefined;
  return {
    type: 'reasoning',
    ...(entry.id === undefined ? {} : { id: entry.id }),
    summary: entry.summary.map((text) => ({ type: 'summary_text', text })),
    encrypted_content: entry.encryptedContent,
  };
}
