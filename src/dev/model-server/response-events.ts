/** The Responses wire format: output parts become whole items, and those the events of a stream. */
import { randomUUID } from 'node:crypto';
import { isObject } from '../loopback-http.ts';
import type { Segment } from './answer-text.ts';
import type { FailureEvent, OutputPart, Reasoning } from './script.ts';
import { seal } from './summary.ts';
import type { ToolCall } from './tool-calls.ts';

export interface Usage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** One event, and how long after the one before it is due, in milliseconds. */
export interface TimedEvent {
  event: { type: string } & Record<string, unknown>;
  gapMs: number;
}

export interface ResponsePlan {
  model: string;
  output: OutputPart[];
  inputTokens: number;
  cachedTokens: number;
  failure?: { as: FailureEvent; code: string };
}

type Item = { id: string; type: string; status: string } & Record<string, unknown>;
type Body = Record<string, unknown>;

const CHARACTERS_PER_TOKEN = 4;
/** Pieces of a text that is not paced: short enough to be several, few enough to be cheap. */
const SHORTEST_PIECE = 32;
const MOST_PIECES = 64;

export function toTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** The whole response as a body without streaming has it. */
export function toResponse(plan: ResponsePlan): Body {
  const head = toHead(plan.model);
  const output = plan.output.map(toItem);
  if (plan.failure !== undefined) return failed(head, output, plan.failure.code);
  return completed(head, output, toUsage(plan));
}

/** The answer to a request for a compaction: the messages of the user as they were, and one item for all the rest. */
export function toCompaction(body: Body, plan: ResponsePlan): Body {
  const input = Array.isArray(body['input']) ? (body['input'] as unknown[]) : [];
  const messages = input.filter((item) => isObject(item) && item['role'] === 'user');
  const summary = plan.output.map((part) => (part.type === 'message' ? textOf(part.segments) : '')).join('');
  const id = randomUUID().replaceAll('-', '');
  return {
    id: `resp_${id}`,
    object: 'response.compaction',
    created_at: Math.floor(Date.now() / 1000),
    output: [...messages, { id: `cmp_${id}`, type: 'compaction', encrypted_content: seal(summary) }],
    usage: toUsage(plan),
  };
}

/** All events of the stream, in order, numbered. */
export function toEvents(plan: ResponsePlan): TimedEvent[] {
  const head = toHead(plan.model);
  const opening = { ...head, status: 'in_progress', output: [] };
  const events: TimedEvent[] = [
    { gapMs: 0, event: { type: 'response.created', response: opening } },
    { gapMs: 0, event: { type: 'response.in_progress', response: opening } },
  ];
  const items = plan.output.map((part, index) => {
    const item = toItem(part);
    events.push(...itemEvents(part, item, index));
    return item;
  });
  events.push({ gapMs: 0, event: lastEvent(plan, head, items) });
  return events.map(({ event, gapMs }, index) => ({ gapMs, event: { ...event, sequence_number: index } }));
}

