/**
 * The end of an agent task, and of the identity that it was registered under. In mode `recoverable` the next task is
 * registered ahead; `strict` only reports the end, hours ahead.
 *
 * A thread has one timer for it at most. A `recoverable` thread that nobody has used since its task was registered has none:
 * its task ends, and the next turn registers another one. So idle threads cost nothing.
 */
import type { AgentTaskRecord } from '../../../src/contract/index.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import type { ThreadState } from '../state/state.ts';
import { toSummary } from '../state/steps.ts';
import { type Lifetime, firstToEnd, lifetimeOf, nextTry } from '../../sandbox/lifetime.ts';

export function currentTask(state: ThreadState): AgentTaskRecord | null {
  const { current } = state.agentTask;
  return current.status === 'registered' ? current.task : null;
}

/** When something is due because of the end, in milliseconds since the epoch; null for never. */
export function dueAt(state: ThreadState): number | null {
  const { registration, retryAt, warned } = state.agentTask;
  if (state.status !== 'open' || registration !== null) return null;
  switch (state.settings.agentIdentity.mode) {
    case 'off':
      return null;
    case 'recoverable': {
      const life = taskLife(state);
      if (life === null || !isUsed(state) || retryAt === null) return null;
      return retryAt ?? life.renewAt;
    }
    case 'strict':
      return warned === true ? null : (firstEnd(state)?.warnAt ?? null);
  }
}

export function wantedExpiryTimer(state: ThreadState): Action[] {
  const at = dueAt(state);
  if (at === null) return [];
  const summary = toSummary('agent task', `of account ${state.settings.agentIdentity.account} ends soon`);
  return [{ type: 'awaitTime', id: actionIds.expiry(at), at, about: { type: 'expiry', at }, summary }];
}

/** A person learns that a `strict` thread stops working, and what to do. */
export function warnOfEnd(state: ThreadState, at: number): ThreadState {
  const { account } = state.settings.agentIdentity;
  const ends = firstEndText(state);
  const message = `The agent task of this thread ends${ends === null ? '' : ` at ${ends}`}, and mode strict acquires no other one: turns fail from then on. Replace the identity of the account before: \`bobbin identity replace ${account}\`.`;
  return emit(withWarned(state), at, { type: 'warning', message });
}

/** The same for a life that is too short for a warning ahead. */
export function warnOfShortLife(state: ThreadState, at: number): ThreadState {
  const isStrict = state.settings.agentIdentity.mode === 'strict';
  return isStrict && firstEndText(state) !== null && firstEnd(state) === null ? warnOfEnd(state, at) : state;
}

/** A renewal has failed: the task in use stays, and the next attempt is planned. */
export function onFailedRenewal(state: ThreadState, at: number, message: string): ThreadState {
  const life = taskLife(state);
  const retryAt = life === null ? null : nextTry(life, at);
  const next = retryAt === null ? '' : ` It is tried again at ${new Date(retryAt).toISOString()}.`;
  const isFirst = state.agentTask.retryAt === undefined;
  const planned = { ...state, agentTask: { ...state.agentTask, retryAt } };
  if (!isFirst) return planned;
  return emit(planned, at, {
    type: 'warning',
    message: `The agent task could not be renewed ahead: ${message}${next}`,
  });
}

function withWarned(state: ThreadState): ThreadState {
  return { ...state, agentTask: { ...state.agentTask, warned: true } };
}

/** Whether a turn has used the task, or may use it soon. */
function isUsed({ active, turnCount, agentTask }: ThreadState): boolean {
  return active !== null || turnCount > (agentTask.turnsBefore ?? turnCount);
}

function taskLife(state: ThreadState): Lifetime | null {
  const task = currentTask(state);
  const { since } = state.agentTask;
  return task === null || since === undefined ? null : lifetimeOf(task, since);
}

/** The identity counts, too: its tasks end with it. */
function firstEnd(state: ThreadState): Lifetime | null {
  const task = currentTask(state);
  const { since, identityExpiresAt } = state.agentTask;
  if (task === null || since === undefined) return null;
  const ofIdentity = { registeredAt: task.registeredAt, expiresAt: identityExpiresAt ?? undefined };
  return firstToEnd(lifetimeOf(task, since), lifetimeOf(ofIdentity, since));
}

/** As the service reported it, RFC 3339; null if it reported none. */
function firstEndText(state: ThreadState): string | null {
  const ends = [currentTask(state)?.expiresAt, state.agentTask.identityExpiresAt ?? undefined];
  const known = ends.filter((end) => end !== undefined).sort((a, b) => Date.parse(a) - Date.parse(b));
  return known[0] ?? null;
}
