/** Converts a subset of Markdown to HTML: paragraphs, lists, code and emphasis. Links and images stay text. */
import { toVisible } from '../foreign-text.ts';
import { type Markup, markup } from './markup.ts';

export function toProse(markdown: string): Markup[] {
  const blocks = toVisible(markdown).split(/^ {0,3}```[^\n]*(?:\n|$)/m);
  return blocks.flatMap((block, index) =>
    index % 2 === 1 ? toCodeBlock(block) : block.split(/\n\s*\n/).flatMap(toBlock),
  );
}

function toCodeBlock(text: string): Markup[] {
  const code = text.replace(/\n$/, '');
  return code === '' ? [] : [markup`<pre class="quote" tabindex="0"><code>${code}</code></pre>`];
}

const BULLET = /^\s*(?:[-*+]|\d+[.)])\s+/;

function toBlock(block: string): Markup[] {
  const lines = block.split('\n').filter((line) => line.trim() !== '');
  const first = lines.findIndex((line) => BULLET.test(line));
  if (lines.length === 0) return [];
  if (first === -1) return [markup`<p dir="auto">${toInline(lines.join('\n'))}</p>`];
  const before = first === 0 ? [] : [markup`<p dir="auto">${toInline(lines.slice(0, first).join('\n'))}</p>`];
  return [
    ...before,
    markup`<ul>
      ${toEntries(lines.slice(first)).map((entry) => markup`<li dir="auto">${toInline(entry)}</li>`)}
    </ul>`,
  ];
}

/** A line without a bullet belongs to the previous entry. */
function toEntries(lines: readonly string[]): string[] {
  const entries: string[] = [];
  for (const line of lines) {
    if (BULLET.test(line) || entries.length === 0) entries.push(line.replace(BULLET, ''));
    else entries.push(`${entries.pop() ?? ''}\n${line.trim()}`);
  }
  return entries;
}

/** Code first, because it contains no emphasis. */
function toInline(text: string): Markup[] {
  return text.split(/(`+[^`]+`+)/).flatMap((part, index) => (index % 2 === 1 ? [toCodeSpan(part)] : toEmphases(part)));
}

function toCodeSpan(span: string): Markup {
  return markup`<code>${span.replace(/^`+|`+$/g, '').trim()}</code>`;
}

function toEmphases(text: string): Markup[] {
  return text
    .split(/\*\*([^*\n]+)\*\*/)
    .map((part, index) => (index % 2 === 1 ? markup`<strong>${part}</strong>` : markup`${part}`));
}
