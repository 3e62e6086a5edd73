/** Chooses a thread with the arrow keys. Pure. */
import { type TerminalText, line, paint, toScreen } from '../text/terminal-text.ts';
import type { Key } from './editor.ts';
import type { ChatState, Picker, Step } from './state.ts';

/** Undefined for keys that are not of the list, which close it. */
export function pressInPicker(state: ChatState, picker: Picker, key: Key): Step | undefined {
  const { threads, at } = picker;
  const move = (to: number): Step => ({ state: { ...state, picker: { threads, at: to } }, out: [], effects: [] });
  if (key.name === 'up') return move(Math.max(0, at - 1));
  if (key.name === 'down') return move(Math.min(threads.length - 1, at + 1));
  const chosen = threads[at];
  if (key.name !== 'enter' || chosen === undefined) return undefined;
  const command = { name: 'resume' as const, argument: chosen.threadId };
  return { state: { ...state, picker: null }, out: [], effects: [{ type: 'slash', command }] };
}

/** The rows near the chosen one. */
export function pickerLines({ picker }: ChatState, columns: number, most: number): string[] {
  if (picker === null || most < 2) return [];
  const { threads, at } = picker;
  const room = most - 1;
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), threads.length - room));
  const rows = threads.slice(first, first + room).map((one, index) => toRow(one, first + index === at, columns));
  return [...rows, paint.dim('Up and Down, Enter chooses, another key closes the list')].map((row) =>
    clip(toScreen(row, columns)),
  );
}

/** A row is one line: the rest of a long title is left out. */
function clip(shown: string): string {
  return shown.split('\n')[0] ?? '';
}

function toRow(
  { threadId, title, status }: Picker['threads'][number],
  isChosen: boolean,
  columns: number,
): TerminalText {
  const text = `${isChosen ? '❯' : ' '} ${title.trim() || '(no title)'}`.slice(0, columns);
  const more = line`  ${paint.dim(`${status}, ${threadId}`)}`;
  return line`${isChosen ? paint.bold(text) : text}${more}`;
}
