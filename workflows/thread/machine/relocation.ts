/**
 * A host that is lost in the middle of a turn: a thread with a managed workspace moves to another host with the files that
 * were stored last, one in a folder of a group of hosts to another host of the group, and the turn goes on there. A step that no worker has taken within the grace time shows the loss.
 *
 * The machine holds back all steps of the host, waits until none is under way, and requests the move. A step that has
 * done nothing is requested again afterwards; a call of a tool ends as it does without a move, so that the model decides.
 */
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import { hostOf, isDispensable, isOnOwnHost } from '../state/places.ts';
import {
  type ActiveTurn,
  type ThreadState,
  isSilentOnceClosed,
  losesHostAfterGrace,
  withoutRelocation,
} from '../state/state.ts';
import type { StepActivity, StepEnded, StepEvent } from '../state/steps.ts';
import { refuseThread } from './moving.ts';

/** They are requested again wherever the thread is then. */
const REPEATED: readonly StepActivity[] = ['callModel', 'compactContext', 'cleanWorkspace'];

/** The state after the end of a step on a lost host; null if the end is handled as any other. */
export function onLostHost(state: ThreadState, ended: StepEnded): ThreadState | null {
  if (!REPEATED.includes(ended.activity) || !isHostAway(ended.end)) return null;
  const next = noteLostHost(state, ended);
  return isWanted(next) ? next : null;
}

/** The same for a step whose end is handled. */
export function noteLostHost(state: ThreadState, ended: StepEnded): ThreadState {
  const { active, relocation } = state;
  if (!showsLoss(state, ended) || active === null || relocation !== undefined || !canMove(state, active)) return state;
  return { ...state, relocation: { turnId: active.turnId, status: 'wanted' } };
}

/** A worker that restarts takes longer than a step waits that the thread can do without. */
function showsLoss(state: ThreadState, { activity, end }: StepEnded): boolean {
  if (!isHostAway(end)) return false;
  if (!losesHostAfterGrace(state)) return true;
  const { host = state.settings.host } = end.failure.details;
  return !isDispensable(activity) && host === state.settings.host;
}

/**
 * A command of which no worker has told anything may have begun all the same. For a thread that stays, a worker of its
 * host finds out; no other host can.
 */
export function asLost<E extends StepEvent>(state: ThreadState, event: E): E {
  const isLosable = event.activity === 'execCommand' || event.activity === 'callMcpTool';
  if (!isLosable || !isWanted(state) || !isHostAway(event.end)) return event;
  return { ...event, end: { type: 'lost', lastBeat: {} } };
}

function isHostAway(end: StepEnded['end']): end is Extract<StepEnded['end'], { type: 'failed' }> {
  return end.type === 'failed' && end.failure.code === WORKFLOW_CODES.hostAway;
}

/** If the thread was opened while only one host was registered, nobody could take it. */
function canMove(state: ThreadState, turn: ActiveTurn): boolean {
  const { status, settings } = state;
  const isAtWork = turn.aborting === null && turn.ending === undefined;
  const isMovable = settings.managed !== undefined || settings.hostGroup !== undefined;
  const hasOthers = settings.hostProbeMs !== undefined;
  return status === 'open' && isAtWork && isMovable && hasOthers && refuseThread(state) === null;
}

function isWanted({ relocation }: ThreadState): boolean {
  return relocation?.status === 'wanted';
}

/** Without the steps of the lost host; with the move once none of them is under way. */
export function withRelocation(state: ThreadState, steps: readonly Action[], running: readonly string[]): Action[] {
  const { status, relocation } = state;
  if (status !== 'open' || relocation?.status !== 'wanted') return [...steps];
  const isOnHost = (step: Action) => isOnOwnHost(step, state.settings);
  const left = steps.filter((step) => !isOnHost(step) || running.includes(step.id));
  return left.some(isOnHost) ? left : [...left, { type: 'relocate', id: actionIds.relocate(relocation.turnId) }];
}

/** The host has done a step, so it is there: nothing moves, unless the move has begun. */
export function onHostBack(state: ThreadState, activity: StepActivity): ThreadState {
  const isThere = hostOf(activity, state.settings) !== undefined;
  return isThere && state.relocation !== undefined && state.moving === undefined ? withoutRelocation(state) : state;
}

/** The turn waits for its host once more, and then fails. A thread that closes has no turn that waits. */
export function onRelocationFailed(state: ThreadState, at: number, reason: string): ThreadState {
  const { relocation } = state;
  if (relocation?.status !== 'wanted' || (state.status !== 'open' && isSilentOnceClosed(state))) return state;
  const message = `Host ${state.settings.host ?? ''} is away, and the thread could not be moved to another one: ${reason}`;
  return emit({ ...state, relocation: { ...relocation, status: 'failed' } }, at, { type: 'warning', message });
}
