/**
 * Turns that the thread above has given to this one: it waits for the end of each, and for no other turn. A turn that
 * replaces one of them, such as a correction of a person, answers for it.
 */
import type { TurnCompletion, TurnKind } from '../../../src/contract/index.ts';
import { isGivenTurn } from '../../../src/contract/plain/given-turns.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import type { Refusal } from '../state/refusal.ts';
import { NO_USAGE, type StandIn, type ThreadState, addUsage, countsGiven } from '../state/state.ts';
import { report } from './outbox.ts';

/** The detail of an abort with reason `replaced`. */
export function byTurn(turnId: string): string {
  return `by turn ${turnId}`;
}

function isGiven({ settings }: ThreadState, turnId: string): boolean {
  return settings.parent !== null && isGivenTurn(turnId);
}

/** Reports the end of a turn; that of one that was replaced with the end of the turn that replaces it. */
export function reportEnd(state: ThreadState, turn: TurnCompletion): ThreadState {
  if (!countsGiven(state)) return report(state, { type: 'turnCompleted', turn });
  const { standIns = [] } = state;
  const standIn = standIns.find(({ turnId }) => turnId === turn.turnId);
  if (standIn === undefined && !isGiven(state, turn.turnId)) return report(state, { type: 'turnCompleted', turn });
  const { givenId, usage } = standIn ?? { givenId: turn.turnId, usage: NO_USAGE };
  const whole = { givenId, usage: addUsage(usage, turn.usage) };
  const others = standIns.filter((one) => one !== standIn);
  const next = findNext(state, turn);
  if (next !== undefined) return withStandIns(state, [...others, { turnId: next, ...whole }]);
  const answered = { ...turn, turnId: givenId, usage: whole.usage };
  return report(withStandIns(state, others), { type: 'turnCompleted', turn: answered });
}

/** The turn that replaces one; undefined if none does, or if it was dropped. */
function findNext({ queue }: ThreadState, turn: TurnCompletion): string | undefined {
  if (turn.status !== 'aborted' || turn.reason !== 'replaced') return undefined;
  return queue.find(({ turnId }) => turn.detail === byTurn(turnId))?.turnId;
}

function withStandIns({ standIns: _before, ...state }: ThreadState, standIns: StandIn[]): ThreadState {
  return standIns.length === 0 ? state : { ...state, standIns };
}

/** Queued turns that the thread above has given, and those that are to answer for one. */
export function queuedGiven(state: ThreadState): string[] {
  const { queue, active, standIns = [] } = state;
  const answersFor = (turnId: string) => isGiven(state, turnId) || standIns.some((one) => one.turnId === turnId);
  const { reason, detail } = active?.aborting ?? {};
  const isNext = (turnId: string) => reason === 'replaced' && detail === byTurn(turnId);
  const ids = queue.map(({ turnId }) => turnId);
  return ids.filter((id) => answersFor(id) || (active !== null && isNext(id) && answersFor(active.turnId)));
}

/** A turn that was not accepted has no end of its own. */
export function reportRefused(state: ThreadState, turnId: string | null, { code, reason }: Refusal): ThreadState {
  if (turnId === null || !countsGiven(state) || !isGiven(state, turnId)) return state;
  if (state.knownTurnIds.includes(turnId)) return state;
  const kind: TurnKind = CONVERSATION;
  const never = { turnId, kind, lastAgentMessage: null, startedAt: null, durationMs: 0, usage: NO_USAGE };
  const turn: TurnCompletion = { ...never, status: 'failed', error: { code, message: reason } };
  return report(state, { type: 'turnCompleted', turn });
}
