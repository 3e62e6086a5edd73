/** Whether a tool call may run: by the policy, by answers that are remembered, or by a person. */
import type { Answers, Question, ResolvedBy, RuleMatch } from '../../../src/contract/index.ts';
import { type Action, actionIds } from '../state/actions.ts';
import {
  type Verdict,
  assessCommand,
  assessMcpCall,
  assessPatch,
  leavesSandbox,
  pathsOfPatch,
  reachesNetwork,
  sandboxFor,
  sandboxForPatch,
  toAbsolute,
} from '../approvals/policy.ts';
import { completeItem, emit, itemAt } from '../state/log.ts';
import type { MachineEvent } from '../state/inputs.ts';
import { type NewRequest, closeRequest, openRequest, policyAnswer, requestIdOf, toExcerpt } from '../turns/requests.ts';
import { type RuleAnswer, answerByRules, isRememberable, keepRule, scopeOf } from '../approvals/rules.ts';
import {
  type RegularTurn,
  type ThreadState,
  type ToolCall,
  callsOf,
  decidesAnew,
  isConversation,
} from '../state/state.ts';
import { type StepEnded, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { abortTurn, quieten } from '../turns/turns.ts';
import { ownsCall, removeCall, setStatus } from './call-list.ts';

// -------------------------------------------------------------------------------------------------------- deciding

/** Lets a call run, refuses it, or asks: the rules known here first, those of the repository next, then a person. */
export function decideCall(state: ThreadState, at: number, call: ToolCall): ThreadState {
  const verdict = assess(state, call);
  switch (verdict.type) {
    case 'run':
      return setStatus(state, call.index, 'running');
    case 'refuse':
      return decline(state, at, call, verdict.reason);
    case 'ask': {
      const match = toMatch(state, call);
      const known = answerByRules(match, state.rules);
      if (known !== null) return applyRules(state, at, call, known);
      const mayBeKnown = state.settings.repositoryRules && isRememberable(state, match);
      return mayBeKnown ? setStatus(state, call.index, 'lookingUp') : askPerson(state, at, call, verdict.reason);
    }
  }
}

/** Reads the rules of the repository. */
export function toLookup(state: ThreadState, { turnId }: Pick<RegularTurn, 'turnId'>, call: ToolCall): Action {
  const id = actionIds.rules(call.index);
  return {
    type: 'step',
    id,
    turnId,
    activity: 'findRules',
    input: { ...workspaceIds(state, id), cwd: state.settings.cwd, match: toMatch(state, call) },
    // A person is waiting, and is asked if this fails.
    options: retried('10s', 3),
    summary: toSummary('rules', `about item_${call.index}`),
  };
}

/** The rules of the repository are known, or cannot be: then a person is asked all the same. */
export function takeRules(
  state: ThreadState,
  turn: RegularTurn,
  { id, at, end }: StepEnded<'findRules'> & { at: number },
): ThreadState {
  if (turn.aborting !== null) return quieten(state, turn, id, true);
  const calls = turn.stage.type === 'tools' ? turn.stage.calls : [];
  const call = calls.find(({ index, status }) => status === 'lookingUp' && actionIds.rules(index) === id);
  if (call === undefined) return state;
  const told = end.type === 'failed' ? warn(state, at, end.failure.message) : state;
  const found = end.type === 'done' ? end.value.rules : [];
  const answer = answerByRules(toMatch(told, call), [...told.rules, ...found]);
  return answer === null ? askPerson(told, at, call, reasonOf(told, call)) : applyRules(told, at, call, answer);
}

function warn(state: ThreadState, at: number, why: string): ThreadState {
  return emit(state, at, { type: 'warning', message: `The rules of the repository could not be read: ${why}` });
}

function reasonOf(state: ThreadState, call: ToolCall): string {
  const verdict = assess(state, call);
  return verdict.type === 'run' ? '' : verdict.reason;
}

function applyRules(state: ThreadState, at: number, call: ToolCall, { decision, ruleIds }: RuleAnswer): ThreadState {
  const { id: itemId, turnId } = itemAt(state.log, call.index);
  const told = emit(state, at, { type: 'rule/applied', turnId, itemId, decision, ruleIds });
  if (decision === 'accept') return setStatus(told, call.index, 'running');
  return decline(told, at, call, 'rejected by user, who has said so before and is not asked again');
}

function assess(state: ThreadState, call: ToolCall): Verdict {
  const item = itemAt(state.log, call.index);
  if (item.type === 'fileChange') return assessPatch(reachedPaths(item.patch, call), toWritable(state));
  if (item.type === 'mcpToolCall') {
    const { server, tool } = item;
    const { readOnly, approval = 'always' } = call;
    return assessMcpCall({ server, tool, readOnly, approval }, state.settings);
  }
  const { cwd, escalated } = call;
  const policies = { ...state.settings, gitAnywhere: !decidesAnew(state) };
  return assessCommand({ command: commandOf(state, call), cwd, escalated }, policies);
}

/** What patches may write without being asked for. */
export function toWritable(state: ThreadState) {
  return { ...state.settings, tmp: !decidesAnew(state) };
}

function commandOf(state: ThreadState, call: ToolCall): string {
  const item = itemAt(state.log, call.index);
  return item.type === 'commandExecution' ? item.command : '';
}

/** What a call does, as a rule about it says it. */
function toMatch(state: ThreadState, call: ToolCall): RuleMatch {
  const item = itemAt(state.log, call.index);
  const { sandbox } = state.settings;
  if (item.type === 'fileChange') return { type: 'fileChange', paths: reachedPaths(item.patch, call), sandbox };
  if (item.type === 'mcpToolCall') return { type: 'mcpToolCall', server: item.server, tool: item.tool, sandbox };
  const runsIn = sandboxFor(state.settings, call.escalated);
  return { type: 'commandExecution', command: commandOf(state, call), cwd: call.cwd, sandbox: runsIn };
}

/** What a patch names, and where that leads. */
export function reachedPaths(patch: string, { cwd, leads = [] }: Pick<ToolCall, 'cwd' | 'leads'>): string[] {
  return [...new Set([...absolutePaths(patch, cwd), ...leads.map(({ to }) => to)])];
}

function absolutePaths(patch: string, cwd: string): string[] {
  return [...new Set(pathsOfPatch(patch).map((path) => toAbsolute(path, cwd)))];
}

// ---------------------------------------------------------------------------------------------------------- asking

export function askQuestion(state: ThreadState, at: number, call: ToolCall, questions: Question[]): ThreadState {
  return ask(state, at, call, { type: 'userInput', questions, reason: 'The agent has a question.' });
}

function askPerson(state: ThreadState, at: number, call: ToolCall, reason: string): ThreadState {
  return ask(state, at, call, toRequest(state, call, reason));
}

/** All that will run, and where: a person decides about that and nothing else. */
function toRequest(state: ThreadState, call: ToolCall, reason: string): NewRequest {
  const item = itemAt(state.log, call.index);
  const { settings } = state;
  if (item.type === 'fileChange') {
    const { leads } = call;
    const shown = { paths: absolutePaths(item.patch, call.cwd), ...(leads === undefined ? {} : { leads }) };
    const sandbox = sandboxForPatch(toWritable(state), reachedPaths(item.patch, call));
    return { type: 'fileChange', ...shown, patch: toExcerpt(item.patch), sandbox, workspace: settings.cwd, reason };
  }
  if (item.type === 'mcpToolCall') {
    const { server, tool } = item;
    const given = toExcerpt(JSON.stringify(item.arguments, null, 2));
    return { type: 'mcpToolCall', server, tool, arguments: given, readOnly: call.readOnly, reason };
  }
  const sandbox = sandboxFor(settings, call.escalated);
  return {
    type: 'commandExecution',
    command: commandOf(state, call),
    cwd: call.cwd,
    workspace: settings.cwd,
    sandbox,
    sandboxed: sandbox !== 'danger-full-access',
    escalated: leavesSandbox(settings, call.escalated),
    network: reachesNetwork(settings, sandbox),
    reason,
    ...(call.justification === '' ? {} : { justification: call.justification }),
  };
}

function ask(state: ThreadState, at: number, call: ToolCall, request: NewRequest): ThreadState {
  const asking = openRequest(setStatus(state, call.index, 'asking'), at, call.index, request);
  const answer = policyAnswer(asking, call.index);
  const current = asking.active;
  if (answer === null || !isConversation(current)) return asking;
  return takeAnswer(asking, current, { type: 'requestAnswered', answer, by: 'policy', at, running: [] });
}

// --------------------------------------------------------------------------------------------------------- answers

export function takeAnswer(
  state: ThreadState,
  turn: RegularTurn,
  event: Extract<MachineEvent, { type: 'requestAnswered' }>,
): ThreadState {
  const { answer, by, at } = event;
  const call =
    turn.stage.type === 'tools' && turn.stage.calls.find(({ index }) => requestIdOf(index) === answer.requestId);
  if (!call) return state;
  const closed = closeRequest(state, at, answer.requestId, answer.decision, by);
  switch (answer.decision) {
    case 'accept':
    case 'acceptForSession':
      if (call.tool === 'question') return takeAnswersToQuestions(closed, at, call, answer.answers ?? {});
      return setStatus(remember(closed, turn, call, 'accept', event), call.index, 'running');
    case 'decline':
      return decline(remember(closed, turn, call, 'decline', event), at, call, DECLINED[by]);
    case 'cancel': {
      const declined = decline(closed, at, call, DECLINED[by]);
      const current = declined.active;
      if (current === null) return declined;
      const running = event.running.filter((id) => isConversation(current) && ownsCall(state, callsOf(current), id));
      return abortTurn(
        declined,
        at,
        current,
        { reason: 'interrupted', detail: `request ${answer.requestId} was cancelled` },
        running,
      );
    }
  }
}

/** Only what a person has said is remembered. */
function remember(
  state: ThreadState,
  { turnId }: RegularTurn,
  call: ToolCall,
  decision: 'accept' | 'decline',
  { answer, at, by }: Extract<MachineEvent, { type: 'requestAnswered' }>,
): ThreadState {
  const scope = scopeOf(answer);
  if (scope === null || by !== 'person' || call.tool === 'question') return state;
  const { threadId } = state;
  const match = toMatch(state, call);
  return keepRule(state, at, { ruleId: `rule_${call.index}`, scope, match, decision, by, at, threadId, turnId });
}

function takeAnswersToQuestions(state: ThreadState, at: number, call: ToolCall, answers: Answers): ThreadState {
  const change = { status: 'completed' as const, answers, output: JSON.stringify({ answers }) };
  return removeCall(completeItem(state, at, call.index, change), call.index);
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
