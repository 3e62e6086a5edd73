/** Tasks of the operator's own code. */
import type { TaskCall, TaskReport } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

export interface TaskStep extends OnWorkspace, Omit<TaskCall, 'input'> {
  /** The thread's id for this step. */
  actionId: string;
  /** Number of the item with the input; null if there is no input. */
  inputItem: number | null;
}

export type TaskStepResult = TaskReport | { type: 'aborted' };
