/** The messages of a batch, by their names on the wire. To stop one, cancel its workflow. */
import { defineQuery } from '@temporalio/workflow';
import type { BatchView, RowsPage } from '../../src/contract/index.ts';

export const batchQuery = defineQuery<BatchView>('batch');
/** Argument: `{ after, limit }`, both counts of rows, both optional. */
export const rowsQuery = defineQuery<RowsPage, [unknown]>('rows');

export const BATCH_PREFIX = 'batch-review/';
/** A worker that is killed in the middle of a workflow task holds a workflow up for that long. */
export const WORKFLOW_TASK_TIMEOUT = '5s';
