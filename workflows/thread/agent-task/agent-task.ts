/**
 * The life of a thread's agent task on the workflow side: prewarm, ensure, reuse, stale, rejected. Its end: `expiry.ts`.
 *
 * Invariants:
 * 1. At most one registration is in flight per thread.
 * 2. A task is kept only when the identity it was registered under is still the one in use. At most two rounds: the
 *    second is for an identity that changed meanwhile or, in mode `recoverable`, for one that the service refuses.
 * 3. Only a thread that never had a task is prewarmed: a cleared one waits for a turn that needs it.
 *    A clear says that an operator or the endpoint ended the task, often for many threads at once: idle ones, which may
 *    never need another task, do not register together because of it.
 * 4. A task is cleared only when a step finds one unfit. A step that began before a renewal may clear the newer task.
 */
import type { AgentTaskDelayed, AgentTaskRegistered } from '../../../activities/contract.ts';
import type { AgentTaskView } from '../../../src/contract/index.ts';
import { isStricter } from '../../../src/contract/plain/identity-modes.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import type { AgentTaskState, ThreadState } from '../state/state.ts';
import { type StepEnd, type StepInput, retried, stepIds, toSummary } from '../state/steps.ts';
import { currentTask, dueAt, warnOfShortLife } from './expiry.ts';

const MAX_ROUNDS = 2;

/** Whether the agent task does not hold up a model step. */
export function isReady(state: ThreadState): boolean {
  return state.settings.agentIdentity.mode === 'off' || currentTask(state) !== null;
}

/** Starts the first registration in the background, after a start or a restore only. */
export function prewarm(state: ThreadState): ThreadState {
  const { current, registration } = state.agentTask;
  const wanted = state.settings.agentIdentity.mode !== 'off' && current.status === 'none' && registration === null;
  return wanted ? beginRegistration(state, { purpose: 'prewarm' }) : state;
}

/** A turn needs the task now. A registration in flight, for any purpose, serves it too. */
export function ensure(state: ThreadState): ThreadState {
  if (isReady(state) || state.agentTask.registration !== null) return state;
  return beginRegistration(state, { purpose: 'ensure', ...waitOf(state) });
}

/** Registers the next task while the one in use is still valid. */
export function renewAhead(state: ThreadState): ThreadState {
  return beginRegistration(state, { purpose: 'renew' });
}

type Registration = NonNullable<AgentTaskState['registration']>;

function beginRegistration(
  state: ThreadState,
  about: Pick<Registration, 'purpose'> & Partial<Omit<Registration, 'number'>>,
): ThreadState {
  const number = state.agentTask.registrations + 1;
  const registration = { number, round: 1 as const, replaceIdentity: null, ...about };
  return withAgentTask(state, { registration, registrations: number });
}

/** How long a turn waits for a service that is away; threads of earlier releases make three attempts. */
function waitOf({ settings: { identityWaitMs, unattended } }: ThreadState): { waitMs?: number } {
  if (identityWaitMs === null) return {};
  return { waitMs: unattended === null ? identityWaitMs.attended : identityWaitMs.unattended };
}

export function withAgentTask(state: ThreadState, change: Partial<AgentTaskState>): ThreadState {
  return { ...state, agentTask: { ...state.agentTask, ...change } };
}

export function wantedRegistration(state: ThreadState): Action[] {
  const { registration } = state.agentTask;
  if (registration === null) return [];
  const { account } = state.settings.agentIdentity;
  const { number, replaceIdentity } = registration;
  const id = actionIds.register(number);
  return [
    {
      type: 'step',
      id,
      activity: 'registerAgentTask',
      input: { ...stepIds(state, id), account, replaceIdentity, ...addedInput(state, registration) },
      options: retried('60s'),
      summary: toSummary('agent task: register for', account),
    },
  ];
}

/** Members that steps of threads of earlier releases do not have. */
function addedInput(
  { settings }: ThreadState,
  { purpose, waitMs, announced }: Registration,
): Pick<StepInput<'registerAgentTask'>, 'mode' | 'ahead' | 'waitMs' | 'announced'> {
  if (settings.identityWaitMs === null) return {};
  return {
    mode: settings.agentIdentity.mode,
    ...(purpose === 'renew' ? { ahead: true } : {}),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(announced === undefined ? {} : { announced }),
  };
}

