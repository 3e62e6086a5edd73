/** Reconstructs an earlier state of a ledger from its current one. Pure. */
import type { LedgerFinding, LedgerView } from '../../contract/index.ts';

/**
 * For the record of a batch that did not store it: a batch of an earlier release, or a target whose review never started.
 * Texts and places are those of today, and dismissals that were reversed since are lost. Null if it had no completed run.
 */
export function asOf(ledger: LedgerView, at: number): LedgerView | null {
  const runs = ledger.runs.filter((run) => run.at <= at);
  const runCount = ledger.runCount - (ledger.runs.length - runs.length);
  if (runCount === 0) return null;
  const newest = runs.at(-1);
  if (runs.length === ledger.runs.length) return { ...ledger, running: null, findings: findingsAt(ledger, at, true) };
  const { runId, head, rulesId } = newest ?? { runId: '', head: '', rulesId: '' };
  return {
    ...ledger,
    anchor: newest === undefined ? null : { runId, head, rulesId, at: newest.at },
    running: null,
    runCount,
    runs,
    findings: findingsAt(ledger, at, false),
  };
}

function findingsAt({ findings }: LedgerView, at: number, isNewest: boolean): LedgerFinding[] {
  return findings
    .filter(({ firstSeen }) => firstSeen.at <= at)
    .map((finding): LedgerFinding => {
      const fixed = finding.fixed !== null && finding.fixed.at <= at ? finding.fixed : null;
      const dismissal = finding.dismissal !== null && finding.dismissal.at <= at ? finding.dismissal : null;
      const state = dismissal !== null ? 'dismissed' : fixed !== null ? 'fixed' : 'open';
      return { ...finding, fixed, dismissal, state, change: isNewest ? finding.change : null };
    });
}
