/**
 * `redo`: takes back the newest undo, files and history in one step, as long as no other turn that talks with the model
 * has begun since.
 */
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import type { RedoneFiles } from '../../../activities/contract.ts';
import { actionIds } from '../state/actions.ts';
import { restoreTurns } from '../turns/dropped-turns.ts';
import type { Redo, RedoTurn, ThreadState } from '../state/state.ts';
import { retried, toSummary, workspaceIds } from '../state/steps.ts';
import { beginActive, endTurn, failTurn, onStepStopped, toTurnError } from '../turns/turns.ts';
import { type TaskKind, inWorkspace, onEndOf } from './task.ts';

const NO_FILES: RedoneFiles = { files: null, paths: [], morePaths: 0, notRedone: [] };

export const redo: TaskKind<RedoTurn> = {
  kind: 'redo',
  atRest: true,

  begin: (state, at, turn) =>
    beginActive(state, at, turn, { kind: 'redo', limited: false, target: state.redo?.at(-1) ?? null }),

  advance(state, at, turn) {
    if (turn.target === null) {
      const message = `Thread ${state.threadId} has no undo that could be taken back: ${whyNone(state)}.`;
      return failTurn(state, at, turn, { code: WORKFLOW_CODES.nothingToRedo, message });
    }
    return turn.target.files === null ? restore(state, at, turn, turn.target, NO_FILES) : state;
  },

  desiredActions(state, { turnId, target }) {
    if (!target?.files) return [];
    const { before, after } = target.files;
    const id = actionIds.redo(turnId);
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'redoFiles',
        input: { ...workspaceIds(state, id), cwd: state.settings.cwd, before, after },
        options: retried('30m'),
        summary: toSummary('redo', target.turnId),
        onWorkspace: true,
      },
    ];
  },

  phase: (state, { target }) => inWorkspace(state, { type: 'redoing', turnId: target?.turnId ?? '' }),

  onEvent: onEndOf('redoFiles', (state, turn: RedoTurn, { end, at, id }) => {
    const { target } = turn;
    if (target === null) return state;
    if (turn.aborting !== null) return onStepStopped(state, turn, id, true);
    if (end.type === 'done') return restore(state, at, turn, target, end.value);
    const stopped = `The redo of turn ${target.turnId} was stopped by nobody in this thread. Ask for it again.`;
    return failTurn(state, at, turn, toTurnError(end, stopped));
  }),
};

/** The list exists from the first undo on, and is emptied when the conversation continues differently. */
function whyNone({ redo }: ThreadState): string {
  if (redo === undefined) return 'no turn was undone';
  return 'the last one was taken back already, or another turn, a review, a compaction or a rollback came after it, from which on its files are not kept';
}

function restore(state: ThreadState, at: number, turn: RedoTurn, target: Redo, done: RedoneFiles): ThreadState {
  return endTurn(restoreTurns(state, at, turn.turnId, target, done), at, turn, { status: 'completed' });
}
