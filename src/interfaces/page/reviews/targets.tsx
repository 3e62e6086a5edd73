/** The targets of a batch, a page of them. */
import type { RecordedTarget, RowOutcome } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { describeOutcome } from '../../../reports/outcome.ts';
import { toHash } from '../base/address.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { Inline } from '../base/text.tsx';

interface Props {
  targets: readonly RecordedTarget[];
  names: readonly string[];
  /** Number of targets before the page. */
  after: number;
  more: boolean;
  onPage: (forward: boolean) => void;
}

const TONES: Record<RowOutcome['status'], Tone> = {
  ...({ waiting: 'plain', running: 'live', reviewed: 'good', skipped: 'plain' } as const),
  ...({ notReviewed: 'warn', failed: 'bad' } as const),
};

export function Targets({ targets, names, after, more, onPage }: Props) {
  return (
    <section aria-labelledby="targets">
      <h2 id="targets">Targets</h2>
      <table class="wide">
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">
              Open
            </th>
            <th scope="col" class="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {targets.map((target, index) => (
            <TargetRow key={target.row.index} target={target} name={names[index] ?? ''} />
          ))}
        </tbody>
      </table>
      {(after > 0 || more) && (
        <div class="buttons">
          <button type="button" disabled={after === 0} onClick={() => onPage(false)}>
            Previous
          </button>
          <span class="facts">
            {after + 1} to {after + targets.length}
          </span>
          <button type="button" disabled={!more} onClick={() => onPage(true)}>
            Next
          </button>
        </div>
      )}
    </section>
  );
}

function TargetRow({ target: { row, ledger }, name }: { target: RecordedTarget; name: string }) {
  const { outcome, targetId } = row;
  const { label, detail } = describeOutcome(outcome);
  const open = ledger?.findings.filter(({ state }) => state === 'open').length ?? outcome.open ?? null;
  const spent = 'spent' in outcome && outcome.spent !== null ? toDollars(outcome.spent.costMicroUsd) : null;
  return (
    <tr>
      <th scope="row">
        <a href={toHash({ at: 'target', id: targetId })}>
          <Inline text={name} />
        </a>
      </th>
      <td>
        <Chip tone={TONES[outcome.status]}>{label}</Chip>{' '}
        <span class="facts">
          <Inline text={detail} />
        </span>
      </td>
      <td class="number">{open ?? '–'}</td>
      <td class="number">{spent ?? '–'}</td>
    </tr>
  );
}
