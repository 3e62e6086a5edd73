/** The texts of a finding that all formats and the terminal share. */
import type { LedgerFinding, ReviewRecord } from '../contract/index.ts';
import { toVisible } from './foreign-text.ts';

/** Without the priority that reviewers put before it, because each format shows the finding's priority. */
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

/** For all targets, reviewed by this batch or not. */
export function countOpen({ targets }: Pick<ReviewRecord, 'targets'>): number {
  const findings = targets.flatMap(({ ledger }) => ledger?.findings ?? []);
  return findings.filter(({ state }) => state === 'open').length;
}
