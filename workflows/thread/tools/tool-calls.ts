/** The tool calls of one model step: recorded before they run, asked for if needed, in parallel if all only read. */
import type { StepOutput } from '../../../activities/contract.ts';
import { toItemId } from '../../../src/contract/plain/item-ids.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { type InvalidCall, isInvalid, notAnObject, toFields } from '../../../src/contract/plain/tools/tool.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { addItem, completeItem, itemCount } from '../state/log.ts';
import type { MachineEvent } from '../state/inputs.ts';
import { type RegularTurn, type ThreadState, type ToolCall, callsOf, stopsAll } from '../state/state.ts';
import type { StepEvent } from '../state/steps.ts';
import { awaitClose } from '../agents/sub-threads.ts';
import { requestIdOf, withdraw } from '../turns/requests.ts';
import { onStepStopped, warnOfForce } from '../turns/turns.ts';
import { endSpawn } from './agent-calls.ts';
import { endWait } from './agents.ts';
import { decideCall, toLookup } from './call-approval.ts';
import { endCall, removeCall } from './call-list.ts';
import { MOVED_BEFORE, onCommandEnd } from './command-step.ts';
import { actionIdOf, toolNamed, toolOf } from './index.ts';
import { beginSession, endSession } from './sessions.ts';

type ToolCallOutput = Extract<StepOutput, { type: 'toolCall' }>;

// ------------------------------------------------------------------------------------------------------- recording

export function recordCall(state: ThreadState, at: number, turn: RegularTurn, output: ToolCallOutput): ThreadState {
  const { callId, name, arguments: json } = output;
  const { turnId, step } = turn;
  const item = { turnId, step, callId, call: { name, arguments: json }, status: 'inProgress' as const, output: '' };
  const read = readOutput(output);
  if ('invalid' in read)
    return addItem(state, at, { ...item, type: 'dynamicToolCall', status: 'failed', output: read.invalid });
  const call: ToolCall = {
    index: itemCount(state.log),
    tool: read.key,
    readOnly: false,
    status: 'pending',
    escalated: false,
    justification: '',
    timeoutMs: 0,
    cwd: state.settings.cwd,
    until: null,
  };
  return toolOf(call).record(state, at, { item, call, output }, read.args);
}

function readOutput({
  name,
  arguments: json,
  mcp: route,
}: ToolCallOutput): { key: string; args: object } | InvalidCall {
  const fields = toFields(json);
  if (fields === null) return notAnObject(name);
  if (route !== undefined) return { key: 'mcp', args: { arguments: fields } };
  const named = toolNamed(name);
  if (named === null) return { invalid: `There is no tool named ${name.slice(0, LIMITS.idChars)}.` };
  const args = named.definition.read(fields);
  return isInvalid(args) ? args : { key: named.key, args };
}

// ------------------------------------------------------------------------------------------------- asking, running

/** Calls of one turn that run in parallel. One answer can hold hundreds, and a worker serves other threads, too. */
const SIDE_BY_SIDE = 8;

/** Begins the first call, and with it the calls after it as long as all only read. */
export function advanceCalls(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  calls: readonly ToolCall[],
): ThreadState {
  for (const call of calls) {
    const ended = call.until === null ? null : endWait(state, at, turn, call);
    if (ended !== null) return ended;
  }
  const barrier = calls.findIndex((call) => !call.readOnly);
  const allowed = barrier === 0 ? calls.slice(0, 1) : barrier === -1 ? calls : calls.slice(0, barrier);
  const next = allowed.slice(0, SIDE_BY_SIDE).find((call) => call.status === 'pending');
  return next === undefined ? state : beginCall(state, at, turn, next);
}

function beginCall(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState {
  return toolOf(call).begin?.(state, at, turn, call) ?? decideCall(state, at, call);
}

export function callActions(state: ThreadState, turn: RegularTurn, calls: readonly ToolCall[]): Action[] {
  return calls.flatMap((call) => {
    if (call.status === 'lookingUp') return toLookup(state, turn, call);
    return call.status === 'running' ? toolOf(call).actions(state, turn, call) : [];
  });
}

// ------------------------------------------------------------------------------------------------------------ ends

export function onCallEnd(state: ThreadState, turn: RegularTurn, event: StepEvent): ThreadState {
  const call = callsOf(turn).find(({ index }) => actionIds.tool(state.threadId, index) === event.id);
  const result = call === undefined ? null : toolOf(call).toResult(event, call);
  if (call === undefined || result === null) return state;
  const { change, forced, session } = result;
  // It was told to stop, and was left running before it heard of it.
  if (session?.type === 'begun' && turn.aborting !== null) {
    const stopped = { status: 'aborted' as const, output: 'aborted by user' };
    const ended = removeCall(completeItem(state, event.at, call.index, stopped), call.index);
    return onCommandEnd(ended, ended.active, event.id, { proven: false, late: true });
  }
  let next = removeCall(completeItem(state, event.at, call.index, change), call.index);
  if (forced !== undefined) next = warnOfForce(next, event.at, turn.turnId, toItemId(call.index), forced);
  if (session?.type === 'begun') next = beginSession(next, event.at, call, { ...session, commandId: event.id });
  if (session?.type === 'ended') next = endSession(next, event.at, session.end, true);
  return onCommandEnd(next, next.active, event.id, result);
}

/** The thread has moved to another folder. A person or a model decides anew about what has not run. */
export function endCallsOfFolder(state: ThreadState, at: number, turn: RegularTurn): ThreadState {
  const ofFolder = callsOf(turn).filter((call) => toolOf(call).inFolder === true);
  return ofFolder.reduce((current, call) => {
    const withdrawn = withdraw(current, at, ({ requestId }) => requestId === requestIdOf(call.index));
    return endCall(withdrawn, at, call, { status: 'failed', output: MOVED_BEFORE });
  }, state);
}

/** The child of a call has started, or could not. If the turn is aborted, the child is closed again, and waited for. */
export function onChildStart(
  state: ThreadState,
  turn: RegularTurn,
  event: Extract<MachineEvent, { type: 'childStarted' }>,
): ThreadState {
  const call = callsOf(turn).find((one) => actionIdOf(state, one) === event.id);
  if (call === undefined) return state;
  const ended = endSpawn(state, event.at, call, event.failure?.message ?? null, turn.aborting === null);
  const next = removeCall(ended, call.index);
  const current = next.active;
  if (!current?.aborting) return next;
  return event.failure === null && stopsAll(state)
    ? awaitClose(next, current, event.id)
    : onStepStopped(next, current, event.id, true);
}
