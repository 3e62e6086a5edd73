/**
 * Text in a report that a model, a repository or a person wrote. It may try to deceive: with control characters, marks that
 * change the direction of text, halves of characters.
 */
import { toVisible as spelledOut } from '../contract/plain/foreign-text.ts';

const HALF_CHARACTER = /\p{Surrogate}/gu;

/** Makes text that can be encoded as UTF-8. */
export function toWellFormed(text: string): string {
  return text.replace(HALF_CHARACTER, '\ufffd');
}

/** Several lines: escapes deceptive characters (`⟨U+202E⟩`) and ends each line with a line feed. */
export function toVisible(text: string): string {
  return spelledOut(toWellFormed(text).replace(/\r\n?/g, '\n'), toCodePoint);
}

function toCodePoint(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Marks and all blanks except the plain space: in a file name they count, but cannot be seen. */
export const UNSEEN = /(?! )[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** The name of a file on one line: escapes invisible characters, and leaves nothing out of the middle. */
export function toName(path: string, maxChars: number): string {
  return cut(toWellFormed(path).replace(UNSEEN, toCodePoint), maxChars);
}

/** Text on one line, of at most `maxChars` code units. */
export function toLine(text: string, maxChars: number): string {
  return cut(toVisible(text).replace(/\s+/g, ' ').trim(), maxChars);
}

/** Ends with an ellipsis if something is missing. Never cuts a character. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
