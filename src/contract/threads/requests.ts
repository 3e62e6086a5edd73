import { z } from 'zod';
import { BUDGET_SCOPES, LIMIT_NAMES } from '../plain/amounts.ts';
import { LIMITS } from '../plain/limits.ts';
import { SandboxModeSchema } from './policies.ts';
import { RememberSchema } from './rules.ts';
import { IdSchema, MomentSchema, compact, optional, orNull } from '../shapes.ts';

/**
 * `accept` once, `acceptForSession` for the thread's life, `decline` to refuse but continue the turn, `cancel` to end
 * the turn.
 */
export const ApprovalDecisionSchema = z.enum(['accept', 'acceptForSession', 'decline', 'cancel']);
export type ApprovalDecision = z.infer<typeof ApprovalDecisionSchema>;

/** By question id. */
export const AnswersSchema = z.record(
  z.string().min(1).max(LIMITS.idChars),
  z.object({ answers: z.array(z.string().max(LIMITS.instructionsChars)).max(LIMITS.inputItems) }),
);

/**
 * Payload of the signal `resolveRequest` and the update `resolve`. `answers` go with a request of type `userInput`, `remember`
 * with `accept` or `decline` of an approval. `acceptForSession` is `accept`, remembered for the thread.
 */
export const ResolveRequestSchema = z
  .object({
    requestId: IdSchema,
    decision: ApprovalDecisionSchema,
    answers: optional(AnswersSchema),
    remember: optional(RememberSchema),
  })
  .transform(compact);
export type ResolveRequest = z.infer<typeof ResolveRequestSchema>;

/** A path that leads elsewhere by a symbolic link, both absolute. */
const PathLeadSchema = z.object({ path: z.string(), to: z.string() });
export type PathLead = z.infer<typeof PathLeadSchema>;

/** A request of a descendant, as the threads above it show it. */
const RequestOriginSchema = z.object({
  threadId: IdSchema,
  /** Ids from the child of the thread that shows it down to the thread that asked. */
  path: z.array(IdSchema).max(LIMITS.pathThreads),
  requestId: IdSchema,
  /** An answer has been sent down. */
  answered: z.boolean(),
});
export type RequestOrigin = z.infer<typeof RequestOriginSchema>;

const base = {
  /** `req_N`, with N the number of the item that waits; `budget_N` for the Nth request of its thread for a budget. */
  requestId: IdSchema,
  turnId: IdSchema,
  /** Null if no item waits. */
  itemId: orNull(IdSchema),
  /** Milliseconds since the epoch. */
  openedAt: MomentSchema,
  /** The time when the default answers; null for never. */
  deadlineAt: orNull(MomentSchema),
  /** The answer at the deadline. */
  default: ApprovalDecisionSchema,
  /**
   * The reason for the request, for the person who answers. In requests of earlier releases it may be the model's text.
   */
  reason: z.string(),
  /** The model's own reason, which nobody has checked. Absent if it gave none, and in requests of earlier releases. */
  justification: optional(z.string()),
  /** The thread that made it; null for this thread's own request. Answers here use `requestId`. */
  origin: orNull(RequestOriginSchema),
};

/** The beginning of a text. The rest is in the item of the request; `ThreadHandle.wholeRequest` reads it. */
const ExcerptSchema = z.object({
  text: z.string(),
  /** UTF-16 code units of the whole text: more than `text` has if it is cut. */
  chars: z.int().min(0),
});
export type Excerpt = z.infer<typeof ExcerptSchema>;

/** Where a step runs after it is accepted. Absent in requests of earlier releases. */
const runsIn = {
  /** `danger-full-access` is outside every sandbox. */
  sandbox: optional(SandboxModeSchema),
  /** The workspace of the thread, absolute. */
  workspace: optional(z.string()),
};

const QuestionSchema = z.object({
  id: z.string(),
  header: z.string(),
  question: z.string(),
  options: z.array(z.object({ label: z.string(), description: z.string() })),
});
export type Question = z.infer<typeof QuestionSchema>;

/** A request that a person or a policy must answer. */
export const ThreadRequestSchema = z.discriminatedUnion('type', [
  z
    .object({
      type: z.literal('commandExecution'),
      /** The whole command, byte for byte what runs. */
      command: z.string(),
      /** Absolute. */
      cwd: z.string(),
      /** It runs in a sandbox. */
      sandboxed: z.boolean(),
      /** The model requests to leave the sandbox of the thread. Absent in requests of earlier releases. */
      escalated: optional(z.boolean()),
      /** Whether it can reach the network. Absent in requests of earlier releases. */
      network: optional(z.boolean()),
      ...base,
      ...runsIn,
    })
    .transform(compact),
  z
    .object({
      type: z.literal('fileChange'),
      /** All that the patch may touch, absolute. */
      paths: z.array(z.string()),
      /** The targets of paths that are links. */
      leads: optional(z.array(PathLeadSchema)),
      /** Absent in requests of earlier releases: the item has it. */
      patch: optional(ExcerptSchema),
      ...base,
      ...runsIn,
    })
    .transform(compact),
  z
    .object({
      type: z.literal('mcpToolCall'),
      server: z.string(),
      tool: z.string(),
      /** The server's own word. */
      readOnly: z.boolean(),
      /** JSON; absent in requests of earlier releases: the item has them. */
      arguments: optional(ExcerptSchema),
      ...base,
    })
    .transform(compact),
  z.object({ type: z.literal('userInput'), questions: z.array(QuestionSchema), ...base }).transform(compact),
  /**
   * A limit was reached. Amounts are in its unit: tokens, dollars, steps, milliseconds. `accept` adds `grants` from then
   * on; `decline` and `cancel` abort with reason `budgetLimited`.
   */
  z
    .object({
      type: z.literal('budget'),
      scope: z.enum(BUDGET_SCOPES),
      limit: z.enum(LIMIT_NAMES),
      spent: z.number(),
      max: z.number(),
      grants: z.number(),
      ...base,
    })
    .transform(compact),
]);
export type ThreadRequest = z.infer<typeof ThreadRequestSchema>;

/** The source of an answer. */
export const ResolvedBySchema = z.enum(['person', 'deadline', 'policy', 'abort']);
export type ResolvedBy = z.infer<typeof ResolvedBySchema>;
