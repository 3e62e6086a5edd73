/** The tools that start and direct sub-agents; `agent-calls.ts` has their outcomes. */
import { AGENT_TOOLS, type AgentArguments } from '../../../src/contract/plain/tools/agents.ts';
import { addItem, changeItem } from '../state/log.ts';
import { type RegularTurn, type ThreadState, type ToolCall, callsOf } from '../state/state.ts';
import {
  type AgentOutcome,
  ENDED_WAIT,
  agentActionId,
  agentCallActions,
  beginAgentCall,
  waitedEnough,
} from './agent-calls.ts';
import { changeCalls, endCall, setStatus, withCall } from './call-list.ts';
import type { Tool } from './tool.ts';

export const agents: Tool<AgentArguments> = {
  definitions: AGENT_TOOLS,
  record(state, at, { item, call }, args) {
    const prompt = 'message' in args ? args.message : '';
    const said = { ...item, type: 'collabAgentToolCall' as const, tool: args.tool, receiverThreadIds: [], prompt };
    return withCall(addItem(state, at, said), { ...call, readOnly: true });
  },
  begin: (state, at, turn, call) => onOutcome(state, at, call, beginAgentCall(state, at, turn, call)),
  actions: agentCallActions,
  actionId: agentActionId,
  toResult: () => null,
};

function onOutcome(state: ThreadState, at: number, call: ToolCall, outcome: AgentOutcome): ThreadState {
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

/** A wait for agents is over when one has a report, or when there is new input; null until then. */
export function endWait(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState | null {
  if (turn.pendingInput.length > 0 || state.mailbox.length > 0) {
    return endCall(state, at, call, { status: 'completed', output: ENDED_WAIT.input });
  }
  const outcome = waitedEnough(state, call);
  return outcome === null ? null : onOutcome(state, at, call, outcome);
}

/** The time of a wait for agents is up. */
export function endWaitInTime(state: ThreadState, at: number, turn: RegularTurn, index: number): ThreadState {
  const call = callsOf(turn).find((one) => one.index === index);
  if (call === undefined || turn.aborting !== null) return state;
  return endCall(state, at, call, { status: 'completed', output: ENDED_WAIT.time });
}
