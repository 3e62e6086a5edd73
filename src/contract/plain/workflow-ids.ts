/** The workflow id of a thread. */
export function toWorkflowId(threadId: string): string {
  return `thread/${threadId}`;
}

/** The workflow id of the ledger of a target. */
export function toLedgerWorkflowId(targetId: string): string {
  return `review-ledger/${targetId}`;
}

/** The workflow id of the agent identity of an account. */
export function toIdentityWorkflowId(account: string): string {
  return `agent-identity/${account}`;
}

/** The workflow id of the rules of a repository. Readable, and the same for no other repository. */
export function toRulesWorkflowId({ host, repository }: { host: string; repository: string }): string {
  return `approval-rules/${host}:${encodeURI(repository)}`;
}

/** The prefix of a batch's id in its workflow id. */
export const BATCH_PREFIX = 'batch-review/';
