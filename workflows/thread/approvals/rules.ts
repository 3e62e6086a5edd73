/**
 * Remembered answers: what one covers, how it is kept, and how it ends.
 *
 * Invariants:
 * 1. A rule answers only questions that a person would be asked. It never allows more than it was given for: a command
 *    runs in the same sandbox or a narrower one, a patch or an MCP tool in a thread of the same sandbox mode.
 * 2. A declined answer wins over an accepted one, and covers the same in a wider sandbox, too.
 * 3. A rule of a turn ends with the turn.
 */
import type {
  ApprovalRule,
  RejectionCode,
  ResolveRequest,
  RevokeRule,
  RuleMatch,
  RuleScope,
  SandboxMode,
} from '../../../src/contract/index.ts';
import { isTypedInput } from '../../../src/contract/plain/remembering.ts';
import type { OfRepository } from '../../../activities/contract.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import { type ThreadState, asksForInputAgain, decidesAnew } from '../state/state.ts';
import { type StepEvent, retried, toSummary } from '../state/steps.ts';
import { MOST_BYTES, bytesOf, newestWithin } from '../state/waiting.ts';

/** Rules of a thread, those of its turn included. The oldest are forgotten first; their questions are asked again. */
const KEPT_RULES = 100;
/**
 * Bytes of JSON of a rule's match: it is carried over, and all rules of a repository are read at once. The first
 * release counted characters.
 */
const MATCH_BYTES = 4_000;

// -------------------------------------------------------------------------------------------------------- matching

export interface RuleAnswer {
  decision: ApprovalRule['decision'];
  /** The rules that the answer is based on. */
  ruleIds: string[];
}

/** The answer that rules give to a request; null if they give none. */
export function answerByRules(asked: RuleMatch, rules: readonly ApprovalRule[]): RuleAnswer | null {
  const declining = rules.find(({ decision, match }) => decision === 'decline' && declines(match, asked));
  if (declining !== undefined) return { decision: 'decline', ruleIds: [declining.ruleId] };
  const accepting = acceptedBy(
    asked,
    rules.filter(({ decision }) => decision === 'accept'),
  );
  return accepting.length === 0 ? null : { decision: 'accept', ruleIds: accepting.map(({ ruleId }) => ruleId) };
}

/** The same, for a request of this thread: what is typed into a command is asked for each time. */
export function findAnswer(state: ThreadState, asked: RuleMatch, rules: readonly ApprovalRule[]): RuleAnswer | null {
  return isAskedAgain(state, asked) ? null : answerByRules(asked, rules);
}

function isAskedAgain(state: ThreadState, asked: RuleMatch): boolean {
  return asksForInputAgain(state) && isTypedInput(asked);
}

/** The rules that allow it; empty if they do not. */
function acceptedBy(asked: RuleMatch, rules: readonly ApprovalRule[]): ApprovalRule[] {
  if (asked.type === 'fileChange') return coveringFiles(asked, rules);
  const found = rules.find(({ match }) => accepts(match, asked));
  return found === undefined ? [] : [found];
}

function accepts(given: RuleMatch, asked: Exclude<RuleMatch, { type: 'fileChange' }>): boolean {
  if (!isSame(given, asked)) return false;
  return asked.type === 'commandExecution'
    ? width(asked.sandbox) <= width(given.sandbox)
    : asked.sandbox === given.sandbox;
}

function declines(given: RuleMatch, asked: RuleMatch): boolean {
  if (asked.type === 'commandExecution') return isSame(given, asked) && width(asked.sandbox) >= width(given.sandbox);
  if (asked.type === 'mcpToolCall') return isSame(given, asked);
  // A patch that names no file matches no other patch.
  if (given.type !== 'fileChange' || given.paths.length === 0) return false;
  return given.paths.every((path) => asked.paths.includes(path));
}

