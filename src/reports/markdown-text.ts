/** Foreign text as Markdown (GitHub's) that means nothing but itself: no markup, no link, nobody mentioned. */
import { toLine, toName } from './foreign-text.ts';

/** Of no width: it parts what would be read as one thing, and is not seen wherever the text is pasted. */
const PART = '\u200b';

/** One line of words. */
export function toWords(text: string, maxChars: number): string {
  return withoutMentions(toLine(text, maxChars))
    .replace(/[\\`*_~{}[\]()<>|$!&]/g, (mark) => `\\${mark}`)
    .replace(/^([-+#=:]|\d+(?=[.)]))/, (mark) => `${PART}${mark}`);
}

/** Text of code on one line; a word where there is none. A bar would end a cell of a table, so it must not stand in one. */
export function toCode(text: string, maxChars: number): string {
  return toCodeSpan(toLine(text, maxChars));
}

/** The name of a file as code, and what belongs to it. */
export function toFileCode(path: string, maxChars: number, suffix = ''): string {
  return toCodeSpan(`${toName(path, maxChars)}${suffix}`);
}

function toCodeSpan(line: string): string {
  if (line === '') return '(no name)';
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const blank = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${blank}${line}${blank}${fence}`;
}

/** The same Markdown, but `@name`, `#123`, `GH-123` and bare addresses are words like others. */
export function withoutMentions(text: string): string {
  return text
    .replace(/@(?=\S)/g, `@${PART}`)
    .replace(/#(?=\d)/g, `#${PART}`)
    .replace(/\bGH-(?=\d)/gi, (mark) => `${mark}${PART}`)
    .replace(/:(?=\/\/)/g, `:${PART}`)
    .replace(/\bwww\.(?=\S)/gi, (mark) => `${mark.slice(0, -1)}${PART}.`)
    .replace(/\b(mailto|xmpp):(?=\S)/gi, (mark) => `${mark}${PART}`);
}
