/**
 * The end of a turn that may have changed files: it waits for a second snapshot, so that an undo can distinguish the
 * turn's changes from later ones. Nothing else of the turn runs by then, and its outcome is fixed.
 *
 * The wait is bounded: by the activity's own time, by the bound for quiescence if the turn was aborted, and by anything
 * that would abort the turn now.
 */
import { type Action, actionIds } from '../state/actions.ts';
import { isRoot } from '../approvals/policy.ts';
import { WRITE_STDIN } from '../../../src/contract/plain/tools/write-stdin.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';
import {
  type ActiveTurn,
  type ThreadState,
  type TurnEnd,
  type TurnSnapshot,
  endsWithoutHost,
  isConversation,
  leavesCommandsRunning,
} from '../state/state.ts';
import { retried, toSummary, workspaceIds } from '../state/steps.ts';

/** Whether a turn that is about to end must wait for a snapshot of its files. */
export function needsLastSnapshot(state: ThreadState, turn: ActiveTurn, end: TurnEnd): boolean {
  if (turn.ending !== undefined || !isConversation(turn) || turn.snapshot?.status !== 'taken') return false;
  const reachable = state.status === 'open' && turn.aborting?.quiescent !== false;
  if (isAway(end) && endsWithoutHost(state)) return false;
  return state.snapshots.after === true && reachable && mayHaveWritten(state, turn);
}

function isAway(end: TurnEnd): boolean {
  return end.status === 'failed' && end.error.code === WORKFLOW_CODES.hostAway;
}

/** The snapshot of a turn that ends without waiting. A turn that wrote nothing left the files unchanged. */
export function settledSnapshot(state: ThreadState, turn: ActiveTurn): TurnSnapshot | null {
  const { snapshot } = turn;
  if (state.snapshots.after !== true || snapshot?.status !== 'taken' || snapshot.after !== undefined) return snapshot;
  return { ...snapshot, after: mayHaveWritten(state, turn) ? null : snapshot.commit };
}

function mayHaveWritten(state: ThreadState, { turnId, firstItem }: ActiveTurn): boolean {
  const { log, settings } = state;
  if (firstItem < log.firstItem) return true;
  return log.items.slice(firstItem - log.firstItem).some((item) => {
    if (item.turnId !== turnId || !('status' in item) || item.status === 'declined') return false;
    if (item.type === 'commandExecution') return !isKnownSafe(item.command, isRoot(item.cwd, settings.cwd));
    if (item.type === 'dynamicToolCall') return leavesCommandsRunning(state) && item.call?.name === WRITE_STDIN.name;
    return item.type === 'fileChange' || item.type === 'mcpToolCall' || item.type === 'collabAgentToolCall';
  });
}

/** The end of the turn waits for it, so its time counts from the request. */
const LAST_SNAPSHOT_OPTIONS = { ...retried('2m'), scheduleToStartTimeout: '2m', scheduleToCloseTimeout: '2m' } as const;

export function wantedLastSnapshot(state: ThreadState): Action[] {
  return [state.active, ...state.beside].flatMap((turn): Action[] => {
    if (turn?.ending === undefined || turn.snapshot?.status !== 'taken') return [];
    const { turnId, snapshot } = turn;
    const id = actionIds.lastSnapshot(turnId);
    const place = { ...workspaceIds(state, id), cwd: state.settings.cwd };
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'takeSnapshot',
        input: { ...place, name: turnId, release: [], after: snapshot.commit },
        options: LAST_SNAPSHOT_OPTIONS,
        summary: toSummary('snapshot', `after turn ${turnId}`),
        onWorkspace: true,
      },
    ];
  });
}

/** The turn whose end waits for this action; null if there is none. */
export function findEnding(state: ThreadState, actionId: string): ActiveTurn | null {
  const all = [state.active, ...state.beside];
  const isIts = (turn: ActiveTurn) => turn.ending !== undefined && actionIds.lastSnapshot(turn.turnId) === actionId;
  return all.find((turn) => turn !== null && isIts(turn)) ?? null;
}
