/**
 * The thread machine: `reduce(state, event) -> state` and `decide(state, running) -> actions`, both pure.
 *
 * Invariants (tests cite them by number):
 * 1. At most one turn is active.
 * 2. Every turn that was accepted has exactly one terminal event, after all of its items.
 * 3. Every request is resolved exactly once.
 * 4. Event sequence numbers have no gap.
 * 5. Nothing of a turn is requested once its abort has begun, and nothing of it changes after its terminal event.
 * 6. No step touches the workspace while something of an earlier one may still run there.
 *
 * `reduce` first handles the input, then advances as far as it can without another one. `decide` lists every action
 * that must be under way; the shell starts the new ones and stops those that are no longer listed.
 */
import type { AbortReason, ArchiveSegment, SubThreadReport } from '../../../src/contract/index.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../../src/contract/plain/heartbeat.ts';
import { runsBeside } from '../../../src/contract/plain/turn-kinds.ts';
import { endRegistration, isReady, prewarm, renewAhead, wantedRegistration } from '../agent-task/agent-task.ts';
import { dueAt, onFailedRenewal, wantedExpiryTimer, warnOfEnd } from '../agent-task/expiry.ts';
import { type Action, type TimerAbout, actionIds, isModelCall } from '../state/actions.ts';
import {
  isKnownTurn,
  refuseAgentMessage,
  refuseAnswer,
  refuseInterrupt,
  refuseQueueEdit,
  refuseRevoke,
  refuseRollback,
  refuseSteer,
  refuseTreeBudget,
  refuseTurn,
} from './admission.ts';
import type { Refusal } from '../state/refusal.ts';
import { rollBack } from '../turns/dropped-turns.ts';
import { type ModelSpending, chargeThread } from '../turns/charging.ts';
import { isHeld, limitedTurn, wantedBudgetTimer } from '../budget/budget.ts';
import { type Abort, answerBudget, settleBudget, onTreeBudget } from './advance-budget.ts';
import { archivable, emit, withoutSegment } from '../state/log.ts';
import type { MachineEvent } from '../state/inputs.ts';
import { beginMove, onMoved } from './moving.ts';
import { editQueue } from './queue.ts';
import { asLost, noteLostHost, onHostBack, onLostHost, onRelocationFailed, withRelocation } from './relocation.ts';
import { byTurn, queuedGiven, reportRefused } from '../turns/given-turns.ts';
import { delivered, report, wantedMessages } from '../turns/outbox.ts';
import { closeRequest, wantedDeadlines } from '../turns/requests.ts';
import { resumed } from '../past/resume.ts';
import { revoke, onKept, wantedRules } from '../approvals/rules.ts';
import { findEnding, wantedLastSnapshot } from '../turns/ending.ts';
import { onProbeDue, onProbed, onStepDone, wantedProbe } from '../turns/host-probe.ts';
import { onCleanedBehind, wantedCleanUpsBehind } from '../turns/left-behind.ts';
import {
  isStoring,
  noteChanged,
  onStoreDue,
  onStored,
  requestStore,
  storeBeforeClose,
  storeStart,
  wantedStore,
  wantedStoreTimer,
} from '../turns/stored-files.ts';
import { onLastSnapshot, onRelease, wantedRelease } from '../turns/snapshots.ts';
import {
  type ActiveTurn,
  type RegularTurn,
  type ThreadState,
  closesWithoutHost,
  decidesAnew,
  endMove,
  finishesUpdates,
  isConversation,
  isSilentOnceClosed,
  saysThatItStands,
  stopsAll,
  storesFresh,
  withoutRelocation,
} from '../state/state.ts';
import { type StepEnded, type StepEvent, retried, toSummary } from '../state/steps.ts';
import { needCleanUp } from '../tools/command-step.ts';
import {
  isEndingSessions,
  moveSessions,
  onSessionWait,
  onSessionsCleaned,
  stopSessions,
  wantedSessionWait,
} from '../tools/sessions.ts';
import {
  abandonUnstarted,
  closeChildren,
  openAgents,
  passAnswerDown,
  refuseReport,
  resolvedBelow,
  stopAgents,
  stopChildren,
  onGone,
  onLateStart,
  onReport,
  wantedWatches,
  withdrawRequestsOf,
} from '../agents/sub-threads.ts';
import { tasks } from '../tasks/index.ts';
import type { TaskEvent } from '../tasks/task.ts';
import {
  abortTurn,
  concludeTurn,
  dropQueued,
  failTurn,
  findTurn,
  onStepStopped,
  rememberTurn,
  toQueuedTurn,
  toTurnError,
  withTurn,
} from '../turns/turns.ts';
import { report as reportUp } from '../turns/outbox.ts';
import { isOutboxFull } from '../state/waiting.ts';

