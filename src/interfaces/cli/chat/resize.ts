/**
 * Erases a frame whose rows a narrower terminal has broken into more rows. Ink erases as many rows as it has drawn, and the rest
 * would stay on the screen.
 */
import stringWidth from 'string-width';
import type { Frame } from './frame.ts';

const ESC = '\u001b';

/** Terminals that cut rows at the edge instead. */
export function breaksAnew(env: Record<string, string | undefined>): boolean {
  return env['XTERM_VERSION'] === undefined && env['STY'] === undefined && env['TERM'] !== 'linux';
}

/** What to write. Afterwards the cursor is where it was in the frame, with room for as many rows as Ink takes for drawn. */
export function eraseBroken({ rows, cursor }: Frame, columns: number): string {
  const height = (row: string) => Math.max(1, Math.ceil(stringWidth(row) / columns));
  const above = rows.slice(0, cursor.y).reduce((sum, row) => sum + height(row), Math.floor(cursor.x / columns));
  // Line feeds make room at the end of the screen, where moving down does not.
  return `${up(above)}\r${ESC}[J${'\n'.repeat(rows.length)}${up(rows.length - cursor.y)}`;
}

function up(rows: number): string {
  return rows > 0 ? `${ESC}[${rows}A` : '';
}
