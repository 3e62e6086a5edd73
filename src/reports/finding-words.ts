/** A finding in words: what every format and the terminal say of it alike. */
import type { LedgerFinding, ReviewRecord } from '../contract/index.ts';
import { toVisible } from './foreign-text.ts';

/** Without the priority that reviewers put in front: each format shows the one of the finding, once. */
export function toTitle({ title }: Pick<LedgerFinding, 'title'>): string {
  return (
    toVisible(title)
      .replace(/^\s*(\[P[0-3]\]\s*)+/, '')
      .trim() || 'A finding without words'
  );
}

/** `P1`; `P–` for one without a priority. */
export function toPriorityWord({ priority }: Pick<LedgerFinding, 'priority'>): string {
  return priority === null ? 'P–' : `P${priority}`;
}

/** Of all targets, whether this batch looked at them or not. */
export function countOpen({ targets }: Pick<ReviewRecord, 'targets'>): number {
  const findings = targets.flatMap(({ ledger }) => ledger?.findings ?? []);
  return findings.filter(({ state }) => state === 'open').length;
}
