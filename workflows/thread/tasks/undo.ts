/**
 * `undo`: takes back the newest regular turn, files and history in one step: the activity's changes to the files and
 * the removal of the turn from the conversation are recorded together. Until then nothing is removed, and a retry
 * continues where a lost worker stopped.
 */
import { isRoot } from '../approvals/policy.ts';
import { actionIds } from '../state/actions.ts';
import { undoTurns } from '../turns/dropped-turns.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import type { UndoneFiles } from '../../../activities/contract.ts';
import type { TurnError } from '../../../src/contract/index.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';
import { type ThreadState, type TurnRecord, type UndoTurn, decidesAnew } from '../state/state.ts';
import { type StepAction, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { beginActive, endTurn, failTurn, onStepStopped, toTurnError } from '../turns/turns.ts';
import { stopSessions } from '../tools/sessions.ts';
import { type TaskKind, inWorkspace, onEndOf } from './task.ts';

export const undo: TaskKind<UndoTurn> = {
  kind: 'undo',
  atRest: true,

  begin(state, at, turn) {
    const target = undoable(state);
    // What it left running is part of it; the clean-up comes before the step.
    const stopped = target === null ? state : stopSessions(state, target.turnId);
    return beginActive(stopped, at, turn, { kind: 'undo', limited: false, target });
  },

  advance(state, at, turn) {
    const refusal = refuseToUndo(state, turn.target);
    return refusal === null ? state : failTurn(state, at, turn, refusal);
  },

  desiredActions(state, { turnId, target }) {
    if (target === null) return [];
    const id = actionIds.undo(turnId);
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'undoFiles',
        input: { ...workspaceIds(state, id), ...toUndoInput(state, target) },
        options: retried('30m'),
        summary: toSummary('undo', target.turnId),
        onWorkspace: true,
      },
    ];
  },

  phase: (state, { target }) => inWorkspace(state, { type: 'undoing', turnId: target?.turnId ?? '' }),

  onEvent: onEndOf('undoFiles', (state, turn: UndoTurn, { end, at, id }) => {
    const { target } = turn;
    if (target === null) return state;
    // Its files may be restored already; a retry finds nothing left to do.
    if (turn.aborting !== null) return onStepStopped(state, turn, id, true);
    if (end.type === 'done') return drop(state, at, turn, target, end.value);
    const stopped = `The undo of turn ${target.turnId} was stopped by nobody in this thread. Ask for it again.`;
    return failTurn(state, at, turn, toTurnError(end, stopped));
  }),
};

/** The turn that an undo would take back now; null if there is none. */
export function undoable(state: ThreadState): TurnRecord | null {
  return state.turns.findLast(({ kind }) => kind === CONVERSATION) ?? null;
}

/** The reason why nothing of a turn can be undone; null if there is none. */
export function refuseToUndo({ threadId }: ThreadState, target: TurnRecord | null): TurnError | null {
  if (target === null)
    return { code: WORKFLOW_CODES.nothingToUndo, message: `Thread ${threadId} has no turn that could be undone.` };
  const { turnId, snapshot } = target;
  if (snapshot?.status !== 'missing' || snapshot.host === undefined) return null;
  const message = `The files of turn ${turnId} cannot be restored: its snapshot is on host ${snapshot.host}, where thread ${threadId} worked before it was moved. \`rollback\` removes the turn from the conversation only.`;
  return { code: WORKFLOW_CODES.snapshotElsewhere, message };
}

/** An undo that reports what it would do, and changes nothing. */
export function toPreview(state: ThreadState, target: TurnRecord): StepAction & { activity: 'undoFiles' } {
  const id = `preview/${target.turnId}`;
  return {
    type: 'step',
    id,
    activity: 'undoFiles',
    input: { ...workspaceIds(state, id), preview: true, ...toUndoInput(state, target) },
    options: retried('60s', 3),
    summary: toSummary('preview of an undo', target.turnId),
  };
}

function toUndoInput(state: ThreadState, { turnId, firstItem, endItem, snapshot, endedAt }: TurnRecord) {
  const [commit, after] = snapshot?.status === 'taken' ? [snapshot.commit, snapshot.after] : [null, undefined];
  // Runs of earlier releases are replayed without it.
  const isAsked = endedAt !== undefined && commit !== null && typeof after !== 'string' && decidesAnew(state);
  const undone = { turnId, firstItem, endItem, ...(isAsked ? { endedAt } : {}) };
  return { cwd: state.settings.cwd, undone, commit, ...(after === undefined ? {} : { after }) };
}

/** The parts that were not undone, for a person. */
export function toNotUndone(state: ThreadState, target: TurnRecord, undone: UndoneFiles): string[] {
  return [...toMissingRemark(state, target, undone), ...undone.notUndone, ...toCommandRemarks(state, undone)];
}

function drop(state: ThreadState, at: number, turn: UndoTurn, target: TurnRecord, undone: UndoneFiles): ThreadState {
  const { files, paths = [], morePaths = 0, redo = null } = undone;
  const notUndone = toNotUndone(state, target, undone);
  const said = { turnId: turn.turnId, dropped: [target.turnId], files, paths, morePaths, notUndone };
  return endTurn(undoTurns(state, at, { ...said, cause: 'undo' }, redo), at, turn, { status: 'completed' });
}

/** A missing snapshot does not matter for a turn without a call: it changed nothing. */
function toMissingRemark(state: ThreadState, { snapshot }: TurnRecord, { called }: UndoneFiles): string[] {
  if (snapshot?.status === 'taken' || !called) return [];
  return [`Files are as the turn left them. There is no snapshot: ${snapshot?.reason ?? whyNone(state)}`];
}

function whyNone(state: ThreadState): string {
  return state.settings.snapshots ? 'the turn was not allowed to write.' : 'this thread takes none.';
}

/** Number of commands that are listed. */
const SHOWN_COMMANDS = 50;
const SHOWN_CHARS = 300;

function toCommandRemarks(state: ThreadState, { commands, moreCommands = 0 }: UndoneFiles): string[] {
  const root = state.settings.cwd;
  const doubtful = commands.filter(({ command, cwd }) => !isKnownSafe(command, isRoot(cwd, root)));
  const named = doubtful
    .slice(0, SHOWN_COMMANDS)
    .map(({ command }) => `Effects elsewhere, if it had any, of: ${cut(command)}`);
  const more = doubtful.length - named.length + moreCommands;
  return more === 0 ? named : [...named, `Effects elsewhere, if they had any, of ${more} more commands.`];
}

function cut(command: string): string {
  return command.length > SHOWN_CHARS ? `${command.slice(0, SHOWN_CHARS)}…` : command;
}
