/** One finding: a line when folded, everything when open, and what a person decides about it. */
import { useState } from 'preact/hooks';
import type { LedgerFinding, LedgerMoment } from '../../../contract/index.ts';
import { toPriorityWord, toTitle } from '../../../reports/finding-words.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { Markdown } from '../base/markdown.tsx';
import { Moment } from '../base/moments.tsx';
import { Inline } from '../base/text.tsx';
import { toVisible } from '../../../contract/plain/foreign-text.ts';
import { Decide } from './decide.tsx';

interface Props {
  finding: LedgerFinding;
  /** Null if it is still there as before. */
  change: LedgerFinding['change'];
  targetId: string;
  /** Null if all findings are of one target. */
  targetName: string | null;
  onChange: () => void;
}

export function Finding({ finding, change, targetId, targetName, onChange }: Props) {
  const { priority, location, body, code, state } = finding;
  // Long lists draw what is read.
  const [isOpen, setOpen] = useState(false);
  const kind = state !== 'open' ? state : change === 'new' || change === 'reopened' ? change : null;
  return (
    <details
      class="finding"
      data-state={state}
      open={isOpen}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>
        <span class={`priority p${priority ?? 'none'}`}>{toPriorityWord(finding)}</span>
        <span class="words">
          <span class="title">
            <Inline text={toTitle(finding)} />
          </span>{' '}
          {kind !== null && <Chip tone={TONES[kind]}>{kind}</Chip>}
          <span class="place facts">
            {targetName !== null && (
              <>
                <Inline text={targetName} />{' '}
              </>
            )}
            {location !== null && <Inline text={`${location.path}:${toLines(location)}`} />}
          </span>
        </span>
      </summary>
      {isOpen && (
        <div class="body">
          <Markdown text={body} />
          {code !== null && code.text !== '' && <Code code={code} place={location} />}
          <Facts finding={finding} />
          <Decide finding={finding} targetId={targetId} onChange={onChange} />
        </div>
      )}
    </details>
  );
}

const TONES: Record<'new' | 'reopened' | 'fixed' | 'dismissed', Tone> = {
  ...({ new: 'warn', reopened: 'warn', fixed: 'good', dismissed: 'plain' } as const),
};

function toLines({ startLine, endLine }: { startLine: number; endLine: number }): string {
  return startLine === endLine ? String(startLine) : `${startLine}–${endLine}`;
}

interface CodeProps {
  code: NonNullable<LedgerFinding['code']>;
  place: LedgerFinding['location'];
}

/** Marks the lines of the place. */
function Code({ code, place }: CodeProps) {
  const lines = toVisible(code.text).replace(/\n$/, '').split('\n');
  return (
    <pre class="exact" dir="ltr" role="group" aria-label="Code" tabIndex={0}>
      {lines.map((line, index) => {
        const number = code.startLine + index;
        const isHit = place !== null && number >= place.startLine && number <= place.endLine;
        return (
          <code key={number} class={isHit ? 'hit' : ''} data-line={number}>
            {`${line}\n`}
          </code>
        );
      })}
    </pre>
  );
}

function Facts({ finding }: { finding: LedgerFinding }) {
  const { firstSeen, lastSeen, fixed, dismissal, reopenings, confidenceScore, findingId, state } = finding;
  return (
    <dl>
      <Fact label="first seen" moment={firstSeen} />
      {lastSeen.runId !== firstSeen.runId && <Fact label="last seen" moment={lastSeen} />}
      {fixed !== null && state === 'fixed' && <Fact label="fixed" moment={fixed} />}
      {dismissal !== null && (
        <div>
          <dt>dismissed</dt>
          <dd>
            <Moment at={dismissal.at} /> by <Inline text={dismissal.by} />: <Inline text={dismissal.why} />
          </dd>
        </div>
      )}
      {reopenings > 0 && (
        <div>
          <dt>came back</dt>
          <dd>{reopenings}×</dd>
        </div>
      )}
      {confidenceScore !== null && (
        <div>
          <dt>confidence</dt>
          <dd>{Math.round(confidenceScore * 100)} %</dd>
        </div>
      )}
      <div>
        <dt>id</dt>
        <dd>
          <code>{findingId}</code>
        </dd>
      </div>
    </dl>
  );
}

function Fact({ label, moment: { at, head } }: { label: string; moment: LedgerMoment }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <Moment at={at} /> at{' '}
        <code>
          <Inline text={head.slice(0, 10)} />
        </code>
      </dd>
    </div>
  );
}
