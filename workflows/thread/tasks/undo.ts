/**
 * `undo`: the newest regular turn is taken back, files and history in one step: what the activity has done to the files and
 * the end of the turn's part in the conversation are recorded together. Until then nothing is dropped, and asking again goes
 * on where a lost worker stopped.
 */
import { isRoot } from '../approvals.ts';
import { actionIds } from '../actions.ts';
import { dropTurns } from '../dropped-turns.ts';
import type { UndoEnd } from '../machine-events.ts';
import { isKnownSafe } from '../safe-commands.ts';
import type { ThreadState, TurnRecord, UndoTurn } from '../state.ts';
import { beginActive, endTurn, failTurn, quieten } from '../turns.ts';
import type { TaskKind } from './task.ts';

export const undo: TaskKind<UndoTurn> = {
  kind: 'undo',

  begin(state, at, turn) {
    const target = state.turns.findLast(({ kind }) => kind === 'regular') ?? null;
    return beginActive(state, at, turn, { kind: 'undo', target });
  },

  settle(state, at, turn) {
    if (turn.target !== null) return state;
    const message = `Thread ${state.threadId} has no turn that could be undone.`;
    return failTurn(state, at, turn, { code: 'nothingToUndo', message });
  },

  wants(state, { turnId, target }) {
    if (target === null) return [];
    const { firstItem, endItem, snapshot } = target;
    const commit = snapshot?.status === 'taken' ? snapshot.commit : null;
    const undone = { turnId: target.turnId, firstItem, endItem };
    return [{ type: 'undoFiles', id: actionIds.undo(turnId), turnId, cwd: state.settings.cwd, undone, commit }];
  },

  owns: (_, turn, actionId) => actionIds.undo(turn.turnId) === actionId,

  take(state, turn, event) {
    if (event.type !== 'undoEnded' || turn.target === null) return state;
    // Its files may be back already; asking again finds that nothing is left to do.
    if (turn.aborting !== null) return quieten(state, turn, event.id, true);
    return takeEnd(state, event.at, turn, turn.target, event.end);
  },
};

function takeEnd(state: ThreadState, at: number, turn: UndoTurn, target: TurnRecord, end: UndoEnd): ThreadState {
  switch (end.type) {
    case 'undone': {
      const { files } = end;
      const notUndone = [...toMissingRemark(state, target, end), ...end.notUndone, ...toCommandRemarks(state, end)];
      const said = { turnId: turn.turnId, dropped: [target.turnId], files, notUndone };
      return endTurn(dropTurns(state, at, { ...said, cause: 'undo' }), at, turn, { status: 'completed' });
    }
    case 'aborted': {
      const message = `The undo of turn ${target.turnId} was stopped by nobody in this thread. Ask for it again.`;
      return failTurn(state, at, turn, { code: 'internal', message });
    }
    case 'failed': {
      const { code, message } = end.failure;
      return failTurn(state, at, turn, { code, message });
    }
  }
}

type Undone = Extract<UndoEnd, { type: 'undone' }>;

/** A turn without a call changed nothing, so that it does not matter. */
function toMissingRemark(state: ThreadState, { snapshot }: TurnRecord, { called }: Undone): string[] {
  if (snapshot?.status === 'taken' || !called) return [];
  return [`Files are as the turn left them. There is no snapshot: ${snapshot?.reason ?? whyNone(state)}`];
}

function whyNone(state: ThreadState): string {
  return state.settings.snapshots ? 'the turn was not allowed to write.' : 'this thread takes none.';
}

function toCommandRemarks(state: ThreadState, { commands }: Undone): string[] {
  const root = state.settings.cwd;
  const doubtful = commands.filter(({ command, cwd }) => !isKnownSafe(command, isRoot(cwd, root)));
  return doubtful.map(({ command }) => `Effects elsewhere, if it had any, of: ${command}`);
}
