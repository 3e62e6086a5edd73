/** `ghost_snapshot`: takes a snapshot of the files now, instead of before the next change only. */
import { actionIds } from '../state/actions.ts';
import { dismissSnapshot, recordSnapshot } from '../turns/snapshots.ts';
import type { SnapshotTurn } from '../state/state.ts';
import { retried, toSummary, workspaceIds } from '../state/steps.ts';
import { beginActive, endTurn, failTurn, findTurn, onStepStopped, toTurnError } from '../turns/turns.ts';
import { type TaskKind, inWorkspace, onEndOf } from './task.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';

export const ghostSnapshot: TaskKind<SnapshotTurn> = {
  kind: 'ghost_snapshot',
  atRest: true,
  begin: (state, at, turn) => beginActive(state, at, turn, { kind: 'ghost_snapshot', limited: false }),
  advance: (state) => state,

  desiredActions(state, { turnId }) {
    const id = actionIds.snapshot(turnId);
    const { release } = state.snapshots;
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'takeSnapshot',
        input: { ...workspaceIds(state, id), cwd: state.settings.cwd, name: turnId, release },
        options: retried('5m'),
        summary: toSummary('snapshot', `before turn ${turnId}`),
        onWorkspace: true,
      },
    ];
  },

  phase: (state) => inWorkspace(state, { type: 'takingSnapshot' }),
  onEvent: onEndOf('takeSnapshot', (state, turn: SnapshotTurn, { end, at, id }) => {
    if (turn.aborting !== null) {
      const taken = end.type === 'done' && end.value.status === 'taken';
      return onStepStopped(taken ? dismissSnapshot(state, turn.turnId) : state, turn, id, true);
    }
    if (end.type !== 'done') {
      const stopped = `Snapshot ${turn.turnId} was stopped by nobody in this thread. Ask for it again.`;
      return failTurn(state, at, turn, toTurnError(end, stopped));
    }
    const made = end.value;
    if (made.status === 'skipped')
      return failTurn(state, at, turn, { code: WORKFLOW_CODES.snapshotUnavailable, message: made.reason });
    const recorded = recordSnapshot(state, at, turn, made);
    return endTurn(recorded, at, findTurn(recorded, turn.turnId) ?? turn, { status: 'completed' });
  }),
};
