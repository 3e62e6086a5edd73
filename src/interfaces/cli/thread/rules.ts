/** `bobbin thread rules`: lists the remembered answers and revokes one. */
import type { Bobbin } from '../../../client/index.ts';
import type { ApprovalRule, RuleMatch } from '../../../contract/index.ts';
import { EXIT } from '../exit-codes.ts';
import { columns } from '../text/columns.ts';
import type { Output } from '../text/output.ts';

export interface RulesOptions {
  revoke?: string;
  repository?: boolean;
}

/** Prints the rules after the change, if there is one. */
export async function rules(bobbin: Bobbin, output: Output, threadId: string, options: RulesOptions): Promise<number> {
  const found =
    options.repository === true
      ? await ofRepository(bobbin, threadId, options.revoke)
      : await ofThread(bobbin, threadId, options.revoke);
  output.result(found, found.rules.length > 0 ? columns(found.rules.map(toRow)) : ['no answers are remembered']);
  return EXIT.ok;
}

async function ofThread(bobbin: Bobbin, threadId: string, revoke: string | undefined) {
  const thread = bobbin.threads.get(threadId);
  if (revoke !== undefined) await thread.revokeRule({ ruleId: revoke });
  return thread.rules();
}

function ofRepository(bobbin: Bobbin, threadId: string, revoke: string | undefined) {
  const thread = bobbin.threads.get(threadId);
  return revoke === undefined ? thread.repositoryRules() : thread.revokeRepositoryRule({ ruleId: revoke });
}

function toRow({ ruleId, scope, decision, match, at, threadId }: ApprovalRule): string[] {
  return [ruleId, scope, decision, describeMatch(match), `(${new Date(at).toISOString()}, thread ${threadId})`];
}

function describeMatch(match: RuleMatch): string {
  switch (match.type) {
    case 'commandExecution':
      return `command ${JSON.stringify(match.command)} in ${match.cwd}, sandbox ${match.sandbox}`;
    case 'fileChange':
      return `changes to ${match.paths.join(', ')}, sandbox ${match.sandbox}`;
    case 'mcpToolCall':
      return `tool ${match.tool} of ${match.server}, sandbox ${match.sandbox}`;
  }
}
