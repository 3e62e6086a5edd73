/** The table of targets; on a phone each row is a card. */
import { toDollars } from '../../contract/plain/words/amount-words.ts';
import type { RecordedTarget } from '../../contract/index.ts';
import { toLine } from '../foreign-text.ts';
import { describeOutcome, isUnknown } from '../outcome.ts';
import { withoutSecrets } from '../../contract/plain/repository-address.ts';
import { type Markup, markup } from './markup.ts';

export interface NamedTarget {
  target: RecordedTarget;
  name: string;
}

const NUMBERS = ['Open', 'New', 'Back', 'Fixed', 'Dismissed', 'Cost'] as const;

export function toTargets(targets: readonly NamedTarget[]): Markup {
  const headings = NUMBERS.map((name) => markup`<th scope="col" class="number">${name}</th>`);
  return markup`<table class="targets">
<thead><tr><th scope="col">Target</th><th scope="col">Outcome</th>${headings}</tr></thead>
<tbody>${targets.map(toRow)}</tbody>
</table>`;
}

function toRow({ target, name }: NamedTarget): Markup {
  const { outcome, target: asked } = target.row;
  const { label, detail } = describeOutcome(outcome);
  const numbers = toNumbers(target);
  return markup`
<tr class="${isUnknown(target.row) ? 'unknown' : 'known'}">
<th scope="row">
<bdi class="name">${name}</bdi>
<bdi class="repository">${toLine(withoutSecrets(asked.repository), 1_000)}</bdi>
</th>
<td class="outcome"><span class="status ${outcome.status}">${label}</span> <span class="detail">${detail}</span></td>
${NUMBERS.map((column, index) => toNumberCell(column, numbers[index] ?? null))}
</tr>`;
}

function toNumberCell(column: string, value: string | number | null): Markup {
  return markup`<td class="number${value === null ? ' nothing' : ''}" data-name="${column}">${value ?? '–'}</td>`;
}

/** In the order of {@link NUMBERS}; null if unknown. */
function toNumbers({ row: { outcome }, ledger }: RecordedTarget): (string | number | null)[] {
  const open = ledger?.findings.filter(({ state }) => state === 'open').length ?? null;
  const spent = 'spent' in outcome && outcome.spent !== null ? toDollars(outcome.spent.costMicroUsd) : null;
  if (outcome.status !== 'reviewed') return [open, null, null, null, null, spent];
  const { counts } = outcome;
  return [open, counts.new, counts.reopened, counts.fixed, counts.dismissed, spent];
}