function isSame(given: RuleMatch, asked: Exclude<RuleMatch, { type: 'fileChange' }>): boolean {
  switch (asked.type) {
    case 'commandExecution':
      return given.type === asked.type && given.command === asked.command && given.cwd === asked.cwd;
    case 'mcpToolCall':
      return given.type === asked.type && given.server === asked.server && given.tool === asked.tool;
  }
}

/** Every file of a patch must have been accepted, by one answer or by several. */
function coveringFiles(
  asked: Extract<RuleMatch, { type: 'fileChange' }>,
  rules: readonly ApprovalRule[],
): ApprovalRule[] {
  const about = rules.filter(
    ({ match }) =>
      match.type === 'fileChange' &&
      match.sandbox === asked.sandbox &&
      match.paths.some((path) => asked.paths.includes(path)),
  );
  const accepted = new Set(about.flatMap(({ match }) => (match.type === 'fileChange' ? match.paths : [])));
  return asked.paths.every((path) => accepted.has(path)) ? about : [];
}

const WIDTHS = { 'read-only': 0, 'workspace-write': 1, 'danger-full-access': 2 } satisfies Record<SandboxMode, number>;

function width(sandbox: SandboxMode): number {
  return WIDTHS[sandbox];
}

// --------------------------------------------------------------------------------------------------------- keeping

/** The scope in which an answer is remembered; null if it is not. */
export function scopeOf({ decision, remember }: ResolveRequest): ApprovalRule['scope'] | null {
  const scope: RuleScope = decision === 'acceptForSession' ? 'thread' : (remember?.scope ?? 'call');
  return scope === 'call' ? null : scope;
}

/** Whether a rule about this can exist. */
export function isRememberable(state: ThreadState, match: RuleMatch): boolean {
  if (isAskedAgain(state, match)) return false;
  return (decidesAnew(state) ? bytesOf(match) : JSON.stringify(match).length) <= MATCH_BYTES;
}

/**
 * Keeps an answer. An answer for the repository is a rule of this thread until the repository's workflow has kept it,
 * and for as long as it cannot.
 */
export function keepRule(state: ThreadState, at: number, rule: ApprovalRule): ThreadState {
  if (!isRememberable(state, rule.match)) {
    const why = isTypedInput(rule.match)
      ? 'what is typed into a command is asked for each time'
      : 'what it is about is too long to be remembered';
    const message = `The answer to rule ${rule.ruleId} holds this once: ${why}.`;
    return emit(state, at, { type: 'warning', message });
  }
  if (rule.scope === 'repository' && !state.settings.repositoryRules) {
    return keepHere(state, at, rule, 'this thread keeps no rules for its repository');
  }
  return withRule(state, at, rule);
}

function keepHere(state: ThreadState, at: number, rule: ApprovalRule, why: string): ThreadState {
  const message = `Rule ${rule.ruleId} holds for this thread alone: ${why}.`;
  return withRule(emit(state, at, { type: 'warning', message }), at, { ...rule, scope: 'thread' });
}

function withRule(state: ThreadState, at: number, rule: ApprovalRule): ThreadState {
  const about = JSON.stringify(rule.match);
  const others = state.rules.filter(
    ({ scope, decision, match }) =>
      scope !== rule.scope || decision !== rule.decision || JSON.stringify(match) !== about,
  );
  const newest = [...others, rule].slice(-KEPT_RULES);
  const rules = decidesAnew(state) ? newestWithin(newest, MOST_BYTES.rules) : newest;
  const remembered = emit({ ...state, rules }, at, { type: 'rule/remembered', rule });
  if (!decidesAnew(state)) return remembered;
  const forgotten = others.filter((one) => !rules.includes(one));
  return forgotten.reduce((current, { ruleId }) => emit(current, at, { type: 'rule/revoked', ruleId }), remembered);
}

