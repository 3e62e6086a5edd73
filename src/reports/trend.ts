/** How the findings of all targets went, batch after batch. */
import type { LedgerRun, LedgerView, ReviewRecord } from '../contract/index.ts';

/** One batch, and all targets as they stood after it. */
export interface TrendPoint {
  batchId: string;
  /** Of its last run, in milliseconds since the epoch. */
  at: number;
  open: number;
  /** Those that came back are among the new. */
  new: number;
  fixed: number;
}

/** The newest `most` points, oldest first. */
export function toTrend(record: ReviewRecord, most: number): TrendPoint[] {
  const ledgers = toLedgers(record);
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

/** Each once, although a target may be listed twice. */
function toLedgers({ targets }: ReviewRecord): LedgerView[] {
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

/** Of runs that are kept no longer, this is all that can be told. */
function openBefore({ open, counts }: LedgerRun): number {
  return Math.max(0, open - counts.new - counts.reopened + counts.fixed);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
