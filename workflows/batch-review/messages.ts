/** The messages of a batch. Their names are part of the wire. To stop a batch, cancel its workflow. */
import { defineQuery } from '@temporalio/workflow';
import type { BatchView, ClosedLedger, RowsPage } from '../../src/contract/index.ts';

export const batchQuery = defineQuery<BatchView>('batch');
/** Argument: `{ after, limit }`, both counts of rows, both optional. */
export const rowsQuery = defineQuery<RowsPage, [unknown]>('rows');

/** The same for a run that has ended, as of its last workflow task, even if it was terminated. */
export const closedBatchQuery = defineQuery<BatchView>('closedBatch');
export const closedRowsQuery = defineQuery<RowsPage, [unknown]>('closedRows');

/** For the ended review of one target: its ledger at that time. Null if the ledger was not read. */
export const closedLedgerQuery = defineQuery<ClosedLedger | null>('closedLedger');
