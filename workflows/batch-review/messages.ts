/** The messages of a batch, by their names on the wire. To stop one, cancel its workflow. */
import { defineQuery } from '@temporalio/workflow';
import type { BatchView, ClosedLedger, RowsPage } from '../../src/contract/index.ts';

export const batchQuery = defineQuery<BatchView>('batch');
/** Argument: `{ after, limit }`, both counts of rows, both optional. */
export const rowsQuery = defineQuery<RowsPage, [unknown]>('rows');

/** The same, of a run that has ended, as its last workflow task left it; also where that was by being terminated. */
export const closedBatchQuery = defineQuery<BatchView>('closedBatch');
export const closedRowsQuery = defineQuery<RowsPage, [unknown]>('closedRows');

/** Of the review of one target that has ended: what its ledger said then. Null if that was not read. */
export const closedLedgerQuery = defineQuery<ClosedLedger | null>('closedLedger');