export function toSse(event: { type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function lastEvent(plan: ResponsePlan, head: Body, items: Item[]): TimedEvent['event'] {
  if (plan.failure === undefined) {
    return { type: 'response.completed', response: completed(head, items, toUsage(plan)) };
  }
  const { as, code } = plan.failure;
  if (as === 'error') return { type: 'error', code, message: failureMessage(code), param: null };
  return { type: 'response.failed', response: failed(head, items, code) };
}

function toHead(model: string): Body {
  return {
    id: `resp_${randomUUID().replaceAll('-', '')}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: null,
  };
}

function completed(head: Body, output: Item[], usage: Usage): Body {
  return { ...head, status: 'completed', output, usage };
}

function failed(head: Body, output: Item[], code: string): Body {
  return { ...head, status: 'failed', output, error: { code, message: failureMessage(code) } };
}

export function failureMessage(code: string): string {
  return `The Bobbin offline model server was told to fail with ${code}.`;
}

/** A message's text counts as output, and so does what a call is made of. */
function toUsage({ output, inputTokens, cachedTokens }: ResponsePlan): Usage {
  const outputTokens = toTokens(output.reduce((sum, part) => sum + sizeOf(part), 0));
  const thoughts = output.flatMap((part) => (part.type === 'reasoning' ? part.thoughts : []));
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: toTokens(thoughts.join('').length) },
    total_tokens: inputTokens + outputTokens,
  };
}

function sizeOf(part: OutputPart): number {
  if (part.type === 'reasoning') return part.thoughts.join('').length;
  return part.type === 'message' ? textOf(part.segments).length : JSON.stringify(part).length;
}

function textOf(segments: Segment[]): string {
  return segments.map(({ text }) => text).join('');
}

function toItem(part: OutputPart): Item {
  const id = randomUUID().replaceAll('-', '');
  const status = 'completed';
  if (part.type === 'message') {
    return {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      status,
      content: [toTextPart(textOf(part.segments))],
    };
  }
  if (part.type === 'reasoning') {
    const summary = summaryOf(part).map((text) => ({ type: 'summary_text', text }));
    return { id: `rs_${id}`, type: 'reasoning', status, summary, encrypted_content: seal(part.thoughts.join('\n')) };
  }
  if (part.type === 'web_search_call') {
    const { type, query } = part;
    return { id: `ws_${id}`, type, status, action: { type: 'search', query, queries: [query] } };
  }
  const { type, ...call } = part;
  const shape = part.type === 'local_shell_call' ? { action: { type: 'exec', command: part.command } } : call;
  return { id: `${ID_PREFIX[type]}_${id}`, type, status, call_id: `call_${id}`, ...shape };
}

const ID_PREFIX: Record<ToolCall['type'], string> = {
  function_call: 'fc',
  custom_tool_call: 'ctc',
  local_shell_call: 'lsh',
};

function summaryOf({ thoughts, summarised }: Reasoning): string[] {
  return summarised ? thoughts : [];
}

function toTextPart(text: string): object {
  return { type: 'output_text', text, annotations: [] };
}

function itemEvents(part: OutputPart, item: Item, outputIndex: number): TimedEvent[] {
  const opened = { ...item, status: 'in_progress', ...EMPTY[part.type] };
  return [
    { gapMs: 0, event: { type: 'response.output_item.added', output_index: outputIndex, item: opened } },
    ...contentEvents(part, { item_id: item.id, output_index: outputIndex }),
    { gapMs: 0, event: { type: 'response.output_item.done', output_index: outputIndex, item } },
  ];
}

/** What an item does not have yet when it is announced. */
const EMPTY: Record<OutputPart['type'], object> = {
  message: { content: [] },
  reasoning: { summary: [], encrypted_content: '' },
  function_call: { arguments: '' },
  custom_tool_call: { input: '' },
  local_shell_call: {},
  web_search_call: {},
};

function contentEvents(part: OutputPart, place: object): TimedEvent[] {
  switch (part.type) {
    case 'message':
      return textEvents(part.segments, { ...place, content_index: 0 });
    case 'reasoning':
      return summaryOf(part).flatMap((text, index) => summaryEvents(text, { ...place, summary_index: index }));
    case 'function_call':
      return deltaEvents('response.function_call_arguments', part.arguments, place, { arguments: part.arguments });
    case 'custom_tool_call':
      return deltaEvents('response.custom_tool_call_input', part.input, place, { input: part.input });
    case 'local_shell_call':
      return [];
    case 'web_search_call':
      return ['in_progress', 'searching', 'completed'].map((state) => ({
        gapMs: 0,
        event: { type: `response.web_search_call.${state}`, ...place },
      }));
  }
}

function deltaEvents(name: string, text: string, place: object, whole: object): TimedEvent[] {
  return [
    ...toPieces(text).map((delta) => ({ gapMs: 0, event: { type: `${name}.delta`, ...place, delta } })),
    { gapMs: 0, event: { type: `${name}.done`, ...place, ...whole } },
  ];
}

function summaryEvents(text: string, place: object): TimedEvent[] {
  const whole = { type: 'summary_text', text };
  const added = { type: 'response.reasoning_summary_part.added', ...place, part: { ...whole, text: '' } };
  const done = { type: 'response.reasoning_summary_part.done', ...place, part: whole };
  const deltas = deltaEvents('response.reasoning_summary_text', text, place, { text });
  return [{ gapMs: 0, event: added }, ...deltas, { gapMs: 0, event: done }];
}

function textEvents(segments: Segment[], place: object): TimedEvent[] {
  const text = textOf(segments);
  const deltas = segments.flatMap(toTimedPieces).map(({ delta, gapMs }) => ({
    gapMs,
    event: { type: 'response.output_text.delta', ...place, delta },
  }));
  return [
    { gapMs: 0, event: { type: 'response.content_part.added', ...place, part: toTextPart('') } },
    ...deltas,
    { gapMs: 0, event: { type: 'response.output_text.done', ...place, text } },
    { gapMs: 0, event: { type: 'response.content_part.done', ...place, part: toTextPart(text) } },
  ];
}

function toTimedPieces({ text, intervalMs }: Segment): { delta: string; gapMs: number }[] {
  if (intervalMs === undefined) return toPieces(text).map((delta) => ({ delta, gapMs: 0 }));
  const words = text.match(/\S+\s*/g) ?? [];
  return words.map((delta, index) => ({ delta, gapMs: index === 0 ? 0 : intervalMs }));
}

/** Whole code points, so that no piece is an invalid string of its own. */
function toPieces(text: string): string[] {
  const length = Math.max(SHORTEST_PIECE, Math.ceil(text.length / MOST_PIECES));
  return text.match(new RegExp(`[^]{1,${length}}`, 'gu')) ?? [];
}
