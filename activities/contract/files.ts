/** Patches. */
import type { FileUpdateChange, SandboxMode } from '../../src/contract/index.ts';
import type { PathLead } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

export interface PatchStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  /** Number of the item that holds the patch. */
  index: number;
  cwd: string;
  sandbox: SandboxMode;
  /** Where its paths led when the model named them; left out if nowhere else. */
  leads?: PathLead[];
}

export type PatchStepResult = { type: 'applied'; changes: FileUpdateChange[] } | { type: 'aborted' };
