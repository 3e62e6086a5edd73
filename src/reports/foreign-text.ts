/**
 * Text that a model, a repository or a person wrote, and that a report shows. It may try to look like something else: control
 * characters, marks that turn the direction of what follows, halves of characters.
 */

/** Control characters but for tab and line feed, and the marks that change the direction of text. */
const DECEIVING =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g; // eslint-disable-line no-control-regex

const HALF_CHARACTER = /\p{Surrogate}/gu;

/** Text that can be encoded as UTF-8. */
export function toWellFormed(text: string): string {
  return text.replace(HALF_CHARACTER, '\ufffd');
}

/** Several lines: what deceives the eye is spelled out (`⟨U+202E⟩`), and each line ends with a line feed. */
export function toVisible(text: string): string {
  return toWellFormed(text)
    .replace(/\r\n?/g, '\n')
    .replace(DECEIVING, (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** The same on one line, of at most `maxChars` code units. */
export function toLine(text: string, maxChars: number): string {
  return cut(toVisible(text).replace(/\s+/g, ' ').trim(), maxChars);
}

/** Ends with an ellipsis where something is missing, and never in the middle of a character. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
