import type { ConversationEntry, ModelRequest } from '../../../../activities/ports.ts';

/**
 * Text that every endpoint takes. Half of a surrogate pair, which a model, a command or a cut may leave behind, is no
 * Unicode: strict endpoints refuse a request with one, and it would stand in every later request of its thread.
 */

/** An escape that stands for half of a pair, or for both halves. */
const ESCAPED_HALF = /\\u[dD][89a-fA-F]/;

/** The same JSON value with U+FFFD for each half of a pair, in every string of it, names of members included. */
function toWellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map(toWellFormed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.toWellFormed(), toWellFormed(member)]),
  ) as T;
}

export function toWellFormedRequest(request: ModelRequest): ModelRequest {
  return { ...toWellFormed(request), conversation: request.conversation.map(toWellFormedEntry) };
}

function toWellFormedEntry(entry: ConversationEntry): ConversationEntry {
  const whole = toWellFormed(entry);
  return whole.type === 'toolCall' ? { ...whole, arguments: toWellFormedJson(whole.arguments) } : whole;
}

/** The same for JSON as a text: it may name half of a pair by an escape, which its reader would put together. */
function toWellFormedJson(json: string): string {
  if (!ESCAPED_HALF.test(json)) return json;
  try {
    return JSON.stringify(toWellFormed(JSON.parse(json) as unknown));
  } catch {
    return json;
  }
}
