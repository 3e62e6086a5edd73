/**
 * `regular`: model steps and the tool calls they request, until the model requests no more. If the context has reached
 * its limit, it is compacted before the next step.
 */
import { ensure, isReady, noteFailure, renewOnce } from '../agent-task/agent-task.ts';
import { currentTask } from '../agent-task/expiry.ts';
import type { StepOutput } from '../../../activities/contract.ts';
import type { McpWarning } from '../../../activities/ports.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { isCostLimited } from '../budget/budget.ts';
import { charge, quietenAndCharge } from '../turns/charging.ts';
import { compactionPhase, wantedCompaction } from '../turns/compaction.ts';
import { isOverLimit, withStep } from '../state/context.ts';
import { addItem, changeItem, emit, itemCount } from '../state/log.ts';
import { hasMail, onMail } from '../turns/inbox.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import { dismissSnapshot, recordSnapshot, tellOnce, wantedSnapshot } from '../turns/snapshots.ts';
import {
  type QueuedTurn,
  type RegularTurn,
  type ThreadState,
  answersTakeLong,
  callsOf,
  isConversation,
} from '../state/state.ts';
import { type StepEnd, type StepEvent, type StepValue, retried, stepIds, toSummary } from '../state/steps.ts';
import {
  addUserMessage,
  emitStarted,
  endTurn,
  failTurn,
  newTurn,
  tellLeftOver,
  toTurnError,
  withOverrides,
  withTurn,
} from '../turns/turns.ts';
import {
  type ModelStage,
  compactBefore,
  nextStep,
  onCompactionEnd,
  onSmallerWindow,
  tokensToCheck,
} from './next-step.ts';
import { endWaitInTime } from '../tools/agents.ts';
import { onAnswer, onRules } from '../tools/call-approval.ts';
import { labelOf } from '../tools/labels.ts';
import { toToldSessions } from '../tools/sessions.ts';
import { type TaskKind, inWorkspace } from './task.ts';
import {
  advanceCalls,
  callActions,
  endCallsOfFolder,
  recordCall,
  onCallEnd,
  onChildStart,
} from '../tools/tool-calls.ts';

export const regular: TaskKind<RegularTurn> = {
  kind: 'regular',
  talks: true,
  steers: true,
  steer,

  begin(state, at, queued) {
    const begun = beginRegular(state, at, queued);
    const turn = begun.active;
    if (!isConversation(turn) || !isOverLimit(begun.context, begun.settings.model)) return begun;
    return compactBefore(begun, at, turn, 'preTurn', begun.settings.model) ?? begun;
  },

  advance(state, at, turn) {
    if (turn.stage.type !== 'tools') return ensure(state);
    const { calls } = turn.stage;
    return calls.length === 0 ? nextStep(state, at, turn) : advanceCalls(state, at, turn, calls);
  },

  desiredActions(state, turn) {
    if (turn.stage.type === 'tools') return callActions(state, turn, turn.stage.calls);
    if (turn.stage.type === 'compacting') return wantedCompaction(state, turn.turnId, turn.stage.compaction);
    return isReady(state) ? [toModelStep(state, turn, turn.stage)] : [];
  },

  needsAgentTask: (turn) => turn.stage.type !== 'tools',

  waitIsOver: endWaitInTime,

  onMoved: endCallsOfFolder,

  abort(state, at, turn, text) {
    const { turnId, step } = turn;
    const told = tellLeftOver(state, at, turn);
    return text === null ? told : addItem(told, at, { type: 'turnAborted', turnId, step, text });
  },

  phase(state, turn) {
    if (turn.stage.type === 'compacting') return compactionPhase(state, turn.stage.compaction);
    if (turn.stage.type === 'model')
      return isReady(state) ? { type: 'callingModel', step: turn.step } : { type: 'waitingForAgentTask' };
    const calls = callsOf(turn);
    const names = (running: boolean) =>
      calls.filter((call) => (call.status === 'running') === running).map(({ index }) => labelOf(state, index));
    return inWorkspace(state, { type: 'runningTools', step: turn.step, running: names(true), waiting: names(false) });
  },

  onEvent(state, turn, event) {
    if (event.type === 'childStarted') return onChildStart(state, turn, event);
    if (event.type === 'requestAnswered') return onAnswer(state, turn, event);
    if (event.activity === 'callModel') return onModelEnd(state, turn, event);
    if (event.activity === 'compactContext') return onCompactionEnd(state, turn, event);
    return event.activity === 'findRules' ? onRules(state, turn, event) : onCallEnd(state, turn, event);
  },
};

