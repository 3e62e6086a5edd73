/** The workflow id of a thread. */
export function toWorkflowId(threadId: string): string {
  return `thread/${threadId}`;
}

/** The workflow id of the ledger of a target. */
export function toLedgerWorkflowId(targetId: string): string {
  return `review-ledger/${targetId}`;
}

/** The prefix of a batch's id in its workflow id. */
export const BATCH_PREFIX = 'batch-review/';