/**
 * How long the end of a step is waited for after it was asked to stop: a worker that says nothing for longer is lost, and so
 * is the proof.
 */
export const QUIESCENCE_BOUND_MS = HEARTBEAT_TIMEOUT_MS;

/** Messages of other agents: more are refused; the first release dropped the oldest. */
const KEPT_MAIL = 100;

const OF_OTHER_THREADS: ReadonlySet<MachineEvent['type']> = new Set([
  ...(['subThreadReported', 'childGone', 'agentMessageReceived'] as const),
]);

export function reduce(state: ThreadState, event: MachineEvent): ThreadState {
  // Messages of children and other agents to a closed thread have no receiver.
  if (state.status === 'closed' && OF_OTHER_THREADS.has(event.type)) return state;
  return advance(apply(state, event), event);
}

// ---------------------------------------------------------------------------------------------------------- taking

function apply(state: ThreadState, event: MachineEvent): ThreadState {
  const { at } = event;
  switch (event.type) {
    case 'threadOpened':
      return prewarm(beginIn(announce(state, at, event.warnings), at, event.joins === true));
    case 'runContinued':
      return prewarm(state);
    case 'threadResumed':
      return prewarm(beginIn(resumed(state), at, state.settings.parent !== null));
    case 'turnSubmitted':
      return submit(state, event);
    case 'turnSteered':
      return orReject(state, event, 'steerTurn', event.steer.expectedTurnId, refuseSteer(state, event.steer), () =>
        steerActive(state, event, event.steer.input, null),
      );
    case 'interruptRequested':
      return orReject(
        state,
        event,
        'interruptTurn',
        event.interrupt.turnId ?? null,
        refuseInterrupt(state, event.interrupt),
        () => interrupt(state, event),
      );
    case 'requestAnswered':
      return withdrawAbove(
        orReject(state, event, 'resolveRequest', event.answer.requestId, refuseAnswer(state, event.answer), () =>
          answer(state, event),
        ),
        event.isUnknown === true ? event.answer.requestId : null,
      );
    case 'queueEdited':
      return orReject(state, event, 'editQueue', event.edit.turnId, refuseQueueEdit(state, event.edit), () =>
        editQueue(state, at, event.edit),
      );
    case 'revocationRequested':
      return orReject(state, event, 'revokeRule', event.revocation.ruleId, refuseRevoke(state, event.revocation), () =>
        revoke(state, at, event.revocation),
      );
    case 'rollbackRequested':
      return orReject(state, event, 'rollbackTurns', null, refuseRollback(state, event.rollback), () =>
        rollBack(state, at, event.rollback),
      );
    case 'moveBegan':
      return beginMove(state, event.to);
    case 'storeRequested':
      return requestStore(storesFresh(state) ? stopSessions(state) : state, at);
    case 'moveFailed':
      return onRelocationFailed(endMove(state), at, event.reason);
    case 'workspaceMoved':
      return onMoved(state, at, event.move, event.place);
    case 'closeRequested':
      return beginClose(state, event.close.reason ?? null);
    case 'messageRejected':
      return reject(state, at, event.message, event.id, event);
    case 'stepEnded':
      return endStep(state, event);
    case 'childStarted':
      return endOfTurn(state, event);
    case 'childGone':
      return onGone(state, at, event.threadId);
    case 'messageSent':
      return onDelivery(state, at, event);
    case 'subThreadReported': {
      const { threadId, report } = event.message;
      const refusal = refuseReport(state, event.message);
      const told = orReject(state, event, 'subThreadReport', threadId, refusal, () =>
        tellTask(onReport(state, at, threadId, report), at, threadId, report),
      );
      return withdrawAbove(told, refusal === null && event.isUnknown === true ? resolvedBelow(event.message) : null);
    }
    case 'treeBudgetTold':
      return orReject(state, event, 'treeBudget', null, refuseTreeBudget(state), () =>
        onTreeBudget(state, event.budget),
      );
    case 'agentMessageReceived':
      return orReject(
        state,
        event,
        'agentMessage',
        event.message.from,
        refuseAgentMessage(state, event.message),
        () => ({
          ...state,
          mailbox: [...state.mailbox, event.message].slice(-KEPT_MAIL),
        }),
      );
    case 'timeCame':
      return onTime(state, event, event.about);
    case 'rolloverDue': {
      const moved = moveSessions(state, at);
      return { ...moved, rollover: { archiving: archivable(moved) } };
    }
    case 'rolloverPostponed':
      return emit({ ...state, rollover: null }, at, {
        type: 'warning',
        message: `This run continues: ${event.bytes} bytes would have to be carried over. See the archive's warning before this one.`,
      });
  }
}

