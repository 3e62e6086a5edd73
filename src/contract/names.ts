/** Names on the wire that clients of any language use. */
export const WORKFLOW_TYPE = 'thread';
export const DEFAULT_TASK_QUEUE = 'bobbin';

export { BATCH_PREFIX, toLedgerWorkflowId, toWorkflowId } from './plain/workflow-ids.ts';
