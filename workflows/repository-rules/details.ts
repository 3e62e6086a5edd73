/** The rules of a repository in the Temporal UI. Foreign text is in code spans. */
import type { ApprovalRule, RuleMatch } from '../../src/contract/index.ts';
import { codeSpan, literalSpan } from '../sandbox/plain-text.ts';
import type { RulesState } from './rules-state.ts';

const SHOWN = 20;
const CHARS = 200;

/** The newest rules first, each with the id that revokes it. */
export function toRulesDetails({ repository, host, rules, forgotten }: RulesState): string {
  const shown = rules.slice(-SHOWN).reverse();
  const more = rules.length - shown.length;
  const lines = [
    `**Remembered answers:** ${rules.length}, of ${literalSpan(repository)} on ${literalSpan(host)}`,
    '',
    ...shown.map(toLine),
    ...(more === 0 ? [] : [`- and ${more} older`]),
    ...(forgotten === 0 ? [] : ['', `${forgotten} older ones were forgotten, because there were too many.`]),
    ...(shown.length === 0 ? [] : ['', 'Send the signal `revokeRule` to revoke one, with its id as `ruleId`.']),
  ];
  return lines.join('\n');
}

function toLine({ ruleId, decision, match, at }: ApprovalRule): string {
  return `- ${literalSpan(ruleId)} ${decision}: ${describe(match)} (${match.sandbox}, ${new Date(at).toISOString()})`;
}

function describe(match: RuleMatch): string {
  switch (match.type) {
    case 'commandExecution':
      return `command ${codeSpan(match.command, CHARS)} in ${codeSpan(match.cwd, CHARS)}`;
    case 'fileChange':
      return `changes to ${codeSpan(match.paths.join(', '), CHARS)}`;
    case 'mcpToolCall':
      return `tool ${codeSpan(match.tool, CHARS)} of ${codeSpan(match.server, CHARS)}`;
  }
}
