/** Converts between what a thread asks, with the paths of its work tree, and the rules that all work trees share. */
import { createHash } from 'node:crypto';
import type { ApprovalRule, RuleMatch } from '../../contract/index.ts';
import { type Mapping, fromRulePath, toRulePath } from './rule-place.ts';

/** Its id is derived from its content, so the same answer twice is one rule. */
export function toRepositoryRule(given: ApprovalRule, place: Mapping): ApprovalRule {
  const match = toRuleMatch(given.match, place);
  return { ...given, scope: 'repository', match, ruleId: toRuleId(given.decision, match) };
}

export function toRuleId(decision: ApprovalRule['decision'], match: RuleMatch): string {
  return `repo_${createHash('sha256')
    .update(JSON.stringify([decision, match]))
    .digest('hex')
    .slice(0, 24)}`;
}

/** With absolute paths of this work tree; empty if it cannot apply here. */
export function fromRepositoryRule(rule: ApprovalRule, place: Mapping): ApprovalRule[] {
  const match = fromRuleMatch(rule.match, place);
  return match === null ? [] : [{ ...rule, match }];
}

export function toRuleMatch(match: RuleMatch, place: Mapping): RuleMatch {
  switch (match.type) {
    case 'commandExecution':
      return { type: match.type, command: match.command, cwd: toRulePath(match.cwd, place), sandbox: match.sandbox };
    case 'fileChange': {
      const paths = match.paths.map((path) => toRulePath(path, place)).sort();
      return { type: match.type, paths, sandbox: match.sandbox };
    }
    case 'mcpToolCall':
      return { type: match.type, server: match.server, tool: match.tool, sandbox: match.sandbox };
  }
}

/** With absolute paths of this work tree; null if the rule cannot apply here. */
function fromRuleMatch(match: RuleMatch, place: Mapping): RuleMatch | null {
  switch (match.type) {
    case 'commandExecution': {
      const cwd = fromRulePath(match.cwd, place);
      return cwd === null ? null : { ...match, cwd };
    }
    case 'fileChange': {
      const paths = match.paths.map((path) => fromRulePath(path, place));
      const known = paths.filter((path) => path !== null);
      return known.length === paths.length ? { ...match, paths: known } : null;
    }
    case 'mcpToolCall':
      return match;
  }
}
