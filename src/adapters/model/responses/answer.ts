/** Collects the output entries of one Responses stream; their events may come in any order. */
import type { ModelOutput, WebSearchAction } from '../../../../activities/ports.ts';
import type { AnswerMeter } from '../http/answer-limits.ts';
import { asCount, asObject, asObjects, asText } from '../http/json.ts';
import type { JsonObject } from '../http/json.ts';

interface Entry {
  /** The item as announced, or its final form. */
  item: JsonObject;
  done: boolean;
  /** Text, arguments or input from the deltas. */
  gathered: string;
}

export interface Answer {
  /** The entry of an event: its `output_index`, or the last entry if the endpoint omits it. */
  placeOf(event: JsonObject): number;
  announce(place: number, item: JsonObject): void;
  /** `type` is that of the item, for endpoints that announce no items. */
  append(place: number, type: string, delta: string): void;
  /** Of the tool that is called; empty if the endpoint has not announced it. */
  nameAt(place: number): string;
  /** Returns the assistant text that was in no delta. */
  finish(place: number, item: JsonObject): string;
  /** The entries in order. `listed` is the endpoint's list, for entries that no event finished. */
  outputs(listed: unknown, whole: boolean): ModelOutput[];
}

export function createAnswer(meter: AnswerMeter): Answer {
  const entries = new Map<number, Entry>();
  const entryAt = (place: number): Entry => {
    let entry = entries.get(place);
    if (entry === undefined) {
      meter.open(place);
      entry = { item: {}, done: false, gathered: '' };
      entries.set(place, entry);
    }
    return entry;
  };
  const finish = (place: number, item: JsonObject): string => {
    const entry = entryAt(place);
    meter.set(place, contentOf(item) || entry.gathered);
    const unseen = entry.gathered === '' && item.type === 'message' ? textOf(item) : '';
    Object.assign(entry, { item, done: true });
    return unseen;
  };
  return {
    placeOf: (event) => asCount(event.output_index) ?? nextPlace(entries, event),
    announce: (place, item) => (entryAt(place).item = item),
    append(place, type, delta) {
      meter.add(place, delta);
      const entry = entryAt(place);
      entry.gathered += delta;
      entry.item.type ??= type;
    },
    nameAt: (place) => asText(entries.get(place)?.item.name) ?? '',
    finish,
    outputs(listed, whole) {
      asObjects(listed).forEach((item, place) => {
        if (entries.get(place)?.done !== true) finish(place, item);
      });
      const inOrder = [...entries].sort(([a], [b]) => a - b).map(([, entry]) => entry);
      return inOrder.map((entry) => toOutput(entry, whole)).filter((output) => output !== undefined);
    },
  };
}

function nextPlace(entries: Map<number, Entry>, event: JsonObject): number {
  const last = Math.max(-1, ...entries.keys());
  if (event.type === 'response.output_item.added') return last + 1;
  return entries.get(last)?.done === false ? last : last + 1;
}

/**
 * Leaves out incomplete tool calls, because incomplete arguments must not run, and incomplete reasoning, which no endpoint
 * takes back. Ignores unknown types.
 */
function toOutput({ item, done, gathered }: Entry, whole: boolean): ModelOutput | undefined {
  const isCut = !whole && (!done || item.status === 'incomplete');
  switch (item.type) {
    case 'message': {
      const text = textOf(item) || gathered;
      return text === '' ? undefined : { type: 'message', text };
    }
    case 'reasoning':
      return isCut ? undefined : toReasoning(item);
    case 'function_call':
      return isCut ? undefined : toToolCall(item, argumentsOf(item) || gathered);
    case 'custom_tool_call':
      return isCut ? undefined : toToolCall(item, JSON.stringify({ input: asText(item.input) ?? gathered }));
    case 'web_search_call':
      return isCut ? undefined : { type: 'webSearch', action: toSearchAction(asObject(item.action)) };
    default:
      return undefined;
  }
}

function toSearchAction({ type, query, queries, url, pattern }: JsonObject = {}): WebSearchAction {
  const page = asText(url);
  if (type === 'search') {
    const several = Array.isArray(queries) ? queries.flatMap((one) => asText(one) ?? []) : [];
    return { type: 'search', queries: several.length > 0 ? several : [asText(query) ?? ''] };
  }
  if (type === 'open_page' && page !== undefined) return { type: 'openPage', url: page };
  if (type === 'find_in_page' && page !== undefined)
    return { type: 'findInPage', url: page, pattern: asText(pattern) ?? '' };
  return { type: 'other' };
}

function toReasoning(item: JsonObject): ModelOutput {
  const id = asText(item.id);
  const encryptedContent = asText(item.encrypted_content);
  return {
    type: 'reasoning',
    ...(id === undefined ? {} : { id }),
    summary: summaryOf(item),
    ...(encryptedContent === undefined ? {} : { encryptedContent }),
  };
}

function toToolCall(item: JsonObject, args: string): ModelOutput {
  const callId = asText(item.call_id) ?? asText(item.id);
  const name = asText(item.name);
  if (callId === undefined || name === undefined) throw new MalformedEntry('a tool call without call_id or name');
  return { type: 'toolCall', callId, name, arguments: args };
}

/** An entry that cannot be parsed; the reader of the stream converts it to a failure. */
export class MalformedEntry extends Error {}

function textOf(item: JsonObject): string {
  return asObjects(item.content)
    .map((part) => asText(part.text) ?? asText(part.refusal) ?? '')
    .join('');
}

function argumentsOf(item: JsonObject): string {
  if (typeof item.arguments === 'object' && item.arguments !== null) return JSON.stringify(item.arguments);
  return asText(item.arguments) ?? '';
}

function summaryOf(item: JsonObject): string[] {
  return asObjects(item.summary).flatMap((part) => asText(part.text) ?? []);
}

/** The stored text of an item, for its size. */
function contentOf(item: JsonObject): string {
  const texts = [textOf(item), argumentsOf(item), asText(item.input), asText(item.encrypted_content)];
  return [...texts, ...summaryOf(item)].filter((text) => text !== undefined).join('');
}
