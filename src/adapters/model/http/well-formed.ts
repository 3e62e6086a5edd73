import type { ConversationEntry, ModelRequest } from '../../../../activities/ports.ts';

/**
 * Makes text that every endpoint accepts. Half of a surrogate pair, which a model, a command or a cut may leave, is not valid
 * Unicode: strict endpoints refuse a request with one, and it would be in every later request of the thread.
 */

/** An escape for half of a pair, or for both halves. */
const ESCAPED_HALF = /\\u[dD][89a-fA-F]/;

/** The same JSON value with U+FFFD for each half of a pair, in all strings and names of members. */
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

/** The same for JSON text, which may contain half of a pair as an escape. */
function toWellFormedJson(json: string): string {
  if (!ESCAPED_HALF.test(json)) return json;
  try {
    return JSON.stringify(toWellFormed(JSON.parse(json) as unknown));
  } catch {
    return json;
  }
}
