/** Names on the wire that clients of any language use. */
export const WORKFLOW_TYPE = 'thread';
export const DEFAULT_TASK_QUEUE = 'bobbin';

/** The workflow id of a thread. */
export function toWorkflowId(threadId: string): string {
  return `thread/${threadId}`;
}
