/** Markdown of a model as lines for the terminal. Every line has the gutter of foreign text. */
import { type Token, type Tokens, lexer } from 'marked';
import { type Part, type TerminalText, line, linesOf, paint, quote, quoted } from '../text/terminal-text.ts';

/** Longer texts are shown as they are: the time that a parser takes may grow faster than its text. */
const MAX_CHARS = 50_000;

export function renderMarkdown(text: string): TerminalText[] {
  if (text.length > MAX_CHARS) return quoted(text);
  return blocks(lexer(text)).map((one) => quote(one));
}

function blocks(tokens: readonly Token[]): TerminalText[] {
  return tokens.flatMap((token) => BLOCKS[token.type]?.(token) ?? paragraph(token));
}

/** By type; others are paragraphs. */
const BLOCKS: Partial<Record<string, (token: Token) => TerminalText[]>> = {
  heading: (token) =>
    paragraph(token).map((one) => paint.bold(line`${paint.dim('#'.repeat((token as Tokens.Heading).depth))} ${one}`)),
  code: (token) => linesOf((token as Tokens.Code).text).map((one) => paint.cyan(line`    ${one}`)),
  blockquote: (token) => blocks(inside(token)).map((one) => paint.dim(line`> ${one}`)),
  list: (token) =>
    (token as Tokens.List).items.flatMap((item, index) => listItem(item, markOf(token as Tokens.List, index))),
  hr: () => [paint.dim('────')],
  space: () => [line``],
  // As they are: a comment of HTML must not be hidden.
  table: asWritten,
  html: asWritten,
  def: asWritten,
};

function asWritten({ raw }: Token): TerminalText[] {
  return linesOf(raw.trimEnd());
}

function paragraph(token: Token): TerminalText[] {
  const within = inside(token);
  return inline(within.length > 0 ? within : [token]);
}

function inside(token: Token): Token[] {
  return 'tokens' in token ? (token.tokens ?? []) : [];
}

function markOf({ ordered, start }: Tokens.List, index: number): string {
  return ordered ? `${Number(start) + index}.` : '•';
}

function listItem({ tokens }: Tokens.ListItem, mark: string): TerminalText[] {
  const indent = ' '.repeat(mark.length + 1);
  return blocks(tokens).map((one, index) => (index === 0 ? line`${mark} ${one}` : line`${indent}${one}`));
}

/** Text within a paragraph, as lines. */
function inline(tokens: readonly Token[]): TerminalText[] {
  const lines: TerminalText[] = [line``];
  for (const { text, style } of spans(tokens, (part) => line`${part}`)) {
    linesOf(text).forEach((one, index) => {
      const before = index === 0 ? (lines.pop() ?? line``) : line``;
      lines.push(line`${before}${style(one)}`);
    });
  }
  return lines;
}

interface Span {
  text: string;
  style: Style;
}
type Style = (part: Part) => TerminalText;

function spans(tokens: readonly Token[], style: Style): Span[] {
  return tokens.flatMap((token): Span[] => {
    if (token.type === 'codespan') return [{ text: textOf(token), style: (part) => paint.cyan(style(part)) }];
    if (token.type === 'br') return [{ text: '\n', style }];
    const own: Style = token.type === 'strong' ? (part) => paint.bold(style(part)) : style;
    const shown =
      inside(token).length > 0 && token.type !== 'image'
        ? spans(inside(token), own)
        : [{ text: textOf(token), style: own }];
    if (token.type !== 'link') return shown;
    // The place where a link leads is never hidden behind its words.
    const { href, text } = token as Tokens.Link;
    return href === text ? shown : [...shown, { text: ` (${href})`, style: (part) => paint.dim(style(part)) }];
  });
}

/** An image, a tag or a comment of HTML is shown as it is written. */
function textOf(token: Token): string {
  const isPlain = token.type === 'text' || token.type === 'codespan' || token.type === 'escape';
  return isPlain && 'text' in token && typeof token.text === 'string' ? token.text : token.raw;
}
