/** The tool calls of the step under way, as the turn stores them. */
import type { StepStatus } from '../../../src/contract/index.ts';
import { type ToolDefinition, isInvalid, readCall } from '../../../src/contract/plain/tools/tool.ts';
import { completeItem, itemAt } from '../state/log.ts';
import { type ThreadState, type ToolCall, isConversation } from '../state/state.ts';
import { withTurn } from '../turns/turns.ts';

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

/** The arguments of a recorded call, read again from its item. */
export function argumentsOf<A extends object>(
  state: ThreadState,
  { index }: ToolCall,
  definitions: readonly ToolDefinition<A>[],
): A {
  const item = itemAt(state.log, index);
  const made = 'call' in item ? item.call : null;
  const definition = definitions.find(({ name }) => name === made?.name);
  const read = made === null || definition === undefined ? null : readCall(definition, made.arguments);
  if (read === null || isInvalid(read)) throw new Error(`Item ${index} is no call of the tool that it is for`);
  return read;
}
