/** The workflow id of a thread. */
export function toWorkflowId(threadId: string): string {
  return `thread/${threadId}`;
}