function tellTask(state: ThreadState, at: number, threadId: string, report: SubThreadReport): ThreadState {
  return state.active === null ? state : tasks.onSubThreadReport(state, at, state.active, threadId, report);
}

/** @param joins it is the first run that stores the files, and they were there before */
function beginIn(state: ThreadState, at: number, joins: boolean): ThreadState {
  return joins ? storeStart(state, at) : state;
}

/** The first events of a thread. */
function announce(state: ThreadState, at: number, warnings: readonly string[]): ThreadState {
  const { threadId, settings, forkedFrom } = state;
  const started = emit(state, at, { type: 'thread/started', threadId, settings, forkedFrom });
  const bound = announceHost(started, at);
  return warnings.reduce((current, message) => emit(current, at, { type: 'warning', message }), bound);
}

function announceHost(state: ThreadState, at: number): ThreadState {
  const { host, cwd, root = cwd, managed } = state.settings;
  if (host === undefined) return state;
  return emit(state, at, { type: 'workspace/bound', host, cwd, root, ...(managed !== undefined && { managed }) });
}

function orReject(
  state: ThreadState,
  event: MachineEvent,
  message: string,
  id: string | null,
  refusal: Refusal | null,
  accept: () => ThreadState,
): ThreadState {
  return refusal === null ? accept() : reject(state, event.at, message, id, refusal);
}

function reject(state: ThreadState, at: number, message: string, id: string | null, refusal: Refusal): ThreadState {
  const counters = { ...state.counters, rejectedMessages: state.counters.rejectedMessages + 1 };
  const { code, reason } = refusal;
  const told = emit({ ...state, counters }, at, { type: 'message/rejected', message, code, reason, id });
  return message === 'submitTurn' ? reportRefused(told, id, refusal) : told;
}

/** Reports to the threads above that a request which they may show is not open: nobody could answer it there. */
function withdrawAbove(state: ThreadState, requestId: string | null): ThreadState {
  if (requestId === null) return state;
  return reportUp(state, { type: 'requestResolved', requestId, decision: 'cancel', by: 'abort' });
}

type Of<T extends MachineEvent['type']> = Extract<MachineEvent, { type: T }>;

function submit(state: ThreadState, event: Of<'turnSubmitted'>): ThreadState {
  const { turn, at } = event;
  if (isKnownTurn(state, turn.turnId)) return state;
  const refusal = refuseTurn(state, turn);
  if (refusal !== null) return reject(state, at, 'submitTurn', turn.turnId, refusal);
  const known = rememberTurn(state, turn.turnId);
  const { active } = known;
  if (active === null) return { ...known, queue: [...known.queue, toQueuedTurn(turn)] };
  if (runsBeside(turn.kind) && turn.onBusy === undefined) return tasks.begin(known, at, toQueuedTurn(turn));
  if (turn.onBusy === 'steer') return steerActive(known, event, turn.input, turn.turnId);
  if (turn.onBusy === 'queue') {
    const queued = { ...known, queue: [...known.queue, toQueuedTurn(turn)] };
    return emit(queued, at, { type: 'turn/queued', turnId: turn.turnId, kind: turn.kind });
  }
  const next = { ...known, queue: [toQueuedTurn(turn), ...known.queue] };
  return abort(next, event, active, 'replaced', byTurn(turn.turnId));
}

