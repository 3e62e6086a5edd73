/** What the model was shown of a thread: the requests that the offline model server recorded, in short words. */
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item } from '../../src/contract/index.ts';
import type { ModelServer } from '../../src/dev/model-server/server.ts';

/** An entry of a request's `input`, as far as it is looked at here. */
export interface WireEntry {
  type: string;
  role?: string;
  content?: { text: string }[];
}

/** What each request of this thread held, oldest first. */
export function inputsOf(at: { model: ModelServer }, thread: ThreadHandle, path = '/v1/responses'): WireEntry[][] {
  return at.model.requests.flatMap((request) => {
    const body = request.body as { prompt_cache_key?: string; input?: WireEntry[] };
    return request.path === path && body.prompt_cache_key === thread.threadId ? [body.input ?? []] : [];
  });
}

/** One short line for each entry: who says what, by the first line of it. Without what is told about the environment. */
export function shown(input: readonly WireEntry[] = []): string[] {
  return input.flatMap(({ type, role, content }) => {
    const text = (content ?? []).map((part) => part.text).join('');
    if (text.startsWith('<environment_context>')) return [];
    if (text.startsWith('<context_summary>')) return 'summary';
    if (text.startsWith('<context_summary_request>')) return 'summary request';
    return type === 'message' ? `${role ?? ''}: ${text.split('\n')[0] ?? ''}` : type;
  });
}

/** Every compaction of the thread's whole history, oldest first. */
export async function compactionsOf(thread: ThreadHandle): Promise<Extract<Item, { type: 'contextCompaction' }>[]> {
  const found: Extract<Item, { type: 'contextCompaction' }>[] = [];
  for await (const item of thread.items()) if (item.type === 'contextCompaction') found.push(item);
  return found;
}