function beginRegular(state: ThreadState, at: number, turn: QueuedTurn): ThreadState {
  const active: RegularTurn = {
    ...newTurn(state, turn.turnId, at),
    kind: 'regular',
    step: 1,
    pendingInput: [],
    stage: { type: 'model', tries: 0, renewed: false, compacted: false },
  };
  const begun = emitStarted({ ...withOverrides(state, turn.overrides), active }, at, turn, null);
  return onMail(addUserMessage(begun, at, turn.turnId, 0, turn.input), at, { turnId: turn.turnId, step: 0 });
}

/** Steered input waits for the next model request, which is this one if none is under way. */
function steer(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  input: RegularTurn['pendingInput'][number],
  running: readonly string[],
): ThreadState {
  const untold = turn.stage.type === 'model' && !running.includes(modelActionId(turn));
  if (untold) return addUserMessage(state, at, turn.turnId, turn.step, input);
  return withTurn(state, { ...turn, pendingInput: [...turn.pendingInput, input] });
}

function modelActionId(turn: RegularTurn): string {
  const tries = turn.stage.type === 'model' ? turn.stage.tries : 0;
  return actionIds.model(turn.turnId, turn.step, tries);
}

function toModelStep(state: ThreadState, turn: RegularTurn, stage: ModelStage): Action {
  const id = modelActionId(turn);
  const { turnId, step } = turn;
  const { model, agentIdentity } = state.settings;
  const sessions = toToldSessions(state);
  return {
    type: 'step',
    id,
    turnId,
    activity: 'callModel',
    input: {
      ...stepIds(state, id),
      turnId,
      step,
      contextVersion: itemCount(state.log),
      contextTokens: tokensToCheck(state, stage),
      agentTask: currentTask(state),
      agentIdentity,
      costLimited: isCostLimited(state),
      snapshot: wantedSnapshot(state, turn),
      ...(sessions.length === 0 ? {} : { sessions }),
    },
    options: retried(answersTakeLong(state) ? '24h' : '30m'),
    summary: toSummary('model', `${model} step ${step}`),
  };
}

function onModelEnd(state: ThreadState, turn: RegularTurn, event: StepEvent<'callModel'>): ThreadState {
  const { at, id, end } = event;
  const answer = answerOf(end);
  if (turn.aborting !== null) {
    const left = answer?.snapshot?.status === 'taken' ? dismissSnapshot(state, turn.turnId) : state;
    return quietenAndCharge(left, turn, event, { model: state.settings.model, answer });
  }
  if (turn.stage.type !== 'model') return state;
  switch (end.type) {
    case 'done':
      return end.value.type === 'answered'
        ? onAnswerOfModel(state, at, turn, end.value)
        : onSmallerWindow(state, at, turn, turn.stage, end.value.compactAt);
    case 'aborted':
      return failTurn(state, at, turn, toTurnError(end, `Model step ${id} was stopped by nobody in this thread.`));
    case 'failed':
      return onModelFailure(state, at, turn, turn.stage, end.failure);
  }
}

type ModelAnswer = Extract<StepValue<'callModel'>, { type: 'answered' }>;

function answerOf(end: StepEnd<'callModel'>): ModelAnswer | null {
  return end.type === 'done' && end.value.type === 'answered' ? end.value : null;
}

