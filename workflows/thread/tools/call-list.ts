/** The tool calls of the step under way, as the turn keeps them. */
import type { StepStatus } from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import { completeItem } from '../state/log.ts';
import { type ThreadState, type ToolCall, isConversation } from '../state/state.ts';
import { withTurn } from '../turns/turns.ts';
import { agentActionId } from './agent-calls.ts';

export function withCall(state: ThreadState, call: ToolCall): ThreadState {
  return changeCalls(state, (calls) => [...calls, call]);
}

export function changeCalls(state: ThreadState, change: (calls: ToolCall[]) => ToolCall[]): ThreadState {
  const turn = state.active;
  if (!isConversation(turn) || turn.stage.type !== 'tools') return state;
  return withTurn(state, { ...turn, stage: { type: 'tools', calls: change(turn.stage.calls) } });
}

export function setStatus(state: ThreadState, index: number, status: ToolCall['status']): ThreadState {
  return changeCalls(state, (calls) => calls.map((call) => (call.index === index ? { ...call, status } : call)));
}

export function removeCall(state: ThreadState, index: number): ThreadState {
  return changeCalls(state, (calls) => calls.filter((call) => call.index !== index));
}

export function endCall(
  state: ThreadState,
  at: number,
  call: ToolCall,
  change: { status: StepStatus; output: string },
): ThreadState {
  return removeCall(completeItem(state, at, call.index, change), call.index);
}

export function ownsCall(state: ThreadState, calls: readonly ToolCall[], actionId: string): boolean {
  return calls.some((call) => ownActionId(state, call) === actionId);
}

function ownActionId(state: ThreadState, call: ToolCall): string | null {
  if (call.status === 'lookingUp') return actionIds.rules(call.index);
  return call.tool === 'agent' ? agentActionId(state, call) : actionIds.tool(state.threadId, call.index);
}
