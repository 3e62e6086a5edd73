/** A thread that begins with the past of another one, and the answer of that one about its past. */
import type { ForkedPast } from '../../../activities/contract.ts';
import type { ThreadPast } from '../../../activities/ports.ts';
import type { Fork, StartThread } from '../../../src/contract/index.ts';
import { NEW_CONTEXT } from '../state/context.ts';
import { itemCount } from '../state/log.ts';
import { withChanges } from './resume.ts';
import { KNOWN_TURNS, KNOWN_TURN_IDS, type ThreadState, newThreadState } from '../state/state.ts';

/** The facts that a fork of this thread needs; the answer of the query `past`. */
export function toPast(state: ThreadState): ThreadPast {
  const running = [state.active, ...state.beside].filter((turn) => turn !== null);
  return {
    settings: state.settings,
    itemCount: itemCount(state.log),
    turns: state.turns,
    running: running.map(({ turnId, kind, firstItem, snapshot }) => ({ turnId, kind, firstItem, snapshot })),
    compactions: state.context.compactions,
  };
}

/**
 * The new thread: history, settings and compactions are the source's; title, approval rules, agent task, agents, usage
 * and everything that waits are not.
 */
export function forkedState(start: StartThread, fork: Fork, past: ForkedPast, at: number): ThreadState {
  const settings = withChanges({ ...past.settings, title: '', parent: null }, start);
  const agentIdentity = start.agentIdentity ?? settings.agentIdentity;
  const budget = { ...settings.budget, ...start.budget };
  const state = newThreadState(start.threadId, { ...settings, agentIdentity, budget }, at);
  return {
    ...state,
    forkedFrom: { threadId: fork.threadId, turnId: past.lastTurnId },
    log: { ...state.log, firstItem: past.itemCount, archived: past.segments },
    turns: past.turns.slice(-KNOWN_TURNS),
    knownTurnIds: past.turnIds.slice(-KNOWN_TURN_IDS),
    context: { ...NEW_CONTEXT, compactions: past.compactions },
  };
}
