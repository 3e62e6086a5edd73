/**
 * Text for the terminal. A plain string is foreign text: every character that a terminal interprets or does not show is
 * escaped. Only this file adds colours.
 */
import { shorten, spellOut, toRows, toVisible, toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { colours } from './colours.ts';
import { plural } from '../../../contract/plain/plural.ts';

const SHOWN = Symbol('terminal text');

/** Only this file can make one: its symbol cannot come out of JSON. */
export interface TerminalText {
  readonly [SHOWN]: string;
  /** Not wrapped by us, so that a person can copy it. */
  readonly whole?: true;
}

/** A string is foreign text on one line; its line feeds are escaped too. */
export type Part = string | number | TerminalText;

/** One line: trusted text with interpolated parts. */
export function line(strings: TemplateStringsArray, ...parts: readonly Part[]): TerminalText {
  return made(strings.map((text, index) => text + toTerminal(parts[index] ?? '')).join(''));
}

export function toTerminal(part: Part): string {
  if (typeof part === 'object') return part[SHOWN];
  return toVisibleLine(String(part), spell);
}

export const paint = {
  bold: (part: Part) => made(colours.bold(toTerminal(part))),
  dim: (part: Part) => made(colours.dim(toTerminal(part))),
  red: (part: Part) => made(colours.red(toTerminal(part))),
  green: (part: Part) => made(colours.green(toTerminal(part))),
  yellow: (part: Part) => made(colours.yellow(toTerminal(part))),
  cyan: (part: Part) => made(colours.cyan(toTerminal(part))),
};

function made(shown: string): TerminalText {
  return { [SHOWN]: shown };
}

/** Inverted, so that an escape differs from the same characters in the text. */
function spell(character: string): string {
  return colours.inverse(spellOut(character));
}

// ----------------------------------------------------------------------------------------------------- several lines

/** The lines of a foreign text, for use after trusted text. Tabs stay. */
export function linesOf(text: string): TerminalText[] {
  return text.split(/\r?\n/).map((one) => made(toVisible(one, spell)));
}

/**
 * Precedes every line of a foreign text, and every row on which a long line continues. No line of Bobbin begins with it, so
 * foreign text cannot imitate a request or another line of Bobbin.
 */
const GUTTER = '│ ';

/** The lines of a foreign text, each after the gutter. */
export function quoted(text: string): TerminalText[] {
  return linesOf(text).map(quote);
}

export function quote(foreign: Part): TerminalText {
  return made(`${GUTTER}${toTerminal(foreign)}`.trimEnd());
}

/** A line of ours with a command for the person to copy, so not wrapped. Its foreign parts are words for a shell. */
export function toCopy(line: Part): TerminalText {
  return { ...made(toTerminal(line)), whole: true };
}

/** Wraps a line for a terminal of that many columns. Undefined: no terminal, so no wrapping. */
export function toScreen(part: Part, columns: number | undefined): string {
  const shown = toTerminal(part);
  if (typeof part === 'object' && part.whole === true) return shown;
  const [first = '', ...others] = columns === undefined ? [shown] : wrap(shown, columns, 0);
  return [first, ...others.map((row) => GUTTER + row)].join('\n');
}

const COLOUR_OR_CHARACTER = /\u001b\[\d+m|[^]/gu; // eslint-disable-line no-control-regex

/** @param used columns of the first row that are taken */
function wrap(shown: string, columns: number, used: number): string[] {
  const rows = [''];
  let taken = used;
  for (const [token] of shown.matchAll(COLOUR_OR_CHARACTER)) {
    const width = widthOf(token);
    if (taken + width > columns && taken > GUTTER.length) {
      rows.push('');
      taken = GUTTER.length;
    }
    rows.push(`${rows.pop() ?? ''}${token}`);
    taken += width;
  }
  return rows;
}

/** Columns that it takes at most. */
function widthOf(token: string): number {
  if (token.length > 2) return 0;
  if (token === '\t') return 8;
  return (token.codePointAt(0) ?? 0) < FIRST_WIDE ? 1 : 2;
}

/** No character before these (Hangul) is two columns wide. */
const FIRST_WIDE = 0x1100;

/** The first line of a foreign text, and the number of lines after it. */
export function beginning(text: string, chars = Infinity): TerminalText {
  const [first = '', ...others] = text.split(/\r?\n/);
  const short = shortened(first, chars);
  return others.length === 0 ? short : line`${short} … (+${plural(others.length, 'line')})`;
}

/** The beginning of a line, and the number of characters left out. */
export function shortened(text: string, chars: number): TerminalText {
  const { text: begun, left } = shorten(text, chars);
  const shown = made(toVisible(begun, spell));
  return left === 0 ? shown : line`${shown}… (+${plural(left, 'character')})`;
}

/** Columns if the output is no terminal. */
const COLUMNS = 100;
export const FEWEST_COLUMNS = 20;

/**
 * All of a foreign text that a person decides about. Every row has a margin, also where a long line continues, so that the
 * text cannot imitate a line of Bobbin. @param label of the first row; null: number the lines
 */
export function rowsOf(text: string, label: string | null): TerminalText[] {
  const columns = Math.max(FEWEST_COLUMNS, (process.stdout.isTTY ? process.stdout.columns : COLUMNS) - MARGIN - 1);
  return toRows(text, columns, spell).map((row, index) => {
    const front = label === null ? String(row.line ?? '') : index === 0 ? label : '';
    return made(`${front.padStart(MARGIN - 3)} | ${row.text}`);
  });
}

/** Columns before each row. */
const MARGIN = 14;

// ---------------------------------------------------------------------------------------------------------- a stream

export interface TextStream {
  /** Returns what to write for the next piece. Joins characters that are split between pieces. */
  next(chunk: string): string;
  /** Returns what ends an open line, before other output. */
  interrupt(): string;
}

/** Prepares foreign text that arrives in pieces for the terminal, after the gutter. */
export function createTextStream(columns: () => number | undefined): TextStream {
  let held = '';
  /** Columns of the row that are taken; 0 at the start of a line. */
  let taken = 0;
  const writeLine = (text: string): string => {
    if (text === '') return '';
    const begun = taken === 0 ? GUTTER : '';
    if (taken === 0) taken = GUTTER.length;
    const rows = wrap(text, columns() ?? Infinity, taken);
    const last = [...(rows.at(-1) ?? '').matchAll(COLOUR_OR_CHARACTER)].reduce((sum, [one]) => sum + widthOf(one), 0);
    taken = (rows.length === 1 ? taken : GUTTER.length) + last;
    return begun + rows.join(`\n${GUTTER}`);
  };
  return {
    next(chunk) {
      const text = held + chunk;
      held = /[\r\ud800-\udbff]$/.exec(text)?.[0] ?? '';
      const shown = toVisible(text.slice(0, text.length - held.length).replace(/\r\n/g, '\n'), spell);
      const [first = '', ...others] = shown.split('\n');
      let all = writeLine(first);
      for (const one of others) {
        taken = 0;
        all += `\n${writeLine(one)}`;
      }
      return all;
    },
    interrupt() {
      const end = taken === 0 ? '' : '\n';
      taken = 0;
      return end;
    },
  };
}
