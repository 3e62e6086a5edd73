/** How long a workflow task may take, and so how long a workflow waits for a worker that was killed in the middle of one. */
export const WORKFLOW_TASK_TIMEOUT = '5s';
