/** Names on the wire that clients of any language use. */
export const WORKFLOW_TYPE = 'thread';
export const DEFAULT_TASK_QUEUE = 'bobbin';

export { toWorkflowId } from './plain/thread-workflow-id.ts';
