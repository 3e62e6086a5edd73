/** Tasks of the operator's own code: what a turn of kind `custom` runs. */

/** One step of a task. */
export interface TaskCall {
  task: string;
  threadId: string;
  turnId: string;
  /** Absolute path of the workspace. */
  cwd: string;
  /** The text that came with the turn; empty if there was none. */
  input: string;
  /** Number of the step, from 1. */
  step: number;
  /** What the step before it returned for this one; null for the first. */
  state: unknown;
}

/** The end of a step. `state` is plain JSON. A message enters the history. */
export type TaskReport =
  | { type: 'next'; state: unknown; message: string | null }
  | { type: 'done'; message: string | null }
  /** It did not end when it was told to, and may still run. */
  | { type: 'left' };

export interface TaskPort {
  /**
   * Fails with `taskUnknown`, `taskFailed` and `taskUnavailable`. Ends soon after `signal` fires, also if the task does
   * not.
   */
  run(call: TaskCall, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<TaskReport>;
}
