/** Results of tools: bounded, with where to read the rest, and without characters that deceive a reader. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Excerpt, Item, ThreadRequest } from '../../contract/index.ts';
import { toVisibleJson } from '../../contract/plain/foreign-text.ts';
import { toRequestWords } from '../../contract/plain/words/request-words.ts';
import type { TurnState } from '../../client/threads/turn-state.ts';

/** Code units of an answer, of a text in a list, and of a page of such texts. */
const MAX_ANSWER_CHARS = 20_000;
const MAX_LISTED_CHARS = 2_000;
export const MAX_PAGE_CHARS = 40_000;

type Json = Record<string, unknown>;

/** The value as structured content, and as text for clients that know no structure. */
export function toResult(value: Json): CallToolResult {
  const text = toVisibleJson(value);
  return { content: [{ type: 'text', text }], structuredContent: JSON.parse(text) as Json };
}

export function toError(code: string, message: string): CallToolResult {
  return { ...toResult({ error: { code, message: cut(message, MAX_ANSWER_CHARS).text } }), isError: true };
}

/** The state of a turn, for a model that decides what to do next. */
export function toTurnResult(threadId: string, turnId: string, state: TurnState): CallToolResult {
  const place = { threadId, turnId };
  switch (state.status) {
    case 'working':
      return toResult({
        ...place,
        status: state.requests.length > 0 ? 'waitingForAnswer' : 'working',
        doing: state.message,
        ...(state.requests.length > 0 ? { requests: state.requests.map(describeRequest) } : {}),
        next:
          state.requests.length > 0
            ? 'A person, or who may approve, answers the requests: with the tool answer, or elsewhere. Then call wait.'
            : 'The thread works on by itself. Call wait to wait for it, or interrupt to stop it.',
      });
    case 'ended': {
      const { turn, review } = state;
      return toResult({
        ...place,
        status: turn.status,
        ...(turn.lastAgentMessage === null ? {} : { answer: bounded(turn.lastAgentMessage) }),
        ...(review === null ? {} : { review: shorten(review, MAX_LISTED_CHARS) }),
        ...(turn.status === 'failed' ? { error: turn.error } : {}),
        ...(turn.status === 'aborted' ? { reason: turn.reason, detail: turn.detail } : {}),
        seconds: Math.round(turn.durationMs / 1_000),
        tokens: turn.usage.totalTokens,
      });
    }
    case 'rejected':
      return toError(state.code, `The thread did not accept the turn: ${state.reason}`);
    case 'unknown':
      return toError('turnNotFound', `Thread ${threadId} has no turn ${turnId}.`);
  }
}

/** The exact text of what runs comes first. `cut`: how much of it is not here. */
export function describeRequest(request: ThreadRequest): Json {
  const { requestId, type } = request;
  const { title, text, facts } = toRequestWords(request);
  return {
    ...{ requestId, type, title },
    ...(text === null ? {} : { text: bounded(text.text, text.chars) }),
    about: Object.fromEntries(facts.map(([label, value]) => [label, cut(value, MAX_LISTED_CHARS).text])),
    ...(type === 'userInput' ? { questions: request.questions } : {}),
  };
}

/** One item of a page. Its long texts are cut; `read` with `item` has all of it. */
export function describeItem(item: Item): Json {
  return shorten(item, MAX_LISTED_CHARS) as Json;
}

/** A part of an item's JSON. */
export function pieceOf(item: Item, offset: number): Json {
  const text = toVisibleJson(item, 2);
  const end = Math.min(text.length, offset + MAX_ANSWER_CHARS);
  return { text: text.slice(offset, end), chars: text.length, ...(end < text.length ? { nextOffset: end } : {}) };
}

function bounded(text: string, chars = text.length): string {
  const { text: shown, left } = cut(text, MAX_ANSWER_CHARS);
  const missing = left + chars - text.length;
  return missing === 0 ? shown : `${shown}\n[CUT: ${missing} of ${chars} characters; the tool read shows the item]`;
}

function cut(text: string, max: number): Excerpt & { left: number } {
  const shown = text.length <= max ? text : text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  return { text: shown, chars: text.length, left: text.length - shown.length };
}

function shorten(value: unknown, max: number): unknown {
  if (typeof value === 'string') {
    const { text, left } = cut(value, max);
    return left === 0 ? value : `${text} [CUT: ${left} more characters]`;
  }
  if (Array.isArray(value)) {
    const [shown, more] = [value.slice(0, MAX_ENTRIES), value.length - MAX_ENTRIES];
    return [...shown.map((one) => shorten(one, max)), ...(more > 0 ? [`[CUT: ${more} more entries]`] : [])];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shorten(member, max)]));
}

/** Entries of a list in an item. */
const MAX_ENTRIES = 50;
