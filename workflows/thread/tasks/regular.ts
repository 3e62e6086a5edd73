/** `regular`: model steps and the tool calls they ask for, until the model has no more to ask for. */
import { currentTask, ensure, isReady, renew, unfitness } from '../agent-task.ts';
import { actionIds } from '../actions.ts';
import type { McpWarning } from '../../../activities/ports.ts';
import { addItem, emit, itemCount } from '../log.ts';
import { hasMail, takeMail } from '../mail.ts';
import type { ModelEnd, ModelOutput, StepFailure } from '../machine-events.ts';
import { addUsage, type RegularTurn, type ThreadState } from '../state.ts';
import { addUserMessage, beginRegular, endTurn, failTurn, quieten, withTurn } from '../turns.ts';
import type { TaskKind } from './task.ts';
import {
  advanceCalls,
  callActions,
  ownsCall,
  recordCall,
  takeAnswer,
  takeCallEnd,
  takeChildStart,
} from './tool-calls.ts';

export const regular: TaskKind<RegularTurn> = {
  kind: 'regular',
  begin: beginRegular,
  steer,

  settle(state, at, turn) {
    if (turn.stage.type === 'model') return ensure(state);
    const { calls } = turn.stage;
    return calls.length === 0 ? nextStep(state, at, turn) : advanceCalls(state, at, turn, calls);
  },

  wants(state, turn) {
    if (turn.stage.type === 'tools') return callActions(state, turn, turn.stage.calls);
    if (!isReady(state)) return [];
    return [
      {
        type: 'callModel',
        id: modelActionId(turn),
        turnId: turn.turnId,
        step: turn.step,
        contextVersion: itemCount(state.log),
        agentTask: currentTask(state),
        agentIdentity: state.settings.agentIdentity,
      },
    ];
  },

  owns(state, turn, actionId) {
    return turn.stage.type === 'model' ? modelActionId(turn) === actionId : ownsCall(state, turn.stage.calls, actionId);
  },

  take(state, turn, event) {
    switch (event.type) {
      case 'modelEnded':
        return takeModelEnd(state, event.at, turn, event.id, event.end);
      case 'commandEnded':
      case 'patchEnded':
      case 'mcpCallEnded':
        return takeCallEnd(state, turn, event);
      case 'childStarted':
        return takeChildStart(state, turn, event);
      case 'requestAnswered':
        return takeAnswer(state, turn, event);
    }
  },
};

/** Steered input waits for the next model request, which is this one where none is under way. */
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

function nextStep(state: ThreadState, at: number, turn: RegularTurn): ThreadState {
  const told = turn.pendingInput.reduce(
    (current, input) => addUserMessage(current, at, turn.turnId, turn.step, input),
    state,
  );
  return withTurn(takeMail(told, at, turn), {
    ...turn,
    step: turn.step + 1,
    pendingInput: [],
    stage: { type: 'model', tries: 0, renewed: false },
  });
}

function takeModelEnd(state: ThreadState, at: number, turn: RegularTurn, id: string, end: ModelEnd): ThreadState {
  if (turn.aborting !== null) {
    const dropped = end.type === 'answered' ? 1 : 0;
    const counters = { ...state.counters, droppedResults: state.counters.droppedResults + dropped };
    return quieten({ ...state, counters }, turn, id, true);
  }
  switch (end.type) {
    case 'answered':
      return takeAnswerOfModel(state, at, turn, end);
    case 'aborted':
      return failTurn(state, at, turn, {
        code: 'internal',
        message: `Model step ${id} was stopped by nobody in this thread.`,
      });
    case 'failed':
      return takeModelFailure(state, at, turn, end.failure);
  }
}

function takeModelFailure(state: ThreadState, at: number, turn: RegularTurn, failure: StepFailure): ThreadState {
  const why = unfitness(state, failure);
  const again = turn.stage.type === 'model' && !turn.stage.renewed;
  if ((why === 'stale' || why === 'rejected') && again) {
    const renewing = renew(state, at, currentTask(state), why, failure);
    const tries = turn.stage.type === 'model' ? turn.stage.tries + 1 : 1;
    return withTurn(renewing, { ...turn, stage: { type: 'model', tries, renewed: true } });
  }
  return failTurn(state, at, turn, { code: failure.code, message: failure.message });
}

function takeAnswerOfModel(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  end: Extract<ModelEnd, { type: 'answered' }>,
): ThreadState {
  const total = addUsage(state.usage, end.usage);
  const spent: RegularTurn = { ...turn, usage: addUsage(turn.usage, end.usage), stage: { type: 'tools', calls: [] } };
  const recorded = end.output.reduce(
    (current, output) => recordOutput(current, at, output),
    warnOfServers(withTurn({ ...state, usage: total }, spent), at, end.mcpWarnings ?? []),
  );
  const now = recorded.active;
  if (now?.kind !== 'regular') return recorded;
  const asked = end.output.some((output) => output.type === 'toolCall');
  if (asked) return recorded;
  return now.pendingInput.length > 0 || hasMail(recorded)
    ? nextStep(recorded, at, now)
    : endTurn(recorded, at, now, { status: 'completed' });
}

/** Once for each server in the life of a thread, however often it fails. */
function warnOfServers(state: ThreadState, at: number, warnings: readonly McpWarning[]): ThreadState {
  return warnings.reduce((current, { server, message }) => {
    if (current.warnedOfServers.includes(server)) return current;
    const warned = { ...current, warnedOfServers: [...current.warnedOfServers, server] };
    return emit(warned, at, { type: 'warning', message });
  }, state);
}

function recordOutput(state: ThreadState, at: number, output: ModelOutput): ThreadState {
  const turn = state.active;
  if (turn?.kind !== 'regular') return state;
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
    case 'toolCall':
      return recordCall(state, at, turn, output);
  }
}
