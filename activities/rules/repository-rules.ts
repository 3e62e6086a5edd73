/** Reads, adds and revokes the rules of a repository. Idempotent: the same answer is one rule, and a revoked rule is gone. */
import type { ApprovalRule, RepositoryRules } from '../../src/contract/index.ts';
import type { FoundRules, OnWorkspace, RuleLookup } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runShortStep, runStep } from '../step.ts';

/** Not retried: a person can be asked instead. */
export async function findRules(ports: Ports, input: RuleLookup): Promise<FoundRules | { type: 'aborted' }> {
  const { cwd, root, match } = input;
  return runStep<{ type: 'rules' }, FoundRules>({ ...ports, ...input, maxTries: 1 }, { type: 'rules' }, async () => {
    if (root !== undefined) ports.requireWorkspace(cwd, root);
    return { type: 'found', rules: await ports.rules.find(cwd, match) };
  });
}

export async function rememberRule(
  ports: Ports,
  { cwd, root, rule }: { cwd: string; rule: ApprovalRule } & OnWorkspace,
): Promise<null> {
  return runShortStep({ ...ports, name: `Remembering rule ${rule.ruleId} of thread ${rule.threadId}` }, async () => {
    if (root !== undefined) ports.requireWorkspace(cwd, root);
    await ports.rules.remember(cwd, rule);
    return null;
  });
}

export async function listRules(ports: Ports, { cwd }: { cwd: string }): Promise<RepositoryRules> {
  return runShortStep({ ...ports, name: `Listing the rules around ${cwd}` }, () => ports.rules.list(cwd));
}

export async function revokeRule(ports: Ports, { cwd, ruleId }: { cwd: string; ruleId: string }): Promise<boolean> {
  return runShortStep({ ...ports, name: `Revoking rule ${ruleId} around ${cwd}` }, () =>
    ports.rules.revoke(cwd, ruleId),
  );
}
