/** What a tool does with the calls of a model: one file of this folder for each tool, and one line in `index.ts`. */
import type { StepOutput } from '../../../activities/contract.ts';
import type { Answers, RuleMatch, StepStatus } from '../../../src/contract/index.ts';
import type { ToolDefinition } from '../../../src/contract/plain/tools/tool.ts';
import type { Verdict } from '../approvals/policy.ts';
import type { Action } from '../state/actions.ts';
import type { NewItem } from '../state/log.ts';
import type { RegularTurn, ThreadState, ToolCall } from '../state/state.ts';
import type { StepEnded } from '../state/steps.ts';
import type { NewRequest } from '../turns/requests.ts';

export interface Tool<A extends object = object> {
  /** What the model is told of it. */
  definitions: readonly ToolDefinition<A>[];
  /** Adds the item of a call, and the call itself unless nothing is left to be done. */
  record(state: ThreadState, at: number, call: NewCall, args: A): ThreadState;
  /** Whether a call may run. A tool without it is never asked for. */
  approve?(state: ThreadState, call: ToolCall): Approval;
  /** A request that a call makes of a person instead of running, and what the answers do. */
  asking?: {
    toRequest(state: ThreadState, call: ToolCall): NewRequest;
    onAnswers(state: ThreadState, at: number, call: ToolCall, answers: Answers): ThreadState;
  };
  /** Begins a call instead of letting it run; for a tool that works on the state of the thread. */
  begin?(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState;
  /** What must be under way for a call that may run. */
  actions(state: ThreadState, turn: RegularTurn, call: ToolCall): Action[];
  /** The id of that action; left out if it is the usual one of a call. */
  actionId?(state: ThreadState, call: ToolCall): string | null;
  /** What the history keeps of the end of a call; null for a step of another tool. */
  toResult(event: StepEnded): CallResult | null;
}

export interface NewCall {
  /** The members that the item of every call has. */
  item: Omit<Extract<NewItem, { type: 'dynamicToolCall' }>, 'type'>;
  call: ToolCall;
  output: Extract<StepOutput, { type: 'toolCall' }>;
}

export interface Approval {
  verdict: Verdict;
  /** What the call does, as a rule about it says it. */
  match: RuleMatch;
  /** Everything that will run, and where: a person decides about that and nothing else. */
  toRequest(reason: string): NewRequest;
}

export interface CallResult {
  change: { status: StepStatus; output: string };
  /** Whether it is certain that nothing of the call is left. */
  proven: boolean;
}
