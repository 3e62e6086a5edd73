/**
 * How much of a request an endpoint would have in its prompt cache: the beginning that it shares, byte for byte, with an
 * earlier request under the same `prompt_cache_key`. Tools come first, then the instructions, then the input, as in what
 * a model reads.
 */
export interface PromptCache {
  /** Characters at the beginning that an earlier request had; remembers this one. */
  take(body: Record<string, unknown>): { shared: number; all: number };
}

/** Of one key: a conversation and a side request, such as one for a summary, do not drive each other out. */
const MAX_REQUESTS = 4;
/** Characters of all remembered requests. */
const MAX_CHARS = 16 * 1024 * 1024;

export function createPromptCache(maxChars = MAX_CHARS): PromptCache {
  /** Least recently used first; of each key the newest last. */
  const kept = new Map<string, string[]>();
  let chars = 0;
  const forgetOldest = () => {
    const oldest = kept.keys().next();
    if (oldest.done === true) return;
    for (const text of kept.get(oldest.value) ?? []) chars -= text.length;
    kept.delete(oldest.value);
  };
  return {
    take(body) {
      const key = JSON.stringify([body['model'], body['prompt_cache_key']]);
      const text = toPrompt(body);
      const known = kept.get(key) ?? [];
      const shared = Math.max(0, ...known.map((earlier) => commonLength(earlier, text)));
      const later = [...known, text];
      chars += text.length;
      if (later.length > MAX_REQUESTS) chars -= later.shift()?.length ?? 0;
      kept.delete(key);
      kept.set(key, later);
      while (chars > maxChars && kept.size > 0) forgetOldest();
      return { shared, all: text.length };
    },
  };
}

function toPrompt(body: Record<string, unknown>): string {
  const input: unknown[] = Array.isArray(body['input']) ? (body['input'] as unknown[]) : [body['input']];
  return [body['tools'] ?? [], body['text'] ?? null, body['instructions'] ?? '', ...input]
    .map((part) => JSON.stringify(part))
    .join('\n');
}

function commonLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let at = 0;
  while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  return at;
}