/**
 * @param steerTurnId the turn that was submitted to steer, which gets no events but its terminal one; null for a plain
 * steer.
 */
function steerActive(
  state: ThreadState,
  event: MachineEvent,
  input: Of<'turnSteered'>['steer']['input'],
  steerTurnId: string | null,
): ThreadState {
  const { active } = state;
  if (active === null) return state;
  const told = emit(state, event.at, { type: 'turn/steered', turnId: active.turnId, steerTurnId });
  return tasks.steer(told, event.at, active, input, event.running);
}

function interrupt(before: ThreadState, event: Of<'interruptRequested'>): ThreadState {
  const { turnId, reason, tree, keepSessions } = event.interrupt;
  const state = tree === true && turnId === undefined ? dropGiven(before, event.at, reason ?? null) : before;
  const isIdle = state.active === null && state.beside.length === 0;
  const stopped = isIdle && turnId === undefined && keepSessions !== true ? stopSessions(state) : state;
  if (tree === true && state.active === null) return stopAgents(stopped, reason ?? 'interrupted', keepSessions);
  const turn = turnId === undefined ? (state.active ?? state.beside.at(-1) ?? null) : findTurn(state, turnId);
  if (turn !== null) return abort(state, event, turn, 'interrupted', reason ?? null);
  return turnId === undefined ? stopped : dropQueued(state, event.at, turnId, 'interrupted', reason ?? null);
}

/** What an agent was given to do next ends with what it does now. */
function dropGiven(state: ThreadState, at: number, reason: string | null): ThreadState {
  if (!stopsAll(state)) return state;
  return queuedGiven(state).reduce((current, id) => dropQueued(current, at, id, 'interrupted', reason), state);
}

function abort(state: ThreadState, event: MachineEvent, turn: ActiveTurn, reason: AbortReason, detail: string | null) {
  // Its outcome is known; only the snapshot of its files is missing, and is no longer waited for.
  const stopped = endsSessions(event, turn, state) ? stopSessions(state) : state;
  if (turn.ending !== undefined) return concludeTurn(stopped, event.at, turn, null);
  if (turn.aborting !== null) return stopped;
  const steps = stepsOf(state, turn);
  const running = event.running.filter((id) => steps.includes(id));
  const cleaning = stopped === state ? [] : [actionIds.clean(stopped.cleanUps)];
  const children = stopChildren(stopped, turn, reason, keepsSessions(event, reason));
  const awaited = [...running, ...children.awaited, ...cleaning];
  return abortTurn(children.state, event.at, turn, { reason, detail }, awaited);
}

/** A person has cancelled a request of the turn, or a policy has. */
function interruptByAnswer(state: ThreadState, event: MachineEvent, active: RegularTurn, detail: string) {
  const { interrupt: _taken, ...turn } = active;
  return abort(withTurn(state, turn), event, turn, 'interrupted', detail);
}

/** Whether agents keep their sessions, as the thread does. Only an answer interrupts a turn without being an interrupt. */
function keepsSessions(event: MachineEvent, reason: AbortReason): boolean {
  return event.type === 'interruptRequested' ? event.interrupt.keepSessions === true : reason === 'interrupted';
}

function endsSessions(event: MachineEvent, turn: ActiveTurn, { active }: ThreadState): boolean {
  return event.type === 'interruptRequested' && event.interrupt.keepSessions !== true && turn === active;
}

/** How the active turn ends if more is refused. */
function abortForBudget(event: MachineEvent): Abort {
  return (state, detail) =>
    state.active === null ? state : abort(state, event, state.active, 'budgetLimited', detail);
}

function beginClose(state: ThreadState, reason: string | null): ThreadState {
  if (state.status !== 'open') return state;
  const noted = openAgents(state).length === 0 ? state : noteChanged(state);
  return closeChildren({ ...noted, status: 'closing', closeReason: reason }, 'its parent thread was closed');
}

/**
 * A message that could not be delivered: the child is gone, or, for a report to the parent, this thread has no purpose
 * any longer.
 */
function onDelivery(state: ThreadState, at: number, event: Of<'messageSent'>): ThreadState {
  const taken = delivered(state, event.id);
  if (taken === null || event.delivered || state.status === 'closed') return taken?.state ?? state;
  if (state.settings.parent?.threadId === taken.to) return beginClose(taken.state, 'its parent thread is gone');
  return withdrawRequestsOf(onGone(taken.state, at, taken.to), at, taken.to);
}

