/** `ghost_snapshot`: the files as they stand are kept now, and not only before the next change. */
import { actionIds } from '../state/actions.ts';
import { dismissSnapshot, recordSnapshot } from '../turns/snapshots.ts';
import type { SnapshotTurn } from '../state/state.ts';
import { beginActive, endTurn, failTurn, findTurn, quieten } from '../turns/turns.ts';
import { type TaskKind, inWorkspace } from './task.ts';

export const ghostSnapshot: TaskKind<SnapshotTurn> = {
  kind: 'ghost_snapshot',
  atRest: true,
  begin: (state, at, turn) => beginActive(state, at, turn, { kind: 'ghost_snapshot', limited: false }),
  settle: (state) => state,

  wants(state, { turnId }) {
    const { release } = state.snapshots;
    return [{ type: 'takeSnapshot', id: actionIds.snapshot(turnId), turnId, cwd: state.settings.cwd, release }];
  },

  phase: (state) => inWorkspace(state, { type: 'takingSnapshot' }),
  owns: (_, turn, actionId) => actionIds.snapshot(turn.turnId) === actionId,

  take(state, turn, event) {
    if (event.type !== 'snapshotEnded') return state;
    const { end, at, id } = event;
    if (turn.aborting !== null) {
      const left = end.status === 'taken' ? dismissSnapshot(state, turn.turnId) : state;
      return quieten(left, turn, id, true);
    }
    switch (end.status) {
      case 'taken': {
        const recorded = recordSnapshot(state, at, turn, end);
        return endTurn(recorded, at, findTurn(recorded, turn.turnId) ?? turn, { status: 'completed' });
      }
      case 'skipped':
        return failTurn(state, at, turn, { code: 'snapshotUnavailable', message: end.reason });
      case 'aborted': {
        const message = `Snapshot ${turn.turnId} was stopped by nobody in this thread. Ask for it again.`;
        return failTurn(state, at, turn, { code: 'internal', message });
      }
      case 'failed': {
        const { code, message } = end.failure;
        return failTurn(state, at, turn, { code, message });
      }
    }
  },
};
