import type { BatchRow, BatchView } from './batch.ts';
import type { LedgerView } from './ledger.ts';

/** One target of a record: what became of it in the batch, and what is known of its findings by now. */
export interface RecordedTarget {
  row: BatchRow;
  /** Null for a target that was never reviewed. */
  ledger: LedgerView | null;
}

/** What every report is made from. */
export interface ReviewRecord {
  version: 1;
  /** When it was put together, in milliseconds since the epoch. */
  at: number;
  batch: BatchView;
  targets: RecordedTarget[];
}
