/** The time limit of a workflow task. A workflow waits that long for a worker that was killed in the middle of one. */
export const WORKFLOW_TASK_TIMEOUT = '5s';
