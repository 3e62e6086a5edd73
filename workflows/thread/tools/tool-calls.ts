/** The tool calls of one model step: recorded before they run, asked for where they must be, side by side where they only read. */
import type { StepOutput } from '../../../activities/contract.ts';
import { patchHint, patchProgram } from '../../../src/contract/plain/patch-as-command.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { isRoot, sandboxFor, sandboxForPatch, toAbsolute } from '../approvals/policy.ts';
import { addItem, changeItem, completeItem, emit, itemAt, itemCount } from '../state/log.ts';
import type { MachineEvent } from '../state/inputs.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';
import { type RegularTurn, type ThreadState, type ToolCall, decidesAnew } from '../state/state.ts';
import type { StepEnded } from '../state/steps.ts';
import { parseCall, parseForeignCall } from './read-call.ts';
import { quieten } from '../turns/turns.ts';
import {
  type AgentOutcome,
  ENDED_WAIT,
  agentActionId,
  agentCallActions,
  beginAgentCall,
  endSpawn,
  waitedEnough,
} from './agent-calls.ts';
import { askQuestion, decideCall, reachedPaths, toLookup, toWritable } from './call-approval.ts';
import { changeCalls, endCall, removeCall, setStatus, withCall } from './call-list.ts';
import { needCleanUp, toCommandResult, toCommandStep } from './command-step.ts';
import { toMcpResult, toMcpStep } from './mcp-step.ts';
import { toPatchResult, toPatchStep } from './patch-step.ts';

type ToolCallOutput = Extract<StepOutput, { type: 'toolCall' }>;

// ------------------------------------------------------------------------------------------------------- recording

export function recordCall(state: ThreadState, at: number, turn: RegularTurn, output: ToolCallOutput): ThreadState {
  const { mcp } = output;
  const parsed =
    mcp === undefined
      ? parseCall(output.name, output.arguments)
      : { ...parseForeignCall(output.name, output.arguments), mcp };
  const base = {
    turnId: turn.turnId,
    step: turn.step,
    callId: output.callId,
    call: { name: output.name, arguments: output.arguments },
    status: 'inProgress' as const,
    output: '',
  };
  const call: ToolCall = {
    index: itemCount(state.log),
    tool: 'exec',
    readOnly: false,
    status: 'pending',
    escalated: false,
    justification: '',
    timeoutMs: 0,
    cwd: state.settings.cwd,
    until: null,
  };
  switch (parsed.type) {
    case 'invalid':
      return addItem(state, at, { ...base, type: 'dynamicToolCall', status: 'failed', output: parsed.message });
    case 'plan': {
      const { plan, explanation } = parsed;
      const told = emit(state, at, { type: 'turn/plan/updated', turnId: turn.turnId, explanation, plan });
      return addItem(told, at, {
        ...base,
        type: 'plan',
        status: 'completed',
        output: 'Plan updated',
        plan,
        explanation,
      });
    }
    case 'question': {
      const item = addItem(state, at, { ...base, type: 'userInput', questions: parsed.questions, answers: null });
      return withCall(item, { ...call, tool: 'question' });
    }
    case 'agent': {
      const { arguments: args } = parsed;
      const prompt = 'message' in args ? args.message : '';
      const item = { ...base, type: 'collabAgentToolCall' as const, tool: args.tool, receiverThreadIds: [], prompt };
      return withCall(addItem(state, at, item), { ...call, tool: 'agent', readOnly: true });
    }
    case 'patch': {
      const item = addItem(state, at, { ...base, type: 'fileChange', patch: parsed.patch, changes: [] });
      const { leads } = output;
      return withCall(item, { ...call, tool: 'patch', ...(leads === undefined ? {} : { leads }) });
    }
    case 'foreign': {
      const { server, tool, readOnly, approval } = parsed.mcp;
      const named = { ...base, type: 'mcpToolCall' as const, server, tool };
      const item = addItem(state, at, { ...named, arguments: parsed.arguments, durationMs: null });
      return withCall(item, { ...call, tool: 'mcp', readOnly, approval });
    }
    case 'exec': {
      const { command, escalated, justification, timeoutMs } = parsed;
      const patch = decidesAnew(state) ? patchProgram(command) : null;
      if (patch !== null)
        return addItem(state, at, { ...base, type: 'dynamicToolCall', status: 'failed', output: patchHint(patch) });
      const cwd = toAbsolute(parsed.workdir ?? '.', state.settings.cwd);
      const readOnly =
        !escalated && (state.settings.sandbox === 'read-only' || isKnownSafe(command, isRoot(cwd, state.settings.cwd)));
      const item = { ...base, type: 'commandExecution' as const, command, cwd, source: 'agent' as const };
      const added = addItem(state, at, { ...item, exitCode: null, durationMs: null });
      return withCall(added, { ...call, readOnly, escalated, justification, timeoutMs, cwd });
    }
  }
}

// ------------------------------------------------------------------------------------------------- asking, running

