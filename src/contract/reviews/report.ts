import type { BatchRow, BatchView } from './batch.ts';
import type { LedgerView } from './ledger.ts';

/** The ledger when the review of its target ended; null for a target whose review never began. */
export interface ClosedLedger {
  ledger: LedgerView | null;
}

/** One target of a record: its outcome in the batch, and its ledger at the end. */
export interface RecordedTarget {
  row: BatchRow;
  /** Null for a target that was never reviewed. */
  ledger: LedgerView | null;
}

/** The data of every report. */
export interface ReviewRecord {
  version: 1;
  /** When the batch ended, or when the record of a running one was made, in milliseconds since the epoch. */
  at: number;
  batch: BatchView;
  targets: RecordedTarget[];
}
