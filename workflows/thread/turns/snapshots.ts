/**
 * What a thread keeps of its workspace, so that turns can be undone: asked for beside the model step that may lead to the
 * first tool call of a turn, named by the turn, and let go of once nobody can need it.
 */
import type { Snapshot } from '../../../activities/ports.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { addItem, emit } from '../state/log.ts';
import { type ActiveTurn, type ThreadState, type TurnSnapshot, isConversation } from '../state/state.ts';
import { releaseLater, withoutSnapshots } from '../state/turn-records.ts';
import { type StepEnd, retried } from '../state/steps.ts';
import { concludeTurn, withTurn } from './turns.ts';
import { MOST_BYTES, newestWithin } from '../state/waiting.ts';

/** Different things that are remembered as said. */
const TOLD = 50;

/** What the next model step of a turn has to see to; null for nothing. */
export function wantedSnapshot(state: ThreadState, turn: ActiveTurn): { name: string; release: string[] } | null {
  if (!state.settings.snapshots || turn.snapshot !== null || !canWrite(state)) return null;
  return { name: turn.turnId, release: state.snapshots.release };
}

/** In a sandbox that only reads, what somebody accepts may write all the same. */
function canWrite({ settings }: ThreadState): boolean {
  return settings.sandbox !== 'read-only' || settings.approvalPolicy !== 'never';
}

/** Records what became of the snapshot of a turn. */
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

/** The end of a turn waited for this snapshot; without it the turn ends all the same. */
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

/** A snapshot came for a turn that is over: nobody will need it. */
export function dismissSnapshot(state: ThreadState, turnId: string): ThreadState {
  return releaseLater({ ...state, snapshots: { ...state.snapshots, kept: true } }, [turnId]);
}

/** What holds for every turn of a thread is said once. */
export function tellOnce(state: ThreadState, at: number, message: string): ThreadState {
  const { told } = state.snapshots;
  if (told.includes(message)) return state;
  const snapshots = { ...state.snapshots, told: newestWithin([...told, message].slice(-TOLD), MOST_BYTES.told) };
  return emit({ ...state, snapshots }, at, { type: 'warning', message });
}

/** Wanted of a thread that closes, once nothing of it runs any more. */
export function wantedRelease(state: ThreadState): Action[] {
  const rests = state.active === null && state.beside.length === 0 && state.queue.length === 0;
  if (state.status !== 'closing' || !rests || !state.snapshots.kept) return [];
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

/** The thread's snapshots are gone, or cannot be let go of, which keeps no thread from closing. */
export function onRelease(state: ThreadState, at: number, end: StepEnd<'releaseSnapshots'>): ThreadState {
  const released = withoutSnapshots(state);
  const next = { ...released, snapshots: { ...state.snapshots, kept: false, release: [] } };
  if (end.type !== 'failed') return next;
  const message = `Snapshots of this thread are left in the data folder of the worker: ${end.failure.message}`;
  return emit(next, at, { type: 'warning', message });
}
