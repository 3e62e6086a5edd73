/** Selects the findings of a record for a report and for the exit code. */
import type { LedgerFinding, RecordedTarget, ReviewPriority, ReviewRecord } from '../contract/index.ts';
import { FINDING_STATES } from '../contract/plain/finding-states.ts';

/** `new`: found for the first time, or again after it was fixed. `all`: also fixed and dismissed ones. */
export type Selection = 'new' | 'open' | 'all';
export const SELECTIONS: readonly Selection[] = ['new', 'open', 'all'];

export interface ReportedFinding {
  finding: LedgerFinding;
  /** The change in this batch, not in a later one; null if there was none. */
  change: LedgerFinding['change'];
  /** Index of its target in the record. */
  index: number;
}

/** The most urgent first, then the newest. Deterministic for a record. */
export function selectFindings(record: ReviewRecord, only: Selection): ReportedFinding[] {
  return record.targets
    .flatMap((target, index) => findingsOf(record, target, index))
    .filter((reported) => isSelected(reported, only))
    .sort(byUrgency);
}

/** A repeated target has its findings at the first one. */
function findingsOf(record: ReviewRecord, target: RecordedTarget, index: number): ReportedFinding[] {
  const { row, ledger } = target;
  if (ledger === null || isDuplicate(target)) return [];
  const runId = `${record.batch.batchId}/${row.index}`;
  const newest = ledger.runs.at(-1)?.runId === runId;
  return ledger.findings.map((finding) => ({
    finding,
    index,
    change: newest ? finding.change : changeBy(finding, runId),
  }));
}

export function isDuplicate({ row }: RecordedTarget): boolean {
  return row.outcome.status === 'skipped' && row.outcome.reason === 'duplicate';
}

/** A later run has changed the finding since, so the change of this run is derived from the times in it. */
function changeBy(finding: LedgerFinding, runId: string): LedgerFinding['change'] {
  if (finding.firstSeen.runId === runId) return 'new';
  return finding.fixed?.runId === runId ? 'fixed' : null;
}

function isSelected({ finding, change }: ReportedFinding, only: Selection): boolean {
  switch (only) {
    case 'new':
      return finding.state === 'open' && (change === 'new' || change === 'reopened');
    case 'open':
      return finding.state === 'open';
    case 'all':
      return true;
  }
}

const CHANGES = ['new', 'reopened', 'unchanged', null];

function byUrgency(one: ReportedFinding, other: ReportedFinding): number {
  return (
    FINDING_STATES.indexOf(one.finding.state) - FINDING_STATES.indexOf(other.finding.state) ||
    toPriority(one.finding.priority) - toPriority(other.finding.priority) ||
    CHANGES.indexOf(one.change) - CHANGES.indexOf(other.change) ||
    one.index - other.index ||
    compare(one.finding.location?.path ?? '', other.finding.location?.path ?? '') ||
    (one.finding.location?.startLine ?? 0) - (other.finding.location?.startLine ?? 0) ||
    compare(one.finding.findingId, other.finding.findingId)
  );
}

/** By code units, because a report must not depend on the machine's locale. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A finding without a priority counts as P3. */
export function toPriority(priority: ReviewPriority | null): ReviewPriority {
  return priority ?? 3;
}
