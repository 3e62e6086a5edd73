/**
 * Foreign text for the Temporal UI: summaries are one line, details are Markdown. Foreign text is never markup in
 * either, and shows what was left out.
 */
import { shorten, toRows, toVisibleLine } from '../../src/contract/plain/foreign-text.ts';

/**
 * Secrets in commands and addresses: a password in a URL, a bearer token, a value whose name says that it is secret.
 */
const SECRETS: readonly [RegExp, string][] = [
  [/(\w:\/\/)[^\s/@:]*:[^\s/@]+@/g, '$1…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  [/((?:token|secret|password|passwd|api[_-]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"'&;]+)/gi, '$1…'],
];
/** UTF-16 units of a text that are searched for secrets. */
const SEARCHED = 16_000;

/**
 * The first line with content, at most `chars` UTF-16 units long, without secrets. It ends with a note on what is left
 * out.
 */
export function firstLine(text: string, chars: number): string {
  const lines = text.split(/[\r\n]+/).filter((part) => part.trim() !== '');
  const whole = (lines[0] ?? '').trim();
  const hidden = SECRETS.reduce((line, [pattern, instead]) => line.replace(pattern, instead), whole.slice(0, SEARCHED));
  return cutTo(toVisibleLine(hidden), chars, {
    chars: whole.length - Math.min(whole.length, SEARCHED),
    lines: lines.length - 1,
  });
}

/** One line and the note on the rest, together within `chars`. */
function cutTo(line: string, chars: number, left: { chars: number; lines: number }): string {
  const end = (more: number) => {
    const words = [
      ...(more > 0 ? [count(more, 'character')] : []),
      ...(left.lines > 0 ? [count(left.lines, 'line')] : []),
    ];
    return words.length === 0 ? '' : ` (+${words.join(', ')})`;
  };
  if (line.length + left.chars + end(left.chars).length <= chars) return `${line}${end(left.chars)}`;
  const room = Math.max(0, chars - end(line.length + left.chars).length - 1);
  const { text, left: more } = shorten(line, room);
  return `${text}…${end(more + left.chars)}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The same as a code span of Markdown; empty for an empty text. */
export function codeSpan(text: string, chars: number): string {
  const line = firstLine(text, chars);
  return line === '' ? '' : literalSpan(line);
}

/** A code span of the unchanged text, on one line. */
export function literalSpan(text: string): string {
  const line = toVisibleLine(text);
  const fence = fenceFor(line);
  const blank = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${blank}${line}${blank}${fence}`;
}

/** One line of text that contains no Markdown. */
export function words(text: string, chars: number): string {
  return firstLine(text, chars).replace(/[\\`*~[\]<&$]|(?<!\w)_|_(?!\w)|^#/g, (mark) => `\\${mark}`);
}

/** Columns of a block of code: wider rows would need sideways scrolling. */
const COLUMNS = 72;

/**
 * A block of code with a number in front of each line, within `chars` of Markdown. It hides nothing: neither secrets
 * nor the right end of long lines.
 * @param chars UTF-16 units of Markdown, at most.
 * @returns its lines, and how many characters of the text are missing.
 */
export function codeBlock(text: string, chars: number): { lines: string[]; left: number } {
  let shown = shorten(text, chars);
  let lines = toBlock(shown.text);
  while (shown.text !== '' && sizeOf(lines) > chars) {
    shown = shorten(text, Math.floor(shown.text.length / 2));
    lines = toBlock(shown.text);
  }
  return { lines, left: shown.left };
}

function toBlock(text: string): string[] {
  const rows = toRows(text, COLUMNS);
  const digits = String(rows.filter(({ line }) => line !== null).length).length;
  const numbered = rows.map(({ line, text: row }) => `${String(line ?? '').padStart(digits)} | ${row}`);
  // After its number no line can end the block.
  return ['```text', ...numbered, '```'];
}

function sizeOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}

/** More backticks than the text has in a row. */
function fenceFor(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return '`'.repeat(longest + 1);
}
