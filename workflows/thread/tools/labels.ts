/** The text that readers see of a tool call that runs or waits. */
import { shorten } from '../../../src/contract/plain/foreign-text.ts';
import { itemAt } from '../state/log.ts';
import type { ThreadState } from '../state/state.ts';

export function labelOf(state: ThreadState, index: number): string {
  const item = itemAt(state.log, index);
  if (item.type === 'mcpToolCall') return toLabel(`${item.server} ${item.tool}`);
  if (item.type === 'imageView') return toLabel(`view ${item.path}`);
  if (item.type === 'dynamicToolCall' && item.call !== null) return toLabel(item.call.name);
  return item.type === 'commandExecution' ? commandOf(state, index) : `${item.type} ${item.id}`;
}

export function commandOf(state: ThreadState, index: number): string {
  const item = itemAt(state.log, index);
  return item.type === 'commandExecution' ? toLabel(item.command) : '';
}

const LABEL_CHARS = 200;

function toLabel(text: string): string {
  const { text: begun, left } = shorten(text, LABEL_CHARS);
  return left === 0 ? text : `${begun}… (+${left} characters)`;
}
