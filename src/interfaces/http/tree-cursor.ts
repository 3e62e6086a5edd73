/**
 * The place of a reader in the events of a tree, as the `id` of an event: the newest `seq` of the thread that is read, and of
 * each thread below it by the rest of its id. `12,1=30,1/2=4`
 */
import type { TreeCursor } from '../../contract/index.ts';

/** A number alone is the place in the thread that is read. */
export const CURSOR_PATTERN = /^\d{1,15}(,[\w.:@/-]{1,200}=\d{1,15})*$/;

export function writeCursor(rootId: string, cursor: TreeCursor): string {
  const below = Object.entries(cursor).filter(([threadId]) => threadId !== rootId);
  const parts = below.map(([threadId, seq]) => `,${threadId.slice(rootId.length + 1)}=${seq}`);
  return `${cursor[rootId] ?? 0}${parts.join('')}`;
}

/** @param text matches the pattern */
export function readCursor(rootId: string, text: string): TreeCursor {
  const [own, ...below] = text.split(',');
  const parts = below.map((part) => part.split('=') as [string, string]);
  return {
    [rootId]: Number(own),
    ...Object.fromEntries(parts.map(([rest, seq]) => [`${rootId}/${rest}`, Number(seq)])),
  };
}
