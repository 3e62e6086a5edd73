/** Markdown of a model as elements. HTML in it is shown as it is written, images are not loaded, and links show their address. */
import { type Token, type Tokens, lexer } from 'marked';
import type { ComponentChildren } from 'preact';
import { toVisible, toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { Foreign } from './text.tsx';

/** Longer texts are shown as they are: the time that a parser takes may grow faster than its text. */
const MAX_CHARS = 50_000;

export function Markdown({ text }: { text: string }) {
  if (text.length > MAX_CHARS) return <Foreign text={text} />;
  return (
    <div class="markdown" dir="auto">
      {lexer(text).map(toBlock)}
    </div>
  );
}

function toBlock(token: Token, key: number): ComponentChildren {
  switch (token.type) {
    case 'heading':
      // The headings of the page are its own.
      return (
        <p key={key} class="heading">
          {inside(token).map(toSpan)}
        </p>
      );
    case 'code':
      return (
        <pre key={key} dir="ltr" role="group" aria-label="Code" tabIndex={0}>
          <code>{toVisible((token as Tokens.Code).text)}</code>
        </pre>
      );
    case 'blockquote':
      return <blockquote key={key}>{inside(token).map(toBlock)}</blockquote>;
    case 'list':
      return toList(token as Tokens.List, key);
    case 'table':
      return toTable(token as Tokens.Table, key);
    case 'hr':
      return <hr key={key} />;
    case 'space':
      return null;
    case 'paragraph':
    case 'text':
      return <p key={key}>{inside(token).length > 0 ? inside(token).map(toSpan) : toSpan(token, 0)}</p>;
    default:
      return <Foreign key={key} text={token.raw} />;
  }
}

function toList({ ordered, start, items }: Tokens.List, key: number) {
  const entries = items.map((item, index) => <li key={index}>{item.tokens.map(toListPart)}</li>);
  return ordered ? (
    <ol key={key} start={Number(start)}>
      {entries}
    </ol>
  ) : (
    <ul key={key}>{entries}</ul>
  );
}

/** Text of an entry is no paragraph. */
function toListPart(token: Token, key: number): ComponentChildren {
  return token.type === 'text' && inside(token).length > 0 ? inside(token).map(toSpan) : toBlock(token, key);
}

function toTable({ header, rows }: Tokens.Table, key: number) {
  return (
    <table key={key}>
      <thead>
        <tr>
          {header.map((cell, index) => (
            <th key={index} scope="col">
              {cell.tokens.map(toSpan)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column}>{cell.tokens.map(toSpan)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inside(token: Token): Token[] {
  return 'tokens' in token ? (token.tokens ?? []) : [];
}

function toSpan(token: Token, key: number): ComponentChildren {
  switch (token.type) {
    case 'strong':
      return <strong key={key}>{inside(token).map(toSpan)}</strong>;
    case 'em':
      return <em key={key}>{inside(token).map(toSpan)}</em>;
    case 'del':
      return <del key={key}>{inside(token).map(toSpan)}</del>;
    case 'codespan':
      return <code key={key}>{toVisible((token as Tokens.Codespan).text)}</code>;
    case 'br':
      return <br key={key} />;
    case 'link':
      return toLink(token as Tokens.Link, key);
    case 'text':
    case 'escape':
      return inside(token).length > 0 ? inside(token).map(toSpan) : toVisible((token as Tokens.Text).text);
    default:
      return toVisible(token.raw);
  }
}

/** Only links to the web can be followed. Where a link leads is never hidden behind its words. */
function toLink({ href, text, raw, tokens }: Tokens.Link, key: number): ComponentChildren {
  const url = toWebAddress(href);
  if (url === null) return toVisible(raw);
  const link = (
    <a key={key} href={url} target="_blank" rel="noopener noreferrer">
      {text === href ? toVisibleLine(url) : tokens.map(toSpan)}
    </a>
  );
  return text === href ? link : [link, ` (${toVisibleLine(url)})`];
}

function toWebAddress(href: string): string | null {
  const url = URL.parse(href);
  return url !== null && ['http:', 'https:'].includes(url.protocol) ? url.href : null;
}
