/**
 * The whole life of a thread's agent task on the workflow side: prewarm, ensure, reuse, stale, rejected.
 *
 * Invariants:
 * 1. At most one registration is in flight per thread.
 * 2. A task is kept only when the identity it was registered under is still the one in use. At most two rounds: the
 *    second is for an identity that changed meanwhile or, in mode `recoverable`, for one that the service refuses.
 * 3. Only a thread that never had a task is prewarmed: a cleared one waits for a turn that needs it.
 * 4. A task is cleared only by the step that found it unfit, and only while it is still the same task.
 */
import type { AgentTaskRecord, AgentTaskView } from '../../../src/contract/index.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import type { AgentTaskState, ThreadState } from '../state/state.ts';
import { type StepEnd, retried, stepIds, toSummary } from '../state/steps.ts';

const MAX_ROUNDS = 2;

/** The outcome of a registration that has ended, for the turn that may wait for it. */
export type RegistrationOutcome = { type: 'registered' } | { type: 'again' } | { type: 'failed'; failure: StepFailure };

export function currentTask(state: ThreadState): AgentTaskRecord | null {
  const { current } = state.agentTask;
  return current.status === 'registered' ? current.task : null;
}

/** Whether the agent task does not hold up a model step. */
export function isReady(state: ThreadState): boolean {
  return state.settings.agentIdentity.mode === 'off' || currentTask(state) !== null;
}

/** Starts the first registration in the background, after a start or a restore only. */
export function prewarm(state: ThreadState): ThreadState {
  const { current, registration } = state.agentTask;
  const wanted = state.settings.agentIdentity.mode !== 'off' && current.status === 'none' && registration === null;
  return wanted ? beginRegistration(state, 'prewarm', null) : state;
}

/** A turn needs the task now. A registration in flight, prewarm or not, serves it too. */
export function ensure(state: ThreadState): ThreadState {
  if (isReady(state) || state.agentTask.registration !== null) return state;
  return beginRegistration(state, 'ensure', null);
}

function beginRegistration(
  state: ThreadState,
  purpose: 'prewarm' | 'ensure',
  replaceIdentity: string | null,
  round: 1 | 2 = 1,
): ThreadState {
  const number = state.agentTask.registrations + 1;
  return withAgentTask(state, { registration: { number, purpose, round, replaceIdentity }, registrations: number });
}

function withAgentTask(state: ThreadState, change: Partial<AgentTaskState>): ThreadState {
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
      input: { ...stepIds(state, id), account, replaceIdentity },
      options: retried('60s'),
      summary: toSummary('agent task: register for', account),
    },
  ];
}

/** Handles the end of the registration in flight; null if it was of another one. */
export function endRegistration(
  state: ThreadState,
  at: number,
  id: string,
  end: StepEnd<'registerAgentTask'>,
): { state: ThreadState; outcome: RegistrationOutcome; purpose: 'prewarm' | 'ensure' } | null {
  const { registration } = state.agentTask;
  if (registration === null || actionIds.register(registration.number) !== id) return null;
  const { purpose, round } = registration;
  const idle = countUnused(withAgentTask(state, { registration: null }), unusedTasksOf(end));
  if (end.type !== 'done') {
    const failure = end.type === 'failed' ? end.failure : STOPPED;
    const refused = refusedIdentity(state, failure);
    if (refused !== null && registration.replaceIdentity === null && round < MAX_ROUNDS) {
      return { state: beginRegistration(idle, purpose, refused, 2), outcome: { type: 'again' }, purpose };
    }
    return { state: idle, outcome: { type: 'failed', failure }, purpose };
  }
  const { task, currentRuntimeId } = end.value;
  if (task.agentRuntimeId === currentRuntimeId) {
    return { state: keep(idle, at, task), outcome: { type: 'registered' }, purpose };
  }
  const counted = countUnused(idle, 1);
  if (round < MAX_ROUNDS) {
    return { state: beginRegistration(counted, purpose, null, 2), outcome: { type: 'again' }, purpose };
  }
  return { state: counted, outcome: { type: 'failed', failure: unstable(state) }, purpose };
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

function keep(state: ThreadState, at: number, task: AgentTaskRecord): ThreadState {
  const { agentRuntimeId, taskId, registeredAt } = task;
  const kept = withAgentTask(state, {
    current: { status: 'registered', task: { agentRuntimeId, taskId, registeredAt } },
  });
  return emit(kept, at, { type: 'agentTask/registered', agentRuntimeId, taskId, registeredAt });
}

function countUnused(state: ThreadState, tasks: number): ThreadState {
  const unusedAgentTasks = state.counters.unusedAgentTasks + tasks;
  return tasks > 0 ? { ...state, counters: { ...state.counters, unusedAgentTasks } } : state;
}

/**
 * The state in which a new task is being registered after a step failed because of its agent task. Null if the step
 * failed for another reason, if the thread's mode does not allow a new task, or if one was already registered for this
 * step.
 */
export function renewOnce(state: ThreadState, at: number, failure: StepFailure, renewed: boolean): ThreadState | null {
  const why = unfitness(state, failure);
  return (why === 'stale' || why === 'rejected') && !renewed
    ? renew(state, at, currentTask(state), why, failure)
    : null;
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
function renew(
  state: ThreadState,
  at: number,
  used: AgentTaskRecord | null,
  why: 'stale' | 'rejected',
  failure: StepFailure,
): ThreadState {
  const current = currentTask(state);
  const same = current !== null && used !== null && current.taskId === used.taskId;
  const cleared = same ? clear(state, at, why) : state;
  if (isReady(cleared) || cleared.agentTask.registration !== null) return cleared;
  const ranOut =
    failure.details['reason'] === 'agent_task_expired' || failure.details['reason'] === 'agent_task_unknown';
  const replaceIdentity = why === 'rejected' && !ranOut && used !== null ? used.agentRuntimeId : null;
  return beginRegistration(cleared, 'ensure', replaceIdentity);
}

function clear(state: ThreadState, at: number, reason: 'stale' | 'rejected'): ThreadState {
  return emit(withAgentTask(state, { current: { status: 'cleared', reason } }), at, {
    type: 'agentTask/cleared',
    reason,
  });
}

export function toAgentTaskView(state: ThreadState): AgentTaskView {
  return {
    ...state.agentTask.current,
    ...state.settings.agentIdentity,
    registering: state.agentTask.registration !== null,
  };
}
