import type { BatchRow, BatchView } from './batch.ts';
import type { LedgerView } from './ledger.ts';

/** What a ledger said when the review of its target ended; null for one of which no review was ever begun. */
export interface ClosedLedger {
  ledger: LedgerView | null;
}

/** One target of a record: what became of it in the batch, and what was known of its findings at its end. */
export interface RecordedTarget {
  row: BatchRow;
  /** Null for a target that was never reviewed. */
  ledger: LedgerView | null;
}

/** What every report is made from. */
export interface ReviewRecord {
  version: 1;
  /** When the batch ended, or the record of one that runs was put together, in milliseconds since the epoch. */
  at: number;
  batch: BatchView;
  targets: RecordedTarget[];
}