function answer(state: ThreadState, event: Of<'requestAnswered'>): ThreadState {
  const request = state.requests.find((open) => open.requestId === event.answer.requestId);
  const turn = request === undefined ? null : findTurn(state, request.turnId);
  if (request === undefined) return state;
  if (request.origin !== null) return passAnswerDown(state, request, event.answer);
  if (request.type === 'budget' && turn?.aborting == null) {
    const given = { decision: event.answer.decision, by: event.by };
    return answerBudget(state, event.at, request, given, abortForBudget(event));
  }
  // A turn that is being aborted accepts no answers; its requests are withdrawn with it.
  if (turn === null) return closeRequest(state, event.at, request.requestId, 'cancel', 'abort');
  if (turn.aborting !== null || turn.ending !== undefined) return state;
  return tasks.onEvent(state, turn, event);
}

/** Handles steps of the thread itself here; those of a turn go to its kind. */
function endStep(before: ThreadState, ended: Of<'stepEnded'>): ThreadState {
  if (ended.activity === 'lookForHost') return onProbed(before, ended.at, ended.end);
  const behind = ended.activity === 'cleanWorkspace' ? onCleanedBehind(before, ended) : null;
  if (behind !== null) return behind;
  const mayMove = before.status === 'open' || !closesWithoutHost(before);
  const lost = mayMove ? onLostHost(before, ended) : null;
  if (lost !== null) return lost;
  const state =
    ended.end.type === 'done'
      ? onHostBack(onStepDone(before, ended.activity), ended.activity)
      : noteLostHost(before, ended);
  const event = asLost(state, ended);
  if (event.activity === 'rememberRule') return onKept(state, event);
  if (event.activity === 'storeSnapshots') return onStored(state, event);
  if (event.activity === 'releaseSnapshots') return onRelease(state, event.at, event.end);
  if (event.activity === 'registerAgentTask') return onRegistration(state, event);
  if (event.activity === 'cleanWorkspace') return onCleanUp(state, event);
  if (event.activity === 'awaitSessions') return onSessionWait(state, event);
  return event.activity === 'archiveSegment' ? onArchiving(state, event) : endOfTurn(state, event);
}

function endOfTurn(state: ThreadState, event: Exclude<TaskEvent, { type: 'requestAnswered' }>): ThreadState {
  const isSnapshot = event.type === 'stepEnded' && event.activity === 'takeSnapshot';
  const ending = isSnapshot ? findEnding(state, event.id) : null;
  if (isSnapshot && ending !== null) return onLastSnapshot(state, event.at, ending, event.end);
  const turn = [state.active, ...state.beside].find((one) => one !== null && isOf(state, one, event.id));
  if (turn) return tasks.onEvent(state, turn, event);
  const dropped = { ...state, counters: { ...state.counters, droppedResults: state.counters.droppedResults + 1 } };
  if (event.type === 'childStarted') return event.failure === null ? onLateStart(dropped, event.id) : dropped;
  const late = spendingOf(event);
  return late === null ? dropped : chargeThread(dropped, event.at, late);
}

/** Ids of the steps and children that a turn requests now. */
function stepsOf(state: ThreadState, turn: ActiveTurn): string[] {
  return tasks.desiredActions(state, turn).flatMap(({ type, id }) => (type === 'awaitTime' ? [] : [id]));
}

/** Whether a turn waits for the end of an action. */
export function isOf(state: ThreadState, turn: ActiveTurn, actionId: string): boolean {
  if (turn.ending !== undefined) return false;
  return (turn.aborting?.awaiting ?? stepsOf(state, turn)).includes(actionId);
}

/** Usage of a model call that ended too late for its turn. */
export function spendingOf(event: StepEnded): ModelSpending | null {
  if (event.activity === 'compactContext' && event.end.type === 'done') return event.end.value;
  const answer = event.activity === 'callModel' && event.end.type === 'done' ? event.end.value : null;
  return answer?.type === 'answered' ? answer : null;
}

