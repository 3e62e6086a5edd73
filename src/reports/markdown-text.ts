/** Foreign text as GitHub Markdown without markup, links and mentions. */
import { toLine, toName } from './foreign-text.ts';

/** Has no width: separates characters that would form a mention or link, and stays invisible where the text is pasted. */
const PART = '\u200b';

export function toWords(text: string, maxChars: number): string {
  return withoutMentions(toLine(text, maxChars))
    .replace(/[\\`*_~{}[\]()<>|$!&]/g, (mark) => `\\${mark}`)
    .replace(/^([-+#=:]|\d+(?=[.)]))/, (mark) => `${PART}${mark}`);
}

/** Code on one line. A bar would end a cell of a table, so code with one must not be in a table. */
export function toCode(text: string, maxChars: number): string {
  return toCodeSpan(toLine(text, maxChars));
}

/** The name of a file as code, with a suffix. */
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

/** The same Markdown, with `@name`, `#123`, `GH-123` and bare addresses as plain text. */
export function withoutMentions(text: string): string {
  return text
    .replace(/@(?=\S)/g, `@${PART}`)
    .replace(/#(?=\d)/g, `#${PART}`)
    .replace(/\bGH-(?=\d)/gi, (mark) => `${mark}${PART}`)
    .replace(/:(?=\/\/)/g, `:${PART}`)
    .replace(/\bwww\.(?=\S)/gi, (mark) => `${mark.slice(0, -1)}${PART}.`)
    .replace(/\b(mailto|xmpp):(?=\S)/gi, (mark) => `${mark}${PART}`);
}
