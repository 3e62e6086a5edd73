/**
 * Foreign text: text of a model, a command, a repository, a server or another user. It becomes text nodes, never HTML, and
 * characters that deceive a reader are spelled out.
 */
import { Component } from 'preact';
import { toRows, toVisible, toVisibleLine } from '../../../contract/plain/foreign-text.ts';

/** Text of several lines. */
export function Foreign({ text }: { text: string }) {
  return (
    <div class="foreign" dir="auto">
      {toVisible(text)}
    </div>
  );
}

/** Text on one line. */
export function Inline({ text }: { text: string }) {
  return <bdi>{toVisibleLine(text)}</bdi>;
}

/** Exact text with the number of each line, whole. `diff` colours the lines of a patch. */
export class Exact extends Component<{ text: string; label: string; diff?: boolean }> {
  override shouldComponentUpdate(next: { text: string }): boolean {
    return next.text !== this.props.text;
  }

  override render() {
    const { text, label, diff = false } = this.props;
    const rows = toRows(text.replace(/\n$/, ''), Infinity);
    return (
      <pre class="exact" dir="ltr" role="region" aria-label={label} tabIndex={0}>
        {rows.map((row, index) => (
          <code key={index} class={diff ? kindOf(row.text) : ''} data-line={row.line}>
            {`${row.text}\n`}
          </code>
        ))}
      </pre>
    );
  }
}

function kindOf(line: string): string {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  if (line.startsWith('*** ')) return 'file';
  return line.startsWith('@@') ? 'place' : '';
}

/** What a command has printed: its end, if it is long. */
export function Output({ text }: { text: string }) {
  if (text === '') return null;
  return (
    <pre class="output" dir="ltr" role="region" aria-label="Output" tabIndex={0}>
      {toVisible(text)}
    </pre>
  );
}