function onRegistration(state: ThreadState, event: StepEvent<'registerAgentTask'>): ThreadState {
  const ended = endRegistration(state, event.at, event.id, event.end);
  if (ended === null) return state;
  const { failure } = ended;
  if (failure === null) return ended.state;
  if (state.status !== 'open') return ended.state;
  if (ended.purpose === 'prewarm') {
    return emit(ended.state, event.at, {
      type: 'warning',
      message: `The agent task could not be registered ahead of time: ${failure.message}`,
    });
  }
  if (ended.purpose === 'renew') return onFailedRenewal(ended.state, event.at, failure.message);
  const turn = ended.state.active;
  const waits =
    turn !== null &&
    tasks.needsAgentTask(turn) &&
    turn.aborting === null &&
    turn.ending === undefined &&
    !isReady(ended.state);
  return waits ? failTurn(ended.state, event.at, turn, { code: failure.code, message: failure.message }) : ended.state;
}

function onCleanUp(state: ThreadState, { id, at, end }: StepEvent<'cleanWorkspace'>): ThreadState {
  if (state.cleanUp === null || actionIds.clean(state.cleanUp.number) !== id) return state;
  const gone = end.type === 'done' && end.value.gone === true;
  const cleaned = [state.active, ...state.beside].reduce<ThreadState>(
    (current, turn) =>
      turn?.aborting?.awaiting.includes(id) === true ? onStepStopped(current, turn, id, gone) : current,
    onSessionsCleaned({ ...state, cleanUp: null }, at),
  );
  const ended = end.type === 'done' ? end.value.ended : null;
  if (ended === 0 || (state.status === 'closed' && isSilentOnceClosed(state))) return cleaned;
  const what =
    ended === null ? 'could not be looked at' : `had ${ended} processes left over from a lost step; they were ended`;
  return emit(cleaned, at, { type: 'warning', message: `Workspace ${state.settings.cwd} ${what}.` });
}

function onTime(state: ThreadState, event: Of<'timeCame'>, about: TimerAbout): ThreadState {
  switch (about.type) {
    case 'requestDeadline': {
      const request = state.requests.find((open) => open.requestId === about.requestId);
      if (request === undefined) return state;
      const given = { requestId: request.requestId, decision: request.default };
      return answer(state, {
        type: 'requestAnswered',
        answer: given,
        by: 'deadline',
        at: event.at,
        running: event.running,
      });
    }
    case 'hostProbe':
      return onProbeDue(state, about.turnId);
    case 'storeAgain':
      return onStoreDue(state, event.at);
    case 'budget':
      // Limits are checked after every event.
      return state;
    case 'expiry': {
      if (dueAt(state) !== about.at) return state;
      return state.settings.agentIdentity.mode === 'strict' ? warnOfEnd(state, event.at) : renewAhead(state);
    }
    case 'agentWait': {
      const turn = findTurn(state, about.turnId);
      return turn === null ? state : tasks.waitIsOver(state, event.at, turn, about.index);
    }
    case 'quiescence': {
      const turn = findTurn(state, about.turnId);
      if (turn?.ending !== undefined) return concludeTurn(state, event.at, turn, null);
      if (turn?.aborting == null || turn.aborting.awaiting.length === 0) return state;
      const commandIds = turn.aborting.awaiting.filter((id) => id.startsWith('tool/'));
      const given = withTurn(state, { ...turn, aborting: { ...turn.aborting, awaiting: [], quiescent: false } });
      return needCleanUp(given, commandIds);
    }
  }
}

function onArchiving(state: ThreadState, { id, at, end }: StepEvent<'archiveSegment'>): ThreadState {
  const segment = state.rollover?.archiving;
  if (!segment || actionIds.archive(segment.segmentId) !== id) return state;
  if (end.type === 'done') {
    const { segmentId } = end.value ?? segment;
    const shorter = { ...state, log: withoutSegment(state.log, { ...segment, segmentId }) };
    return { ...shorter, rollover: { archiving: archivable(shorter) } };
  }
  // No event follows the end of a thread.
  if (state.status === 'closed') return { ...state, rollover: { archiving: null } };
  const { message } = toTurnError(end, 'it was stopped.');
  return emit({ ...state, rollover: { archiving: null } }, at, {
    type: 'warning',
    message: `The past of this thread could not be archived and is carried along: ${message}`,
  });
}

