/** A patch as a step, and what the history keeps of its end. */
import type { PathLead } from '../../../activities/ports.ts';
import type { FileUpdateChange, SandboxMode } from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import { itemAt } from '../state/log.ts';
import type { ThreadState } from '../state/state.ts';
import { type StepAction, type StepEnd, retried, toSummary, workspaceIds } from '../state/steps.ts';

interface Patch {
  cwd: string;
  sandbox: SandboxMode;
  leads?: PathLead[];
}

/** The patch itself is read from its item. */
export function toPatchStep(
  state: ThreadState,
  { turnId, index }: { turnId: string; index: number },
  patch: Patch,
): StepAction {
  const id = actionIds.tool(state.threadId, index);
  return {
    type: 'step',
    id,
    turnId,
    activity: 'applyPatch',
    input: { ...workspaceIds(state, id), index, ...patch },
    options: retried('5m'),
    summary: toSummary('patch', pathsOf(state, index)),
    onWorkspace: true,
  };
}

function pathsOf(state: ThreadState, index: number): string {
  const item = itemAt(state.log, index);
  return item.type === 'fileChange' ? item.changes.map(({ path }) => path).join(', ') : item.id;
}

export function toPatchResult(end: StepEnd<'applyPatch'>) {
  switch (end.type) {
    case 'done': {
      const { changes } = end.value;
      const output = `Done.\n${changes.map(describe).join('\n')}`;
      return { change: { status: 'completed' as const, changes, output }, proven: true };
    }
    case 'aborted':
      return {
        change: { status: 'aborted' as const, output: 'aborted by user; it may have been applied in part' },
        proven: true,
      };
    case 'failed':
      return { change: { status: 'failed' as const, output: end.failure.message }, proven: true };
  }
}

function describe({ kind, path, linesAdded, linesRemoved, unchanged }: FileUpdateChange): string {
  const note = unchanged ? ': nothing was written, it is like that already' : '';
  return `${kind} ${path} (+${linesAdded} -${linesRemoved})${note}`;
}
