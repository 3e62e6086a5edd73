/**
 * Snapshots of the workspace, so that turns can be undone: taken in parallel with the model step that may lead to the
 * first tool call of a turn, named by the turn, and released when no longer needed.
 */
import type { Snapshot } from '../../../activities/ports.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { addItem, emit } from '../state/log.ts';
import { type ActiveTurn, type ThreadState, type TurnSnapshot, isConversation } from '../state/state.ts';
import { releaseLater, withoutSnapshots } from '../state/turn-records.ts';
import { type StepEnd, retried } from '../state/steps.ts';
import { isStoring } from './stored-files.ts';
import { concludeTurn, withTurn } from './turns.ts';
import { MOST_BYTES, newestWithin } from '../state/waiting.ts';

/** Distinct messages that are remembered as reported. */
const TOLD = 50;

/** The snapshot that the next model step of a turn must take; null for none. */
export function wantedSnapshot(state: ThreadState, turn: ActiveTurn): { name: string; release: string[] } | null {
  if (!state.settings.snapshots || turn.snapshot !== null || !canWrite(state)) return null;
  return { name: turn.turnId, release: state.snapshots.release };
}

/** In a read-only sandbox, an accepted step may write all the same. */
function canWrite({ settings }: ThreadState): boolean {
  return settings.sandbox !== 'read-only' || settings.approvalPolicy !== 'never';
}

/** Records the outcome of the snapshot of a turn. */
export function recordSnapshot(state: ThreadState, at: number, turn: ActiveTurn, made: Snapshot): ThreadState {
  const step = isConversation(turn) ? turn.step : 0;
  switch (made.status) {
    case 'taken': {
      const { commit, warnings } = made;
      const snapshots = { ...state.snapshots, kept: true, release: [] };
      const known = withTurn({ ...state, snapshots }, { ...turn, snapshot: { status: 'taken', commit } });
      const recorded = addItem(known, at, { type: 'ghostSnapshot', turnId: turn.turnId, step, commit });
      return warnings.reduce((current, warning) => tellOnce(current, at, warning), recorded);
    }
    case 'skipped': {
      const { reason } = made;
      const missing: TurnSnapshot = { status: 'missing', reason };
      return tellOnce(withTurn(state, { ...turn, snapshot: missing }), at, `No snapshot was taken: ${reason}`);
    }
  }
}

/** The end of a turn waited for this snapshot, but does not depend on its success. */
export function onLastSnapshot(
  state: ThreadState,
  at: number,
  turn: ActiveTurn,
  end: StepEnd<'takeSnapshot'>,
): ThreadState {
  const made = end.type === 'done' ? end.value : null;
  if (made?.status === 'taken') {
    const { warnings, commit } = made;
    const told = warnings.reduce((current, warning) => tellOnce(current, at, warning), state);
    return concludeTurn(told, at, turn, commit);
  }
  const reason = made?.reason ?? (end.type === 'failed' ? end.failure.message : 'it was stopped.');
  const told = tellOnce(
    state,
    at,
    `What turn ${turn.turnId} left could not be kept, so an undo of it is less exact: ${reason}`,
  );
  return concludeTurn(told, at, turn, null);
}

/** A snapshot of a turn that has already ended is not needed. */
export function dismissSnapshot(state: ThreadState, turnId: string): ThreadState {
  return releaseLater({ ...state, snapshots: { ...state.snapshots, kept: true } }, [turnId]);
}

/** Reports a message about all turns of the thread once. */
export function tellOnce(state: ThreadState, at: number, message: string): ThreadState {
  const { told } = state.snapshots;
  if (told.includes(message)) return state;
  const snapshots = { ...state.snapshots, told: newestWithin([...told, message].slice(-TOLD), MOST_BYTES.told) };
  return emit({ ...state, snapshots }, at, { type: 'warning', message });
}

/** The release of all snapshots, when the thread closes and nothing of it runs any longer. */
export function wantedRelease(state: ThreadState): Action[] {
  const rests = state.active === null && state.beside.length === 0 && state.queue.length === 0;
  if (state.status !== 'closing' || !rests || !state.snapshots.kept || isStoring(state)) return [];
  const { threadId, settings, runCount } = state;
  const { cwd, root } = settings;
  return [
    {
      type: 'step',
      id: actionIds.release(runCount),
      activity: 'releaseSnapshots',
      input: { threadId, ...(root === undefined ? {} : { root }), cwd },
      options: retried('60s', 5),
      summary: 'release snapshots',
    },
  ];
}

/** The thread's snapshots were released, or cannot be. Neither prevents the thread from closing. */
export function onRelease(state: ThreadState, at: number, end: StepEnd<'releaseSnapshots'>): ThreadState {
  const released = withoutSnapshots(state);
  const next = { ...released, snapshots: { ...state.snapshots, kept: false, release: [] } };
  if (end.type !== 'failed') return next;
  const message = `Snapshots of this thread are left in the data folder of the worker: ${end.failure.message}`;
  return emit(next, at, { type: 'warning', message });
}