// -------------------------------------------------------------------------------------------------------- settling

function advance(state: ThreadState, event: MachineEvent): ThreadState {
  let current = state;
  for (;;) {
    const next = settleOnce(current, event);
    if (next === current) return current;
    current = next;
  }
}

function settleOnce(state: ThreadState, event: MachineEvent): ThreadState {
  if (isConversation(state.active) && state.active.interrupt !== undefined)
    return interruptByAnswer(state, event, state.active, state.active.interrupt);
  if (state.status === 'closing') {
    const closing = advanceClosing(state, event);
    if (closing !== state) return closing;
  }
  for (const turn of [state.active, ...state.beside]) {
    if (turn?.aborting?.awaiting.length === 0 && turn.ending === undefined)
      return tasks.finishAbort(abandonUnstarted(state, event.at, turn), event.at, turn);
  }
  const [next, ...rest] = state.queue;
  if (state.active === null && next !== undefined && state.moving === undefined)
    return tasks.begin({ ...withoutRelocation(state), queue: rest }, event.at, next);
  const budgeted = settleBudgets(state, event);
  if (budgeted !== state) return budgeted;
  const { active } = state;
  if (active !== null)
    return active.aborting === null && active.ending === undefined && !isHeld(state)
      ? tasks.advance(state, event.at, active)
      : state;
  return isSpent(state) ? beginClose(state, 'its one turn has ended') : state;
}

function settleBudgets(state: ThreadState, event: MachineEvent): ThreadState {
  if (state.status !== 'open') return state;
  const turn = limitedTurn(state);
  const wanted = turn === null ? [] : tasks.desiredActions(state, turn);
  const isRunning = ({ id }: Action) => event.running.includes(id);
  const step = wanted.some((action) => isModelCall(action) && !isRunning(action));
  const asks = state.requests.some(({ turnId, origin }) => turnId === turn?.turnId && origin === null);
  const stands = turn !== null && saysThatItStands(state) && !asks && !wanted.some(isRunning);
  return settleBudget(state, event.at, { step, stands }, abortForBudget(event));
}

/** A review has one turn, and no purpose after it. */
function isSpent(state: ThreadState): boolean {
  return state.status === 'open' && state.settings.parent?.role === 'review' && state.turnCount > 0;
}

/** Closing: everything queued is dropped, everything running aborted; then the thread is closed. */
function advanceClosing(state: ThreadState, event: MachineEvent): ThreadState {
  const [queued] = state.queue;
  if (queued !== undefined) return dropQueued(state, event.at, queued.turnId, 'threadClosed', state.closeReason);
  const open = [state.active, ...state.beside].find(
    (turn) => turn !== null && (turn.aborting === null || turn.ending !== undefined),
  );
  if (open) return abort(state, event, open, 'threadClosed', state.closeReason);
  if (state.active !== null || state.beside.length > 0) return state;
  const [request] = state.requests;
  // A request of a child, or one for more budget: the child is asked to close, and no thread is left to pass an answer
  // on.
  if (request !== undefined) return closeRequest(state, event.at, request.requestId, 'cancel', 'abort');
  const stopped = stopSessions(state);
  if (stopped !== state || isEndingSessions(state)) return stopped;
  const storing = storeBeforeClose(state, event.at);
  if (isStoring(storing)) return storing;
  if (state.snapshots.kept) return state;
  const closed = emit({ ...state, status: 'closed' }, event.at, { type: 'thread/closed', reason: state.closeReason });
  // As much as possible is archived, so that the handover is small if the thread is resumed.
  const left = { ...closed, rollover: { archiving: closed.rollover?.archiving ?? archivable(closed) } };
  return report(left, { type: 'closed', reason: state.closeReason });
}

// -------------------------------------------------------------------------------------------------------- deciding

/** Every action that must be under way. @param running ids of those that are. */
export function decide(state: ThreadState, running: readonly string[]): Action[] {
  if (state.status === 'closed') return wantedAtEnd(state);
  const work = withRelocation(state, wantedSteps(state, running), running);
  const steps = [...work, ...wantedProbe(state, work)];
  const timers = wantedTimers(state);
  const busy = steps.some((step) => step.type !== 'awaitTime' && running.includes(step.id));
  const archiving = wantedArchiving(state);
  if (state.rollover === null || busy || isStopping(state) || isWaitedFor(state)) {
    const underWay = finishesUpdates(state) ? archiving.filter(({ id }) => running.includes(id)) : [];
    return [...steps, ...timers, ...underWay];
  }
  return archiving.length === 0 ? [{ type: 'continueAsNew', id: 'continueAsNew' }] : [...archiving, ...timers];
}

