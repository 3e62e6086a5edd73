/** Reads, adds and revokes the rules of a repository. Idempotent: the same answer is one rule, and a revoked rule is gone. */
import type { RepositoryRules, RulesPlace } from '../../src/contract/index.ts';
import type { FoundRules, OfRepository, RuleLookup, RuleToKeep } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runShortStep, runStep } from '../step.ts';

/** Not retried: a person can be asked instead. */
export async function findRules(ports: Ports, input: RuleLookup): Promise<FoundRules | { type: 'aborted' }> {
  const place = { ...ports, ...input, maxTries: 1 };
  return runStep<{ type: 'rules' }, FoundRules>(place, { type: 'rules' }, async ({ signal }) => {
    return { type: 'found', rules: await ports.rules.find(await placeOf(ports, input), input.match, signal) };
  });
}

export async function rememberRule(ports: Ports, input: RuleToKeep): Promise<null> {
  const { rule } = input;
  const name = `Remembering rule ${rule.ruleId} of thread ${rule.threadId}`;
  return runShortStep({ ...ports, name }, async (signal) => {
    await ports.rules.remember(await placeOf(ports, input), rule, signal);
    return null;
  });
}

/** Only a thread of an earlier release does not know it: its folder must be there, and be the same. */
async function placeOf(ports: Ports, { cwd, root, rulesAt }: OfRepository): Promise<RulesPlace> {
  if (rulesAt !== undefined) return rulesAt;
  if (root !== undefined) ports.requireWorkspace(cwd, root);
  return ports.rules.placeOf(cwd);
}

export async function listRules(ports: Ports, { cwd }: { cwd: string }): Promise<RepositoryRules> {
  return runShortStep({ ...ports, name: `Listing the rules around ${cwd}` }, async (signal) =>
    ports.rules.list(await ports.rules.placeOf(cwd), signal),
  );
}

export async function revokeRule(ports: Ports, { cwd, ruleId }: { cwd: string; ruleId: string }): Promise<boolean> {
  return runShortStep({ ...ports, name: `Revoking rule ${ruleId} around ${cwd}` }, async (signal) =>
    ports.rules.revoke(await ports.rules.placeOf(cwd), ruleId, signal),
  );
}
