/** For tests: a remembered answer as earlier releases kept it, in a file below the data folder of a worker. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toRuleId } from '../../src/adapters/rules/repository-rule.ts';
import type { ApprovalRule } from '../../src/contract/index.ts';

/** Of a command in the root of the repository. @param directory the folder of rules */
export function writeFormerRule(
  directory: string,
  repository: string,
  command: string,
): { rule: ApprovalRule; path: string } {
  const match = { type: 'commandExecution', command, cwd: '.', sandbox: 'workspace-write' } as const;
  const given = { scope: 'repository', by: 'person', at: Date.now(), threadId: 't', turnId: 'a' } as const;
  const rule: ApprovalRule = { ruleId: toRuleId('accept', match), match, decision: 'accept', ...given };
  const folder = join(directory, createHash('sha256').update(repository).digest('hex').slice(0, 32));
  const path = join(folder, `${rule.ruleId}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, JSON.stringify({ version: 1, repository, rule }));
  return { rule, path };
}
