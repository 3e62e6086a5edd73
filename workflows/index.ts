/** Every workflow type a worker serves, by its name on the wire. */
export { agentIdentity } from './agent-identity/workflow.ts';
export { cleanStore } from './clean-store/workflow.ts';
export { host } from './host/workflow.ts';
export { readArchive } from './archive/workflow.ts';
export { reviewLedger } from './review-ledger/workflow.ts';
export { targetReview } from './batch-review/target-review.ts';
export { batchReview } from './batch-review/workflow.ts';
export { repositoryRules } from './repository-rules/on-workers.ts';
export { approvalRules } from './repository-rules/workflow.ts';
export { thread } from './thread/shell/workflow.ts';
