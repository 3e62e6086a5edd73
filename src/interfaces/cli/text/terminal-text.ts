/**
 * Text for the terminal, which can only be put together in one way: a plain string is foreign text, of which every character
 * that a terminal acts upon or does not show is spelled out. Colours come from here alone.
 */
import { shorten, spellOut, toRows, toVisible, toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { colours } from './colours.ts';
import { plural } from '../../../contract/plain/plural.ts';

const SHOWN = Symbol('terminal text');

/** Made in this file alone: its symbol cannot come out of JSON. */
export interface TerminalText {
  readonly [SHOWN]: string;
}

/** A string is foreign text on one line; its line feeds are spelled out, too. */
export type Part = string | number | TerminalText;

/** One line, of our own words and what is interpolated. */
export function line(strings: TemplateStringsArray, ...parts: readonly Part[]): TerminalText {
  return made(strings.map((text, index) => text + toTerminal(parts[index] ?? '')).join(''));
}

/** What may be written to the terminal. */
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

/** In colour, so that it differs from the same characters typed out. */
function spell(character: string): string {
  return colours.inverse(spellOut(character));
}

// ----------------------------------------------------------------------------------------------------- several lines

/** The lines of a foreign text, for lines that begin with words of ours. Tabs stay. */
export function linesOf(text: string): TerminalText[] {
  return text.split(/\r?\n/).map((one) => made(toVisible(one, spell)));
}

/**
 * Stands in front of each line of a foreign text, coloured or not, and of each row on which a long line goes on. No line of
 * ours begins with it, so nothing in such a text passes for a request or for a word of ours.
 */
const GUTTER = '│ ';

/** The lines of a foreign text that stands by itself. */
export function quoted(text: string): TerminalText[] {
  return linesOf(text).map(quote);
}

export function quote(foreign: Part): TerminalText {
  return made(`${GUTTER}${toTerminal(foreign)}`.trimEnd());
}

/** A line as it is written to a terminal of that many columns; as it is without a terminal. */
export function toScreen(part: Part, columns: number | undefined): string {
  const shown = toTerminal(part);
  const [first = '', ...others] = columns === undefined ? [shown] : wrap(shown, columns, 0);
  return [first, ...others.map((row) => GUTTER + row)].join('\n');
}

const COLOUR_OR_CHARACTER = /\u001b\[\d+m|[^]/gu; // eslint-disable-line no-control-regex

/** @param used columns of the first row that are taken. */
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

/** The first line of a foreign text, and how much there is beyond it. */
export function beginning(text: string, chars = Infinity): TerminalText {
  const [first = '', ...others] = text.split(/\r?\n/);
  const short = shortened(first, chars);
  return others.length === 0 ? short : line`${short} … (+${plural(others.length, 'line')})`;
}

/** The beginning of a line, and how much of it is left out. */
export function shortened(text: string, chars: number): TerminalText {
  const { text: begun, left } = shorten(text, chars);
  const shown = made(toVisible(begun, spell));
  return left === 0 ? shown : line`${shown}… (+${plural(left, 'character')})`;
}

/** Columns if the terminal does not say how many it has. */
const COLUMNS = 100;
export const FEWEST_COLUMNS = 20;

/**
 * All of a foreign text about which somebody decides. Each row stands behind words of ours, also where a long line goes on, so
 * that nothing in it passes for one of our lines. @param label in front of the first row; the number of each line for null.
 */
export function rowsOf(text: string, label: string | null): TerminalText[] {
  const columns = Math.max(FEWEST_COLUMNS, (process.stdout.isTTY ? process.stdout.columns : COLUMNS) - MARGIN - 1);
  return toRows(text, columns, spell).map((row, index) => {
    const front = label === null ? String(row.line ?? '') : index === 0 ? label : '';
    return made(`${front.padStart(MARGIN - 3)} | ${row.text}`);
  });
}

/** Columns in front of each row. */
const MARGIN = 14;

// ---------------------------------------------------------------------------------------------------------- a stream

export interface TextStream {
  /** What to write for the next piece; a character that two pieces share is put together again. */
  next(chunk: string): string;
  /** What ends a line that is not at its end, before something else is written. */
  interrupt(): string;
}

/** Makes foreign text that comes in pieces fit for the terminal, behind the gutter. */
export function createTextStream(columns: () => number | undefined): TextStream {
  let held = '';
  /** Columns of the row that are taken; 0 at the beginning of a line. */
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
