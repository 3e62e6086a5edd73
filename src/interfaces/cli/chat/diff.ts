/** A patch as coloured rows, whole. Every row has a margin, so no line of it can pass for one of Bobbin's. */
import { type TerminalText, paint, rowsOf } from '../text/terminal-text.ts';

export function renderDiff(patch: string): TerminalText[] {
  return patch.split('\n').flatMap((text, index) => rowsOf(text, String(index + 1)).map(colourOf(text)));
}

function colourOf(text: string): (row: TerminalText) => TerminalText {
  if (text.startsWith('+')) return paint.green;
  if (text.startsWith('-')) return paint.red;
  if (text.startsWith('*** ')) return paint.bold;
  if (text.startsWith('@@')) return paint.cyan;
  return (row) => row;
}
