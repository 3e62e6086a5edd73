import { z } from 'zod';
import type { SandboxMode } from './policies.ts';
import { IdSchema, PathSchema, compact, optional } from '../shapes.ts';

/**
 * The scope of a remembered answer: not at all, until its turn ends, for the thread's life, for all threads of its
 * repository.
 */
export const RuleScopeSchema = z.enum(['call', 'turn', 'thread', 'repository']);
export type RuleScope = z.infer<typeof RuleScopeSchema>;

export const RememberSchema = z.object({ scope: RuleScopeSchema });
export type Remember = z.infer<typeof RememberSchema>;

/**
 * The subject of a rule, by the names of the requests that it answers; `workflows/thread/approvals/rules.ts` defines
 * what it covers.
 */
export type RuleMatch =
  /** This text in this folder, in the sandbox that it runs in. */
  | { type: 'commandExecution'; command: string; cwd: string; sandbox: SandboxMode }
  /** Changes to these files, in a thread of this sandbox mode. */
  | { type: 'fileChange'; paths: string[]; sandbox: SandboxMode }
  | { type: 'mcpToolCall'; server: string; tool: string; sandbox: SandboxMode };

/** An answer of a person that also answers later requests. */
export interface ApprovalRule {
  /** Unique in its thread, or in its repository. */
  ruleId: string;
  scope: Exclude<RuleScope, 'call'>;
  /** Paths are absolute; those of a repository's rule are relative to its root if they are in it. */
  match: RuleMatch;
  decision: 'accept' | 'decline';
  by: 'person';
  /** Milliseconds since the epoch. */
  at: number;
  /** Where it was given. The turn is empty if an earlier release kept the rule. */
  threadId: string;
  turnId: string;
}

/** Answer of the query `rules`: rules of turn and thread, oldest first. */
export interface ThreadRules {
  rules: ApprovalRule[];
}

/** Payload of the signal and update `revokeRule`. */
export const RevokeRuleSchema = z.object({ ruleId: IdSchema });
export type RevokeRule = z.infer<typeof RevokeRuleSchema>;

/** Argument of the workflow `repositoryRules`: an absolute folder of the repository, and a rule to revoke. */
export const RepositoryRulesRequestSchema = z
  .object({
    cwd: PathSchema,
    revoke: optional(IdSchema),
  })
  .transform(compact);
export type RepositoryRulesRequest = z.infer<typeof RepositoryRulesRequestSchema>;

export interface RepositoryRules {
  /** The repository's own folder (its `.git`), or the folder itself if it is in none; absolute, links resolved. */
  repository: string;
  /** Oldest first. */
  rules: ApprovalRule[];
}

/** Result of the workflow `repositoryRules`. `revoked` says whether the rule existed. */
export type RepositoryRulesResult =
  | (RepositoryRules & { status: 'read'; revoked: boolean })
  | { status: 'refused'; reason: string }
  | { status: 'failed'; reason: string };