function wantedArchiving(state: ThreadState): Action[] {
  const segment = state.rollover?.archiving ?? null;
  return segment === null ? [] : [toArchiving(state, segment)];
}

/** An update may wait for it, and a run that continues as new waits for its updates. */
function isWaitedFor(state: ThreadState): boolean {
  return finishesUpdates(state) && (isEndingSessions(state) || state.moving !== undefined);
}

function toArchiving({ threadId }: ThreadState, segment: ArchiveSegment): Action {
  const { segmentId, items } = segment;
  return {
    type: 'step',
    id: actionIds.archive(segmentId),
    activity: 'archiveSegment',
    input: { threadId, segment },
    options: retried('60s', 5),
    summary: toSummary('archive', `items ${items.from} to ${items.to}`),
  };
}

function wantedAtEnd(state: ThreadState): Action[] {
  const wanted = [...wantedRules(state), ...wantedMessages(state), ...wantedArchiving(state)];
  return wanted.length > 0 ? wanted : [{ type: 'complete', id: 'complete' }];
}

function wantedSteps(state: ThreadState, running: readonly string[]): Action[] {
  const turns = [state.active, ...state.beside].filter((turn) => turn?.aborting === null && turn.ending === undefined);
  const held = isHeld(state);
  const full = decidesAnew(state) && isOutboxFull(state);
  const ofTurns = turns.flatMap((turn) => {
    const all = turn === null ? [] : tasks.desiredActions(state, turn);
    // Waiting messages are sent before another model step adds more.
    const wanted = full ? all.filter((action) => !isModelCall(action) || running.includes(action.id)) : all;
    // Running actions continue; they are stopped only if more is refused.
    return held && turn?.limited === true ? wanted.filter(({ id }) => running.includes(id)) : wanted;
  });
  return [
    // Running actions continue in parallel with a clean-up, which ends only processes of lost steps.
    ...[...ofTurns, ...wantedLastSnapshot(state), ...wantedStore(state)].filter(
      (step) => state.cleanUp === null || !isOnWorkspace(step) || running.includes(step.id),
    ),
    ...wantedRegistration(state),
    ...wantedCleanUp(state),
    ...wantedCleanUpsBehind(state),
    ...wantedRelease(state),
    ...wantedRules(state),
    ...wantedMessages(state),
  ];
}

function isOnWorkspace(action: Action): boolean {
  return action.type === 'step' && action.onWorkspace === true;
}

function wantedCleanUp(state: ThreadState): Action[] {
  const { cleanUp } = state;
  if (cleanUp === null) return [];
  const workspace = state.settings.cwd;
  return [
    {
      type: 'step',
      id: actionIds.clean(cleanUp.number),
      activity: 'cleanWorkspace',
      input: { workspace, commandIds: cleanUp.commandIds },
      options: retried('60s', 10),
      summary: toSummary('clean up', workspace),
    },
  ];
}

function isStopping(state: ThreadState): boolean {
  return [state.active, ...state.beside].some((turn) => turn?.aborting != null);
}

function wantedTimers(state: ThreadState): Action[] {
  const bounds = [state.active, ...state.beside].flatMap((turn): Action[] =>
    turn?.aborting == null
      ? []
      : [
          {
            type: 'awaitTime',
            id: actionIds.quiescence(turn.turnId),
            at: turn.aborting.since + QUIESCENCE_BOUND_MS,
            about: { type: 'quiescence', turnId: turn.turnId },
            summary: toSummary('stop', `of turn ${turn.turnId}`),
          },
        ],
  );
  return [
    ...wantedDeadlines(state),
    ...wantedBudgetTimer(state),
    ...bounds,
    ...wantedExpiryTimer(state),
    ...wantedWatches(state),
    ...wantedSessionWait(state),
    ...wantedStoreTimer(state),
  ];
}
