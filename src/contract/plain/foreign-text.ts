/**
 * Foreign text: text of a model, a command, a repository, a server or another user. Each medium shows it as data. This
 * file defines which characters deceive a reader and how they are spelled out, for every medium.
 */

/**
 * Control characters (C0, DEL, C1), lone surrogates, line separators, and everything without width on the screen:
 * direction marks, zero-width characters, tags, fillers. The one exception is the selector that makes an emoji
 * coloured.
 */
const DECEIVING =
  /(?!\ufe0f(?<=\p{Extended_Pictographic}\ufe0f))[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** The same without the exception, and blanks that look like a space but are not one to a shell or a parser. */
const INEXACT = /^(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `\n`, `\x1b` or `\u{202e}`. */
export function spellOut(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** Text of several lines: line feeds and tabs stay, every other deceiving character is spelled out. */
export function toVisible(text: string, spell = spellOut): string {
  return text.replace(DECEIVING, (character) => (isLayout(character) ? character : spell(character)));
}

/** The same on one line. */
export function toVisibleLine(text: string, spell = spellOut): string {
  return text.replace(DECEIVING, (character) => spell(character));
}

interface Token {
  text: string;
  /** The largest number of columns that it takes. */
  width: number;
}

/** One line of a text that a person decides about: every blank other than a space is spelled out. Tabs stay. */
function toTokens(line: string, spell: (character: string) => string): Token[] {
  return Array.from(line, (character) => {
    // A tab advances to the next tab stop.
    if (character === '\t') return { text: character, width: 8 };
    if (INEXACT.test(character)) return { text: spell(character), width: spellOut(character).length };
    return { text: character, width: character < '\x80' ? 1 : 2 };
  });
}

function isLayout(character: string): boolean {
  return character === '\n' || character === '\t';
}

/** A row of a text on a screen or a page. */
export interface Row {
  /** Number of the line that begins here, from 1; null if a long line continues. */
  line: number | null;
  text: string;
}

/**
 * The whole text, in rows that fit. Nothing is left out. With a prefix of ours on each row, no row can pass for the
 * text around it. @param columns of a screen; a character outside ASCII counts as two.
 */
export function toRows(text: string, columns: number, spell = spellOut): Row[] {
  return text.split('\n').flatMap((line, index) => breakLine(toTokens(line, spell), columns, index + 1));
}

function breakLine(tokens: readonly Token[], columns: number, line: number): Row[] {
  let row: Row = { line, text: '' };
  const rows = [row];
  let used = 0;
  for (const { text, width } of tokens) {
    if (used > 0 && used + width > columns) {
      row = { line: null, text: '' };
      rows.push(row);
      used = 0;
    }
    row.text += text;
    used += width;
  }
  return rows;
}

/** The beginning of a text and how much is left out; a character is never split. */
export function shorten(text: string, chars: number): { text: string; left: number } {
  if (text.length <= chars) return { text, left: 0 };
  const begun = text.slice(0, chars).replace(/[\ud800-\udbff]$/, '');
  return { text: begun, left: text.length - begun.length };
}

/** JSON for a person to read: the same value, with every deceiving character written as an escape. */
export function toVisibleJson(value: unknown, indent?: number): string {
  // Outside of its strings JSON has no such character except the line feeds of its layout; inside of them it has no
  // line feed.
  return JSON.stringify(value, null, indent).replace(DECEIVING, (character) =>
    character === '\n' ? character : character.replace(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  );
}
