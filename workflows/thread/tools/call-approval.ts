/** Whether a tool call may run: by the policy, by remembered answers, or by a person. */
import type { ResolvedBy } from '../../../src/contract/index.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { completeItem, emit, itemAt } from '../state/log.ts';
import type { MachineEvent } from '../state/inputs.ts';
import { type NewRequest, closeRequest, openRequest, policyAnswer, requestIdOf } from '../turns/requests.ts';
import { type RuleAnswer, findAnswer, isRememberable, keepRule, ofRepository, scopeOf } from '../approvals/rules.ts';
import {
  type RegularTurn,
  type ThreadState,
  type ToolCall,
  callsOf,
  stopsAll,
  isConversation,
} from '../state/state.ts';
import { type StepEvent, retried, toSummary } from '../state/steps.ts';
import { abortTurn, onStepStopped, withTurn } from '../turns/turns.ts';
import { removeCall, setStatus } from './call-list.ts';
import { actionIdOf, toolOf } from './index.ts';
import type { Approval } from './tool.ts';

// -------------------------------------------------------------------------------------------------------- deciding

/** Lets a call run, refuses it, or asks: first the rules known here, then those of the repository, then a person. */
export function decideCall(state: ThreadState, at: number, call: ToolCall): ThreadState {
  const { asking } = toolOf(call);
  if (asking !== undefined) return ask(state, at, call, asking.toRequest(state, call));
  const approval = approvalOf(state, call);
  if (approval === null || approval.verdict.type === 'run') return setStatus(state, call.index, 'running');
  const { verdict, match } = approval;
  if (verdict.type === 'refuse') return decline(state, at, call, verdict.reason);
  const known = findAnswer(state, match, state.rules);
  if (known !== null) return applyRules(state, at, call, known);
  const mayBeKnown = state.settings.repositoryRules && isRememberable(state, match);
  return mayBeKnown ? setStatus(state, call.index, 'lookingUp') : askPerson(state, at, call, approval);
}

function approvalOf(state: ThreadState, call: ToolCall): Approval | null {
  return toolOf(call).approve?.(state, call) ?? null;
}

function askPerson(state: ThreadState, at: number, call: ToolCall, approval: Approval): ThreadState {
  const { verdict } = approval;
  return ask(state, at, call, approval.toRequest(verdict.type === 'run' ? '' : verdict.reason));
}

/** Reads the rules of the repository. */
export function toLookup(state: ThreadState, { turnId }: Pick<RegularTurn, 'turnId'>, call: ToolCall): Action[] {
  const approval = approvalOf(state, call);
  if (approval === null) return [];
  const id = actionIds.rules(call.index);
  return [
    {
      type: 'step',
      id,
      turnId,
      activity: 'findRules',
      input: { ...ofRepository(state), threadId: state.threadId, actionId: id, match: approval.match },
      // A person is waiting; if this fails, the person is asked.
      options: retried('10s', 3),
      summary: toSummary('rules', `about item_${call.index}`),
    },
  ];
}

/** The rules of the repository are known, or cannot be: then a person is asked. */
export function onRules(state: ThreadState, turn: RegularTurn, { id, at, end }: StepEvent<'findRules'>): ThreadState {
  if (turn.aborting !== null) return onStepStopped(state, turn, id, true);
  const call = callsOf(turn).find(({ index, status }) => status === 'lookingUp' && actionIds.rules(index) === id);
  if (call === undefined) return state;
  const told = end.type === 'failed' ? warn(state, at, end.failure.message) : state;
  const found = end.type === 'done' ? end.value.rules : [];
  const approval = approvalOf(told, call);
  if (approval === null) return setStatus(told, call.index, 'running');
  const answer = findAnswer(told, approval.match, [...told.rules, ...found]);
  return answer === null ? askPerson(told, at, call, approval) : applyRules(told, at, call, answer);
}

function warn(state: ThreadState, at: number, why: string): ThreadState {
  return emit(state, at, { type: 'warning', message: `The rules of the repository could not be read: ${why}` });
}

function applyRules(state: ThreadState, at: number, call: ToolCall, { decision, ruleIds }: RuleAnswer): ThreadState {
  const { id: itemId, turnId } = itemAt(state.log, call.index);
  const told = emit(state, at, { type: 'rule/applied', turnId, itemId, decision, ruleIds });
  if (decision === 'accept') return setStatus(told, call.index, 'running');
  return decline(told, at, call, 'rejected by user, who has said so before and is not asked again');
}

// ---------------------------------------------------------------------------------------------------------- asking

function ask(state: ThreadState, at: number, call: ToolCall, request: NewRequest): ThreadState {
  const asking = openRequest(setStatus(state, call.index, 'asking'), at, call.index, request);
  const answer = policyAnswer(asking, call.index);
  const current = asking.active;
  if (answer === null || !isConversation(current)) return asking;
  return onAnswer(asking, current, { type: 'requestAnswered', answer, by: 'policy', at, running: [] });
}

// --------------------------------------------------------------------------------------------------------- answers

export function onAnswer(
  state: ThreadState,
  turn: RegularTurn,
  event: Extract<MachineEvent, { type: 'requestAnswered' }>,
): ThreadState {
  const { answer, by, at } = event;
  const call = callsOf(turn).find(({ index }) => requestIdOf(index) === answer.requestId);
  if (call === undefined) return state;
  const closed = closeRequest(state, at, answer.requestId, answer.decision, by);
  switch (answer.decision) {
    case 'accept':
    case 'acceptForSession': {
      const { asking } = toolOf(call);
      if (asking !== undefined) return asking.onAnswers(closed, at, call, answer.answers ?? {});
      return setStatus(remember(closed, turn, call, 'accept', event), call.index, 'running');
    }
    case 'decline':
      return decline(remember(closed, turn, call, 'decline', event), at, call, DECLINED[by]);
    case 'cancel':
      return cancel(decline(closed, at, call, DECLINED[by]), event);
  }
}

/** The turn is interrupted: by the machine, which also stops its agents. */
function cancel(state: ThreadState, { answer, at, running }: Extract<MachineEvent, { type: 'requestAnswered' }>) {
  const turn = state.active;
  if (!isConversation(turn)) return state;
  const detail = `request ${answer.requestId} was cancelled`;
  if (stopsAll(state)) return withTurn(state, { ...turn, interrupt: detail });
  const awaited = running.filter((id) => callsOf(turn).some((one) => actionIdOf(state, one) === id));
  return abortTurn(state, at, turn, { reason: 'interrupted', detail }, awaited);
}

/** Only a person's answer is remembered. */
function remember(
  state: ThreadState,
  { turnId }: RegularTurn,
  call: ToolCall,
  decision: 'accept' | 'decline',
  { answer, at, by }: Extract<MachineEvent, { type: 'requestAnswered' }>,
): ThreadState {
  const scope = scopeOf(answer);
  const approval = approvalOf(state, call);
  if (scope === null || by !== 'person' || approval === null) return state;
  const { threadId } = state;
  const { match } = approval;
  return keepRule(state, at, { ruleId: `rule_${call.index}`, scope, match, decision, by, at, threadId, turnId });
}

const DECLINED: Record<ResolvedBy, string> = {
  person: 'rejected by user',
  deadline: 'Nobody answered in time, so it was declined. Go on without it where you can.',
  policy: 'Nobody watches this thread and its policy declines this. Go on without it where you can.',
  abort: 'withdrawn',
};

function decline(state: ThreadState, at: number, call: ToolCall, output: string): ThreadState {
  return removeCall(completeItem(state, at, call.index, { status: 'declined', output }), call.index);
}
