/** The interface of a tool: one file of this folder for each tool, and one line in `index.ts`. */
import type { EndedSession, StepOutput } from '../../../activities/contract.ts';
import type { Answers, ImageRef, RuleMatch, StepStatus } from '../../../src/contract/index.ts';
import type { ToolDefinition } from '../../../src/contract/plain/tools/tool.ts';
import type { Verdict } from '../approvals/policy.ts';
import type { Action } from '../state/actions.ts';
import type { NewItem } from '../state/log.ts';
import type { RegularTurn, ThreadState, ToolCall } from '../state/state.ts';
import type { StepEnded } from '../state/steps.ts';
import type { NewRequest } from '../turns/requests.ts';

export interface Tool<A extends object = object> {
  /** The description for the model. */
  definitions: readonly ToolDefinition<A>[];
  /** Its calls name places in the folder of the thread, so they cannot run in another one. */
  inFolder?: true;
  /** Adds the item of a call, and the call itself unless it is complete already. */
  record(state: ThreadState, at: number, call: NewCall, args: A): ThreadState;
  /** Whether a call may run. A tool without it never asks. */
  approve?(state: ThreadState, call: ToolCall): Approval;
  /** A request that a call sends to a person instead of running, and the effect of the answers. */
  asking?: {
    toRequest(state: ThreadState, call: ToolCall): NewRequest;
    onAnswers(state: ThreadState, at: number, call: ToolCall, answers: Answers): ThreadState;
  };
  /** Begins a call instead of letting it run; for a tool that works on the state of the thread. */
  begin?(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): ThreadState;
  /** The actions that must be under way for a call that may run. */
  actions(state: ThreadState, turn: RegularTurn, call: ToolCall): Action[];
  /** The id of that action; left out if it is the call's usual one. */
  actionId?(state: ThreadState, call: ToolCall): string | null;
  /** The record of a call's end for the history; null for a step of another tool. */
  toResult(event: StepEnded, call: ToolCall): CallResult | null;
}

export interface NewCall {
  /** The members that the item of every call has. */
  item: Omit<Extract<NewItem, { type: 'dynamicToolCall' }>, 'type'>;
  call: ToolCall;
  output: Extract<StepOutput, { type: 'toolCall' }>;
}

export interface Approval {
  verdict: Verdict;
  /** The call in the form that rules match. */
  match: RuleMatch;
  /** Everything that will run, and where: the person decides about exactly this. */
  toRequest(reason: string): NewRequest;
}

export interface CallResult {
  change: { status: StepStatus; output: string; images?: ImageRef[]; sessionId?: number };
  /** Whether it is certain that nothing of the call still runs. */
  proven: boolean;
  /** A clean-up can still prove it, or must: it was the end of a command that its worker has not reported. */
  late?: true;
  /** Its command was left running, or the one that it looked at has ended. */
  session?: { type: 'begun'; key: string; ranMs: number } | { type: 'ended'; end: EndedSession };
  /** It did not end when it was told to: it was killed, or, if it is code of the worker, left. */
  forced?: 'killed' | 'left';
}