/** Calls of one turn that run at a time. One answer can hold hundreds, and a worker serves other threads, too. */
const SIDE_BY_SIDE = 8;

/** Lets every call begin whose turn has come: the first one, and with it those after it as long as all only read. */
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

/** A wait for agents is over when one has news, or when somebody has something new to say; null as long as it is not. */
function endWait(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState | null {
  if (turn.pendingInput.length > 0 || state.mailbox.length > 0) {
    return endCall(state, at, call, { status: 'completed', output: ENDED_WAIT.input });
  }
  const outcome = waitedEnough(state, call);
  return outcome === null ? null : takeOutcome(state, at, call, outcome);
}

/** The time of a wait for agents has come. */
export function endWaitInTime(state: ThreadState, at: number, turn: RegularTurn, index: number): ThreadState {
  const call = turn.stage.type === 'tools' ? turn.stage.calls.find((one) => one.index === index) : undefined;
  if (call === undefined || turn.aborting !== null) return state;
  return endCall(state, at, call, { status: 'completed', output: ENDED_WAIT.time });
}

function takeOutcome(state: ThreadState, at: number, call: ToolCall, outcome: AgentOutcome): ThreadState {
  switch (outcome.type) {
    case 'done': {
      const { ok, output, receivers } = outcome;
      const named = receivers === undefined ? {} : { receiverThreadIds: receivers };
      const change = { status: ok ? ('completed' as const) : ('failed' as const), output, ...named };
      return endCall(outcome.state, at, call, change);
    }
    case 'starting': {
      const receiverThreadIds = [outcome.child.threadId];
      return setStatus(changeItem(outcome.state, call.index, { receiverThreadIds }), call.index, 'running');
    }
    case 'waiting':
      return changeCalls(state, (calls) =>
        calls.map((one) => (one.index === call.index ? { ...one, status: 'running', until: outcome.until } : one)),
      );
  }
}

function beginCall(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState {
  const item = itemAt(state.log, call.index);
  if (item.type === 'collabAgentToolCall') return takeOutcome(state, at, call, beginAgentCall(state, at, turn, call));
  if (item.type === 'userInput') {
    return askQuestion(state, at, call, item.questions);
  }
  return decideCall(state, at, call);
}

export function callActions(state: ThreadState, turn: RegularTurn, calls: readonly ToolCall[]): Action[] {
  return calls.flatMap((call) => {
    if (call.status === 'lookingUp') return [toLookup(state, turn, call)];
    if (call.status !== 'running') return [];
    return call.tool === 'agent' ? agentCallActions(state, turn, call) : [toAction(state, turn, call)];
  });
}

function toAction(state: ThreadState, turn: RegularTurn, call: ToolCall): Action {
  const item = itemAt(state.log, call.index);
  const { index, cwd, readOnly, leads, timeoutMs } = call;
  const place = { turnId: turn.turnId, index };
  if (item.type === 'mcpToolCall') {
    const { server, tool } = item;
    return toMcpStep(state, place, { server, tool, arguments: item.arguments, readOnly });
  }
  if (item.type === 'fileChange') {
    const sandbox = sandboxForPatch(toWritable(state), reachedPaths(item.patch, call));
    return toPatchStep(state, place, { cwd, sandbox, ...(leads === undefined ? {} : { leads }) });
  }
  const command = item.type === 'commandExecution' ? item.command : '';
  const sandbox = sandboxFor(state.settings, call.escalated);
  return toCommandStep(state, place, { command, cwd, sandbox, timeoutMs });
}

// ------------------------------------------------------------------------------------------------------------ ends

export function takeCallEnd(state: ThreadState, turn: RegularTurn, event: StepEnded & { at: number }): ThreadState {
  const call =
    turn.stage.type === 'tools' &&
    turn.stage.calls.find(({ index }) => actionIds.tool(state.threadId, index) === event.id);
  const result = toResult(event);
  if (!call || result === null) return state;
  const { change, proven } = result;
  let next = removeCall(completeItem(state, event.at, call.index, change), call.index);
  if (!proven) next = needCleanUp(next, [event.id]);
  const current = next.active;
  return current?.aborting ? quieten(next, current, event.id, proven) : next;
}

/** The child of a call was started, or could not be. One whose turn is aborted is closed again. */
export function takeChildStart(
  state: ThreadState,
  turn: RegularTurn,
  event: Extract<MachineEvent, { type: 'childStarted' }>,
): ThreadState {
  const call = turn.stage.type === 'tools' && turn.stage.calls.find((one) => agentActionId(state, one) === event.id);
  if (!call) return state;
  const ended = endSpawn(state, event.at, call, event.failure?.message ?? null, turn.aborting === null);
  const next = removeCall(ended, call.index);
  const current = next.active;
  return current?.aborting ? quieten(next, current, event.id, true) : next;
}

function toResult(event: StepEnded) {
  if (event.activity === 'execCommand') return toCommandResult(event.end);
  if (event.activity === 'applyPatch') return toPatchResult(event.end);
  return event.activity === 'callMcpTool' ? toMcpResult(event.end) : null;
}
