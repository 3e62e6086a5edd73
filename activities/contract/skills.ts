/** Skills. */
import type { OnWorkspace } from './steps.ts';

export interface ReadSkillStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  name: string;
  /** Relative to the folder of the skill; null: SKILL.md. */
  path: string | null;
  cwd: string;
}

export type ReadSkillStepResult =
  | { type: 'read'; output: string }
  /** It cannot be read; the reason is for the model. */
  | { type: 'refused'; reason: string }
  | { type: 'aborted' };
