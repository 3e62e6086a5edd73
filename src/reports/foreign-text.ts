/**
 * Text that a model, a repository or a person wrote, and that a report shows. It may try to look like something else: control
 * characters, marks that turn the direction of what follows, halves of characters.
 */
import { toVisible as spelledOut } from '../contract/plain/foreign-text.ts';

const HALF_CHARACTER = /\p{Surrogate}/gu;

/** Text that can be encoded as UTF-8. */
export function toWellFormed(text: string): string {
  return text.replace(HALF_CHARACTER, '\ufffd');
}

/** Several lines: what deceives the eye is spelled out (`⟨U+202E⟩`), and each line ends with a line feed. */
export function toVisible(text: string): string {
  return spelledOut(toWellFormed(text).replace(/\r\n?/g, '\n'), toCodePoint);
}

function toCodePoint(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Marks and blanks of all kinds but the plain one: in the name of a file each of them counts, and none is seen. */
const UNSEEN = /(?! )[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** The name of a file on one line: what would not be seen in it is spelled out, and nothing is left out of its middle. */
export function toName(path: string, maxChars: number): string {
  return cut(toWellFormed(path).replace(UNSEEN, toCodePoint), maxChars);
}

/** Words on one line, of at most `maxChars` code units. */
export function toLine(text: string, maxChars: number): string {
  return cut(toVisible(text).replace(/\s+/g, ' ').trim(), maxChars);
}

/** Ends with an ellipsis where something is missing, and never in the middle of a character. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
