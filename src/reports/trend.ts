/** The number of findings over time, batch by batch. */
import type { LedgerRun, LedgerView, RecordedTarget } from '../contract/index.ts';

/** The state of all targets after one batch. */
export interface TrendPoint {
  batchId: string;
  /** Time of its last run, in milliseconds since the epoch. */
  at: number;
  open: number;
  /** Includes reopened findings. */
  new: number;
  fixed: number;
}

/** The newest `most` points, oldest first. */
export function toTrend(targets: readonly Pick<RecordedTarget, 'ledger'>[], most: number): TrendPoint[] {
  const ledgers = toLedgers(targets);
  const batches = new Map<string, Omit<TrendPoint, 'open'>>();
  for (const run of ledgers.flatMap(({ runs }) => runs)) {
    const batchId = run.runId.replace(/\/[^/]*$/, '');
    const { at, new: found, fixed } = batches.get(batchId) ?? { at: run.at, new: 0, fixed: 0 };
    batches.set(batchId, { batchId, at: Math.max(at, run.at), ...addCounts({ new: found, fixed }, run) });
  }
  return [...batches.values()]
    .sort((one, other) => one.at - other.at)
    .slice(-most)
    .map((batch) => ({ ...batch, open: sum(ledgers.map((ledger) => openAt(ledger, batch.at))) }));
}

/** Each once, even if a target is listed twice. */
function toLedgers(targets: readonly Pick<RecordedTarget, 'ledger'>[]): LedgerView[] {
  return [...new Map(targets.flatMap(({ ledger }) => (ledger === null ? [] : [[ledger.targetId, ledger]]))).values()];
}

function addCounts(before: { new: number; fixed: number }, { counts }: LedgerRun): { new: number; fixed: number } {
  return { new: before.new + counts.new + counts.reopened, fixed: before.fixed + counts.fixed };
}

function openAt({ runs, runCount }: LedgerView, at: number): number {
  const last = runs.findLast((run) => run.at <= at);
  if (last !== undefined) return last.open;
  const first = runs[0];
  return first === undefined || runCount <= runs.length ? 0 : openBefore(first);
}

/** All that is known of runs that are no longer stored. */
function openBefore({ open, counts }: LedgerRun): number {
  return Math.max(0, open - counts.new - counts.reopened + counts.fixed);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
