import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { type SandboxMode, SandboxModeSchema } from './policies.ts';
import { HostIdSchema, IdSchema, MomentSchema, PathSchema, compact, optional } from '../shapes.ts';

/** The type of the workflow that holds the rules of a repository. */
export const RULES_WORKFLOW_TYPE = 'approvalRules';

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

const RulePathSchema = z.string().min(1).max(LIMITS.pathChars);

/** The same for messages. A match of the first release has at most 16,000 bytes. */
export const RuleMatchSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('commandExecution'),
    command: z.string().max(16_000),
    cwd: RulePathSchema,
    sandbox: SandboxModeSchema,
  }),
  z.object({ type: z.literal('fileChange'), paths: z.array(RulePathSchema).max(1_000), sandbox: SandboxModeSchema }),
  z.object({
    type: z.literal('mcpToolCall'),
    server: z.string().max(LIMITS.shortChars),
    tool: z.string().max(LIMITS.shortChars),
    sandbox: SandboxModeSchema,
  }),
]) satisfies z.ZodType<RuleMatch>;

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

const HOST_CHARACTERS = 'only letters, digits and . _ @ - are allowed';

/** The argument of the workflow `approvalRules`, and its memo. */
export const RulesKeySchema = z.object({
  /** As in {@link RepositoryRules}. */
  host: z
    .string()
    .min(1)
    .max(LIMITS.idChars)
    .regex(/^[A-Za-z0-9._@-]+$/, HOST_CHARACTERS)
    .meta({ says: HOST_CHARACTERS } satisfies WireNotes),
  /** Real path of the repository's own folder (its `.git`), or of the folder itself if it is in none. */
  repository: PathSchema,
});
export type RulesKey = z.infer<typeof RulesKeySchema>;

/** Where the rules of a thread's repository are kept, as it was when the thread began. */
export interface RulesPlace extends RulesKey {
  /** A folder of the work tree as its thread names it, and its path in the work tree: empty, or with a trailing slash. */
  folder: string;
  prefix: string;
}

/** A rule as the workflow of its repository holds it. */
export const RepositoryRuleSchema = z.object({
  ruleId: IdSchema,
  scope: z.literal('repository'),
  match: RuleMatchSchema,
  decision: z.enum(['accept', 'decline']),
  by: z.literal('person'),
  at: MomentSchema,
  threadId: IdSchema,
  turnId: z.string().max(LIMITS.idChars),
}) satisfies z.ZodType<ApprovalRule>;

/** Payload of the signal `rememberRules`. */
export const RememberRulesSchema = z.object({ rules: z.array(RepositoryRuleSchema).max(300) });
export interface RememberRules {
  rules: readonly ApprovalRule[];
}

/**
 * Argument of the workflow `repositoryRules`: an absolute folder of the repository, a rule to revoke, and the host that has the
 * folder. Without one it is the host that takes the question.
 */
export const RepositoryRulesRequestSchema = z
  .object({
    cwd: PathSchema,
    revoke: optional(IdSchema),
    host: optional(HostIdSchema),
  })
  .transform(compact);
export type RepositoryRulesRequest = z.infer<typeof RepositoryRulesRequestSchema>;

export interface RepositoryRules {
  /** The host that the path is of, or `@` and the group of hosts that share it. */
  host: string;
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