/** Handles the end of the registration in flight; null if it was of another one. The failure is final. */
export function endRegistration(
  state: ThreadState,
  at: number,
  id: string,
  end: StepEnd<'registerAgentTask'>,
): { state: ThreadState; failure: StepFailure | null; purpose: Registration['purpose'] } | null {
  const { registration } = state.agentTask;
  if (registration === null || actionIds.register(registration.number) !== id) return null;
  const { purpose, round, replaceIdentity } = registration;
  const goesOn = (next: ThreadState) => ({ state: next, failure: null, purpose });
  const ended = countUnused(withAgentTask(state, { registration: null }), unusedTasksOf(end));
  if (end.type !== 'done') {
    const failure = end.type === 'failed' ? end.failure : STOPPED;
    const idle = noteFailure(ended, at, failure);
    const refused = refusedIdentity(state, failure);
    if (refused !== null && replaceIdentity === null && round < MAX_ROUNDS)
      return goesOn(beginRegistration(idle, { ...registration, replaceIdentity: refused, round: 2 }));
    return { state: idle, failure, purpose };
  }
  if ('type' in end.value) return goesOn(reportDelay(ended, at, registration, end.value));
  if (end.value.task.agentRuntimeId === end.value.currentRuntimeId) return goesOn(keep(ended, at, end.value));
  const counted = countUnused(ended, 1);
  if (round < MAX_ROUNDS)
    return goesOn(beginRegistration(counted, { ...registration, replaceIdentity: null, round: 2 }));
  return { state: counted, failure: unstable(state), purpose };
}

/** The registration is tried again with what is left of the wait. */
function reportDelay(
  state: ThreadState,
  at: number,
  registration: Registration,
  { failure, leftMs }: AgentTaskDelayed,
): ThreadState {
  const noted = noteFailure(state, at, { ...failure, details: {} });
  const seconds = Math.ceil(leftMs / 1_000);
  const message = `The agent task cannot be registered at the moment: ${failure.message} The turn waits up to ${seconds} s more.`;
  const told = emit(noted, at, { type: 'warning', message });
  return beginRegistration(told, { ...registration, waitMs: leftMs, announced: true });
}

/** The newest problem with the agent task, for readers of the thread. */
export function noteFailure(state: ThreadState, at: number, { code, message }: StepFailure): ThreadState {
  if (!code.startsWith('agent')) return state;
  return withAgentTask(state, { lastError: { code, message, at } });
}

const STOPPED: StepFailure = { code: 'internal', message: 'The registration was stopped by its thread.', details: {} };

function unusedTasksOf(end: StepEnd<'registerAgentTask'>): number {
  if (end.type === 'done') return end.value.unusedTasks;
  const { unusedTasks } = end.type === 'failed' ? end.failure.details : STOPPED.details;
  return typeof unusedTasks === 'number' ? unusedTasks : 0;
}

/** The identity that the service refused to register a task under, if this thread may replace it; else null. */
function refusedIdentity(state: ThreadState, failure: StepFailure): string | null {
  const { refusedRuntimeId } = failure.details;
  const may = state.settings.agentIdentity.mode === 'recoverable' && failure.code === 'agentIdentityRefused';
  return may && typeof refusedRuntimeId === 'string' ? refusedRuntimeId : null;
}

function unstable(state: ThreadState): StepFailure {
  const { account } = state.settings.agentIdentity;
  return {
    code: WORKFLOW_CODES.agentIdentityUnstable,
    message: `The agent identity of account ${account} changed twice while a task was registered under it; try again once it stands.`,
    details: { account },
  };
}

