/**
 * Foreign text: text of a model, a command, a repository, a server or another user. It becomes text nodes, never HTML, and
 * characters that deceive a reader are spelled out.
 */
import { Component } from 'preact';
import { useState } from 'preact/hooks';
import { type Row, toRows, toVisible, toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { grouped } from '../../../contract/plain/plural.ts';

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

interface ExactProps {
  text: string;
  label: string;
  /** Colours the lines of a patch. */
  diff?: boolean;
  /** A long text shows its beginning until a person asks for the rest. Not for what a person decides about. */
  folds?: boolean;
}

/** The browser lays out only the blocks that are in view. */
const BLOCK_ROWS = 100;
const FOLDED_ROWS = 200;

/** Exact text with the number of each line. */
export class Exact extends Component<ExactProps, { isWhole: boolean }> {
  override state = { isWhole: false };

  override shouldComponentUpdate(next: ExactProps, { isWhole }: { isWhole: boolean }): boolean {
    return next.text !== this.props.text || isWhole !== this.state.isWhole;
  }

  override render() {
    const { text, label, diff = false, folds = false } = this.props;
    const rows = toRows(text.replace(/\n$/, ''), Infinity);
    const isFolded = folds && !this.state.isWhole && rows.length > 2 * FOLDED_ROWS;
    const shown = isFolded ? rows.slice(0, FOLDED_ROWS) : rows;
    const blocks = Array.from({ length: Math.ceil(shown.length / BLOCK_ROWS) }, (_, index) =>
      shown.slice(index * BLOCK_ROWS, (index + 1) * BLOCK_ROWS),
    );
    return (
      <>
        <pre class="exact" dir="ltr" role="group" aria-label={label} tabIndex={0}>
          {blocks.map((block, index) => (
            <span key={index} class="block" style={{ containIntrinsicBlockSize: `auto ${block.length * 1.35}rem` }}>
              {block.map((row, place) => toLine(row, place, diff))}
            </span>
          ))}
        </pre>
        {isFolded && (
          <button type="button" onClick={() => this.setState({ isWhole: true })}>
            Show all {grouped(rows.length)} lines
          </button>
        )}
      </>
    );
  }
}

function toLine({ text, line }: Row, key: number, diff: boolean) {
  return (
    <code key={key} class={diff ? kindOf(text) : ''} data-line={line}>
      {`${text}\n`}
    </code>
  );
}

function kindOf(line: string): string {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  if (line.startsWith('*** ')) return 'file';
  return line.startsWith('@@') ? 'place' : '';
}

const OUTPUT_CHARS = 20_000;

/** What a command has printed: its end, until a person asks for all of it. */
export function Output({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  if (text === '') return null;
  const left = isWhole ? 0 : Math.max(0, text.length - OUTPUT_CHARS);
  return (
    <>
      {left > 0 && (
        <button type="button" onClick={() => setWhole(true)}>
          Show the first {grouped(left)} characters
        </button>
      )}
      <pre class="output" dir="ltr" role="group" aria-label="Output" tabIndex={0}>
        {toVisible(text.slice(left))}
      </pre>
    </>
  );
}