/** The answers for the repository that its workflow has not kept yet. */
export function wantedRules(state: ThreadState): Action[] {
  return state.rules
    .filter(({ scope }) => scope === 'repository')
    .map((rule) => ({
      type: 'step',
      id: actionIds.remember(rule.ruleId),
      activity: 'rememberRule',
      input: { ...ofRepository(state), rule },
      options: retried('60s', 5),
      summary: toSummary('remember', `${rule.decision} for the repository`),
    }));
}

/** The repository whose rules a step reads or adds to. */
export function ofRepository({ settings: { cwd, root, rulesAt } }: ThreadState): OfRepository {
  return { cwd, ...(root === undefined ? {} : { root }), ...(rulesAt === undefined ? {} : { rulesAt }) };
}

/** A rule was kept for the repository, or cannot be. */
export function onKept(state: ThreadState, { at, id, end }: StepEvent<'rememberRule'>): ThreadState {
  const rule = state.rules.find(({ scope, ruleId }) => scope === 'repository' && actionIds.remember(ruleId) === id);
  if (rule === undefined) return state;
  const others = { ...state, rules: state.rules.filter((one) => one !== rule) };
  if (end.type !== 'failed') return others;
  // No event follows the end of a thread.
  if (state.status === 'closed') return { ...others, rules: [...others.rules, { ...rule, scope: 'thread' }] };
  return keepHere(others, at, rule, end.failure.message);
}

/** Removes the rules of a turn. */
export function withoutTurn(rules: readonly ApprovalRule[], turnId: string): ApprovalRule[] {
  return rules.filter((rule) => rule.scope !== 'turn' || rule.turnId !== turnId);
}

// -------------------------------------------------------------------------------------------------------- revoking

/** The rules that can be listed and revoked here. The rules of a repository are found by its folder. */
export function ownRules(state: ThreadState): ApprovalRule[] {
  return state.rules.filter(({ scope }) => scope !== 'repository');
}

export function refuseRevocation(
  state: ThreadState,
  { ruleId }: RevokeRule,
): { code: RejectionCode; reason: string } | null {
  if (ownRules(state).some((rule) => rule.ruleId === ruleId)) return null;
  return {
    code: 'ruleUnknown',
    reason: `Thread ${state.threadId} has no rule ${ruleId}: it was revoked, its turn has ended, or it is one of a repository.`,
  };
}

export function revoke(state: ThreadState, at: number, { ruleId }: RevokeRule): ThreadState {
  const rules = state.rules.filter((rule) => rule.ruleId !== ruleId);
  return emit({ ...state, rules }, at, { type: 'rule/revoked', ruleId });
}

// ------------------------------------------------------------------------------------------------- earlier releases

/** A rule as releases stored it that knew rules of threads only. */
type EarlierRule =
  | { type: 'command'; command: string; cwd: string; escalated: boolean }
  | { type: 'patch'; paths: string[] }
  | { type: 'mcpTool'; server: string; tool: string };

/** @param sandbox the mode of the thread that kept the rules, which is the mode that they were given for. */
export function fromCarriedRules(
  carried: readonly (ApprovalRule | EarlierRule)[],
  place: { threadId: string; sandbox: SandboxMode; at: number },
): ApprovalRule[] {
  const { threadId, sandbox, at } = place;
  return carried.map((rule, index) => {
    if ('match' in rule) return rule;
    const given = { scope: 'thread', decision: 'accept', by: 'person', at, threadId, turnId: '' } as const;
    return { ...given, ruleId: `rule_earlier_${index}`, match: fromEarlierRule(rule, sandbox) };
  });
}

function fromEarlierRule(rule: EarlierRule, sandbox: SandboxMode): RuleMatch {
  switch (rule.type) {
    case 'command': {
      const { command, cwd, escalated } = rule;
      return { type: 'commandExecution', command, cwd, sandbox: escalated ? 'danger-full-access' : sandbox };
    }
    case 'patch':
      return { type: 'fileChange', paths: rule.paths, sandbox };
    case 'mcpTool':
      return { type: 'mcpToolCall', server: rule.server, tool: rule.tool, sandbox };
  }
}