function keep(state: ThreadState, at: number, registered: AgentTaskRegistered): ThreadState {
  const { identityExpiresAt } = registered;
  const { agentRuntimeId, taskId, registeredAt, expiresAt } = registered.task;
  const task = { agentRuntimeId, taskId, registeredAt, ...(expiresAt === undefined ? {} : { expiresAt }) };
  const { lastError: _, retryAt: __, warned: ___, ...agentTask } = state.agentTask;
  const kept: AgentTaskState = {
    ...{ ...agentTask, current: { status: 'registered', task }, since: at, turnsBefore: state.turnCount },
    identityExpiresAt: identityExpiresAt ?? null,
  };
  const registeredState = emit({ ...state, agentTask: kept }, at, { type: 'agentTask/registered', ...task });
  return warnOfShortLife(registeredState, at);
}

function countUnused(state: ThreadState, tasks: number): ThreadState {
  const unusedAgentTasks = state.counters.unusedAgentTasks + tasks;
  return { ...state, counters: { ...state.counters, unusedAgentTasks } };
}

/**
 * The state in which a step can be repeated that failed because of its agent task: a new one is being registered, or the
 * thread has adopted a stricter mode. Null if the step failed for another reason, if the thread's mode does not allow a new
 * task, or if one was already registered for this step.
 */
export function renewOnce(
  state: ThreadState,
  at: number,
  failure: StepFailure,
  renewed: boolean,
): { state: ThreadState; renewed: boolean } | null {
  const adopted = adoptPolicy(state, at, failure);
  if (adopted !== null) return { state: adopted, renewed };
  const why = unfitness(state, failure);
  return (why === 'stale' || why === 'rejected') && !renewed
    ? { state: renew(state, at, why, failure), renewed: true }
    : null;
}

/** Modes become stricter only, so this ends. */
function adoptPolicy(state: ThreadState, at: number, { code, details }: StepFailure): ThreadState | null {
  const { agentIdentity } = state.settings;
  const { policy } = details;
  if (code !== 'agentIdentityRequired' || (policy !== 'recoverable' && policy !== 'strict')) return null;
  if (!isStricter(policy, agentIdentity.mode)) return null;
  const message = `The policy of account ${agentIdentity.account} is ${policy} now: this thread changes from mode ${agentIdentity.mode} to it.`;
  const settings: ThreadState['settings'] = { ...state.settings, agentIdentity: { ...agentIdentity, mode: policy } };
  return emit({ ...state, settings }, at, { type: 'warning', message });
}

/** Whether a failed model step means that its task is no longer valid, and what follows in this thread's mode. */
function unfitness(state: ThreadState, failure: StepFailure): 'fit' | 'stale' | 'rejected' | 'final' {
  if (failure.code === 'agentTaskStale') return 'stale';
  if (failure.code !== 'agentAssertionRejected') return 'fit';
  return state.settings.agentIdentity.mode === 'recoverable' ? 'rejected' : 'final';
}

/**
 * Clears a task that is no longer valid and begins to register a new one. A task that merely expired is replaced under
 * the identity in use; after any other rejection the identity is replaced, too.
 */
function renew(state: ThreadState, at: number, why: 'stale' | 'rejected', failure: StepFailure): ThreadState {
  const current = currentTask(state);
  const cleared = current === null ? state : clear(state, at, why);
  if (isReady(cleared) || cleared.agentTask.registration !== null) return cleared;
  const ranOut =
    failure.details['reason'] === 'agent_task_expired' || failure.details['reason'] === 'agent_task_unknown';
  const replaceIdentity = why === 'rejected' && !ranOut && current !== null ? current.agentRuntimeId : null;
  return beginRegistration(cleared, { purpose: 'ensure', replaceIdentity, ...waitOf(state) });
}

function clear(state: ThreadState, at: number, reason: 'stale' | 'rejected'): ThreadState {
  return emit(withAgentTask(state, { current: { status: 'cleared', reason } }), at, {
    type: 'agentTask/cleared',
    reason,
  });
}

export function toAgentTaskView(state: ThreadState): AgentTaskView {
  const { current, registration, identityExpiresAt, lastError } = state.agentTask;
  const { mode } = state.settings.agentIdentity;
  return {
    ...current,
    ...state.settings.agentIdentity,
    registering: registration !== null,
    identityExpiresAt: identityExpiresAt ?? null,
    renewsAt: mode === 'recoverable' ? dueAt(state) : null,
    lastError: lastError ?? null,
  };
}