function onModelFailure(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  stage: ModelStage,
  failure: StepFailure,
): ThreadState {
  const noted = noteFailure(state, at, failure);
  const renewing = renewOnce(noted, at, failure, stage.renewed);
  if (renewing !== null) {
    const { renewed } = renewing;
    return withTurn(renewing.state, { ...turn, stage: { ...stage, tries: stage.tries + 1, renewed } });
  }
  const tooLong = failure.code === 'contextWindowExceeded' && !stage.compacted;
  const compacting = tooLong ? compactBefore(state, at, turn, 'overflow', state.settings.model) : null;
  return compacting ?? failTurn(noted, at, turn, { code: failure.code, message: failure.message });
}

function onAnswerOfModel(state: ThreadState, at: number, turn: RegularTurn, end: ModelAnswer): ThreadState {
  const { model } = state.settings;
  const context = withStep(state.context, model, end.usage, end.compactAt ?? null);
  const charged = charge({ ...state, context }, at, turn, model, end);
  const spent: RegularTurn = { ...charged.turn, stage: { type: 'tools', calls: [] } };
  const warned = warnOfServers(withTurn(charged.state, spent), at, end.mcpWarnings ?? []);
  const cut = end.cut === undefined ? warned : emit(warned, at, { type: 'warning', message: toCutWarning(end.cut) });
  const told = (end.warnings ?? []).reduce((current, warning) => tellOnce(current, at, warning), cut);
  const kept = end.snapshot === undefined ? told : recordSnapshot(told, at, spent, end.snapshot);
  const answered = end.output.reduce((current, output) => recordOutput(current, at, output), kept);
  const recorded = withSurroundings(answered, itemCount(kept.log), end);
  const now = recorded.active;
  if (!isConversation(now)) return recorded;
  const asked = end.output.some((output) => output.type === 'toolCall');
  if (asked) return recorded;
  return now.pendingInput.length > 0 || hasMail(recorded)
    ? nextStep(recorded, at, now)
    : endTurn(recorded, at, now, { status: 'completed' });
}

function toCutWarning(reason: string): string {
  return `The model's answer was cut before its end (${reason}); what had come of it is kept.`;
}

/** Servers whose warning is remembered. */
const WARNED = 100;

/** Once per server and thread, however often it fails. */
function warnOfServers(state: ThreadState, at: number, warnings: readonly McpWarning[]): ThreadState {
  return warnings.reduce((current, { server, message }) => {
    if (current.warnedOfServers.includes(server)) return current;
    const warned = { ...current, warnedOfServers: [...current.warnedOfServers, server].slice(-WARNED) };
    return emit(warned, at, { type: 'warning', message });
  }, state);
}

/** Kept with the first item of the answer, so that both are dropped or replaced together. */
function withSurroundings(state: ThreadState, first: number, { environment, localImages }: ModelAnswer): ThreadState {
  if ((environment === undefined && localImages === undefined) || itemCount(state.log) <= first) return state;
  return changeItem(state, first, {
    ...(environment === undefined ? {} : { environment }),
    ...(localImages === undefined ? {} : { localImages }),
  });
}

function recordOutput(state: ThreadState, at: number, output: StepOutput): ThreadState {
  const turn = state.active;
  if (!isConversation(turn)) return state;
  const place = { turnId: turn.turnId, step: turn.step };
  switch (output.type) {
    case 'message':
      return addItem(withTurn(state, { ...turn, lastAgentMessage: output.text }), at, {
        type: 'agentMessage',
        ...place,
        text: output.text,
      });
    case 'reasoning':
      return addItem(state, at, {
        type: 'reasoning',
        ...place,
        summary: output.summary,
        ...(output.id === undefined ? {} : { reasoningId: output.id }),
        ...(output.encryptedContent === undefined ? {} : { encryptedContent: output.encryptedContent }),
      });
    case 'webSearch':
      return addItem(state, at, { type: 'webSearch', ...place, action: output.action });
    case 'toolCall':
      return recordCall(state, at, turn, output);
  }
}
