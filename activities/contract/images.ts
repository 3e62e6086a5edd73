/** Image files. */
import type { ImageRef, SandboxMode } from '../../src/contract/index.ts';
import type { OnWorkspace } from './steps.ts';

export interface ViewImageStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  /** As the model wrote it. */
  path: string;
  cwd: string;
  sandbox: SandboxMode;
}

export type ViewImageStepResult =
  | { type: 'viewed'; image: ImageRef; output: string }
  /** It cannot be seen; the reason is for the model. */
  | { type: 'refused'; reason: string }
  | { type: 'aborted' };
