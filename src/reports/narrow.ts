/** Restricts a record to some targets. */
import type { BatchCounts, FindingCounts, RecordedTarget, ReviewRecord, Spent } from '../contract/index.ts';
import { NOTHING_SPENT, plus } from '../contract/plain/amounts.ts';

/** The counts of the batch are computed again for these targets. */
export function narrow(record: ReviewRecord, targetIds: readonly string[]): ReviewRecord {
  const targets = record.targets.filter(({ row }) => targetIds.includes(row.targetId));
  const counts: BatchCounts = { waiting: 0, running: 0, reviewed: 0, skipped: 0, notReviewed: 0, failed: 0 };
  for (const { row } of targets) counts[row.outcome.status] += 1;
  return {
    ...record,
    targets,
    batch: {
      ...record.batch,
      counts,
      findings: sumFindings(targets),
      ...sumOpen(record, targets),
      spent: sumSpent(targets),
    },
  };
}

function sumFindings(targets: readonly RecordedTarget[]): FindingCounts {
  const sum: FindingCounts = { new: 0, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 };
  for (const { row } of targets) {
    if (row.outcome.status !== 'reviewed') continue;
    const { counts } = row.outcome;
    for (const name of ['new', 'unchanged', 'reopened', 'fixed', 'dismissed'] as const) sum[name] += counts[name];
  }
  return sum;
}

/** Undefined in records of earlier releases. */
function sumOpen({ batch }: ReviewRecord, targets: readonly RecordedTarget[]): { open?: number } {
  if (batch.open === undefined) return {};
  return { open: targets.reduce((sum, { row }) => sum + (row.outcome.open ?? 0), 0) };
}

function sumSpent(targets: readonly RecordedTarget[]): Spent {
  const spent = targets.map(({ row: { outcome } }) => ('spent' in outcome ? outcome.spent : null) ?? NOTHING_SPENT);
  return spent.reduce(plus, NOTHING_SPENT);
}
