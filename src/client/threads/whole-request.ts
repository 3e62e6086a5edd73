/** Restores the whole text of requests that were cut for transport. */
import type { Excerpt, Item, ThreadRequest } from '../../contract/index.ts';

/** @param readItem reads one item of a thread, by its number. */
export async function toWholeRequest(
  request: ThreadRequest,
  readItem: (threadId: string | null, index: number) => Promise<Item | undefined>,
): Promise<ThreadRequest> {
  if (!isCut(request) || request.itemId === null) return request;
  const item = await readItem(request.origin?.threadId ?? null, Number(request.itemId.slice('item_'.length)));
  if (request.type === 'fileChange' && item?.type === 'fileChange') return { ...request, patch: whole(item.patch) };
  if (request.type === 'mcpToolCall' && item?.type === 'mcpToolCall')
    return { ...request, arguments: whole(JSON.stringify(item.arguments, null, 2)) };
  return request;
}

function isCut(request: ThreadRequest): boolean {
  const excerpt =
    request.type === 'fileChange' ? request.patch : request.type === 'mcpToolCall' ? request.arguments : whole('');
  return excerpt === undefined || excerpt.text.length < excerpt.chars;
}

function whole(text: string): Excerpt {
  return { text, chars: text.length };
}
