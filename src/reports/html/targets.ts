/** The table of targets; on a phone each row is a card. */
import type { RecordedTarget } from '../../contract/index.ts';
import { toDollars } from '../../contract/index.ts';
import { toLine } from '../foreign-text.ts';
import { describeOutcome, isUnknown } from '../outcome.ts';
import { withoutCredentials } from '../repository.ts';
import { type Markup, html } from './markup.ts';

export function toTargets(targets: readonly RecordedTarget[], names: readonly string[]): Markup {
  const rows = targets.map((target, index) => toRow(target, names[index] ?? ''));
  return html`<table class="targets">
    <thead>
      <tr>
        <th scope="col">Target</th>
        <th scope="col">Outcome</th>
        ${NUMBERS.map((name) => html`<th scope="col" class="number">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

const NUMBERS = ['Open', 'New', 'Back', 'Fixed', 'Dismissed', 'Cost'] as const;

function toRow(target: RecordedTarget, name: string): Markup {
  const { outcome, target: asked } = target.row;
  const { label, detail } = describeOutcome(outcome);
  const numbers = toNumbers(target);
  return html`<tr${isUnknown(target.row) ? html` class="unknown"` : null}>
<th scope="row"><bdi class="name">${name}</bdi><bdi class="repository">${toLine(withoutCredentials(asked.repository), 1_000)}</bdi></th>
<td class="outcome"><span class="status ${outcome.status}">${label}</span><span class="detail">${detail}</span></td>
${NUMBERS.map((column, index) => html`<td class="number" data-name="${column}">${numbers[index] ?? '–'}</td>`)}
</tr>`;
}

/** In the order of {@link NUMBERS}; null where nothing is known. */
function toNumbers({ row: { outcome }, ledger }: RecordedTarget): (string | number | null)[] {
  const open = ledger?.findings.filter(({ state }) => state === 'open').length ?? null;
  const spent = 'spent' in outcome && outcome.spent !== null ? toDollars(outcome.spent.costMicroUsd) : null;
  if (outcome.status !== 'reviewed') return [open, null, null, null, null, spent];
  const { counts } = outcome;
  return [open, counts.new, counts.reopened, counts.fixed, counts.dismissed, spent];
}
