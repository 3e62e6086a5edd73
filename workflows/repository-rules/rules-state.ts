/**
 * The rules of a repository: its state and its decisions, without Temporal.
 *
 * Invariants:
 * 1. A rule that was revoked does not come back by a message about an answer from before: neither by one that was sent
 *    twice, nor from a file of an earlier release.
 * 2. The state stays below 700 KiB as JSON, at any age.
 */
import type { ApprovalRule, RepositoryRules, RuleMatch, RulesKey } from '../../src/contract/index.ts';

export const RULES_VERSION = 1;

interface Revocation {
  ruleId: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Carried over from run to run. */
export interface RulesState extends RulesKey {
  version: typeof RULES_VERSION;
  /** Oldest first. */
  rules: ApprovalRule[];
  /** The newest ones, oldest first. */
  revoked: Revocation[];
  /** Answers up to this time are not accepted any more: a revocation of that time was forgotten. */
  revokedBefore: number;
  /** Rules that were removed because there were too many. */
  forgotten: number;
}

/** The oldest are forgotten first. */
const KEPT_RULES = 300;
const KEPT_BYTES = 600_000;
const KEPT_REVOCATIONS = 500;

export function newRules({ host, repository }: RulesKey): RulesState {
  return { version: RULES_VERSION, host, repository, rules: [], revoked: [], revokedBefore: 0, forgotten: 0 };
}

/** Idempotent: the id of a rule is derived from its content. The newest of equal answers counts. */
export function remember(state: RulesState, given: readonly ApprovalRule[]): RulesState {
  const fresh = given.filter((rule) => isAccepted(state, rule));
  const ids = new Set(fresh.map(({ ruleId }) => ruleId));
  const all = [...state.rules.filter(({ ruleId }) => !ids.has(ruleId)), ...newestOfEach(fresh)].sort(byAge);
  const rules = withinBounds(all);
  return {
    ...state,
    rules,
    revoked: state.revoked.filter(({ ruleId }) => !ids.has(ruleId)),
    forgotten: state.forgotten + all.length - rules.length,
  };
}

function isAccepted({ rules, revoked, revokedBefore }: RulesState, { ruleId, at }: ApprovalRule): boolean {
  const revocation = revoked.find((one) => one.ruleId === ruleId);
  const known = rules.find((one) => one.ruleId === ruleId);
  if (known !== undefined && known.at >= at) return false;
  return at > revokedBefore && (revocation === undefined || at > revocation.at);
}

function newestOfEach(rules: readonly ApprovalRule[]): ApprovalRule[] {
  return [...new Map(rules.toSorted(byAge).map((rule) => [rule.ruleId, rule])).values()];
}

function byAge(one: ApprovalRule, other: ApprovalRule): number {
  return one.at - other.at || (one.ruleId < other.ruleId ? -1 : 1);
}

const encoder = new TextEncoder();

function withinBounds(rules: readonly ApprovalRule[]): ApprovalRule[] {
  let left = KEPT_BYTES;
  const newestFirst = rules.slice(-KEPT_RULES).reverse();
  const beyond = newestFirst.findIndex((rule) => (left -= encoder.encode(JSON.stringify(rule)).length + 1) < 0);
  return newestFirst.slice(0, beyond === -1 ? newestFirst.length : beyond).reverse();
}

export interface Refusal {
  code: 'ruleUnknown';
  reason: string;
}

/** @param at milliseconds since the epoch */
export function revoke(state: RulesState, at: number, { ruleId }: { ruleId: string }): RulesState | Refusal {
  if (!state.rules.some((rule) => rule.ruleId === ruleId))
    return { code: 'ruleUnknown', reason: `The repository ${state.repository} has no rule ${ruleId}.` };
  // A clock that was set back must not make the revocation older than the answer.
  const answered = Math.max(...state.rules.filter((rule) => rule.ruleId === ruleId).map((rule) => rule.at));
  const all = [...state.revoked, { ruleId, at: Math.max(at, answered) }];
  const revoked = all.slice(-KEPT_REVOCATIONS);
  const dropped = all.slice(0, all.length - revoked.length).map((one) => one.at);
  return {
    ...state,
    rules: state.rules.filter((rule) => rule.ruleId !== ruleId),
    revoked,
    revokedBefore: Math.max(state.revokedBefore, ...dropped),
  };
}

export function toRepositoryRules({ host, repository, rules }: RulesState): RepositoryRules {
  return { host, repository, rules };
}

/** The rules that may apply. The thread decides what each of them covers. */
export function findRules({ rules }: RulesState, asked: RuleMatch): ApprovalRule[] {
  return rules.filter(({ match }) => mayConcern(match, asked));
}

function mayConcern(given: RuleMatch, asked: RuleMatch): boolean {
  switch (asked.type) {
    case 'commandExecution':
      return given.type === asked.type && given.command === asked.command && given.cwd === asked.cwd;
    case 'fileChange':
      return given.type === asked.type && given.paths.some((path) => asked.paths.includes(path));
    case 'mcpToolCall':
      return given.type === asked.type && given.server === asked.server && given.tool === asked.tool;
  }
}
