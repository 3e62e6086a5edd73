import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, compact, optional, orNull } from '../shapes.ts';
import { SpentSchema } from './budget.ts';
import { ApprovalDecisionSchema, ResolvedBySchema, ThreadRequestSchema } from './requests.ts';
import { TurnCompletionSchema } from './turn.ts';

/** The purpose of a sub-thread: `agent` runs turns until it is closed, `review` ends with its first one. */
export const SubThreadRoleSchema = z.enum(['agent', 'review']);
export type SubThreadRole = z.infer<typeof SubThreadRoleSchema>;

const COMMIT_ID = 'the full id of a commit is needed';
const CommitIdSchema = z
  .string()
  .regex(/^[0-9a-f]{40,64}$/, COMMIT_ID)
  .meta({ says: COMMIT_ID } satisfies WireNotes);

/** The place of a sub-thread in its tree. Part of the start argument that a thread gives to its children. */
export const ParentSchema = z
  .object({
    threadId: IdSchema,
    /** Ids of all threads above it, the root first, the parent last. */
    path: z.array(IdSchema).min(1).max(LIMITS.pathThreads),
    role: SubThreadRoleSchema,
    /**
     * `result` for a parent that is not a thread: nothing is reported meanwhile, and the workflow's result has the
     * outcome.
     */
    reports: optional(z.enum(['signal', 'result'])),
    /**
     * Full id of the commit that must be checked out in its folder, unchanged, while the sub-thread reads the folder.
     */
    head: optional(CommitIdSchema),
    /**
     * The same for a folder in which a person works: files may be edited meanwhile. The id of a tree before the first
     * commit.
     */
    checkedOut: optional(CommitIdSchema),
  })
  .transform(compact);
export type Parent = z.infer<typeof ParentSchema>;

/** Limits of sub-threads. */
export interface SubThreadLimits {
  /** Number of threads above a thread from which on it may have no children; 0 for no sub-agents at all. */
  maxDepth: number;
  /** Children of one thread that may be at work in parallel. */
  maxActive: number;
}

/**
 * The status of a sub-thread, by Codex's names. `interrupted` and `completed` ones accept further turns; `shutdown`
 * ones are closed, `notFound` ones ended without a report: terminated from outside, or failed.
 */
export type SubThreadStatus =
  'pendingInit' | 'running' | 'interrupted' | 'completed' | 'errored' | 'shutdown' | 'notFound';

/** A child of a thread, as its parent knows it. */
export interface SubThread {
  threadId: string;
  /** The name that the model uses for it. */
  name: string;
  role: SubThreadRole;
  /** Turn of the parent that started it. */
  turnId: string;
  status: SubThreadStatus;
  /** Its last message, shortened; null before its first turn has ended. */
  lastAgentMessage: string | null;
}

/** A report of a child to its parent, by the signal `subThreadReport`. */
export const SubThreadReportSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('turnCompleted'), turn: TurnCompletionSchema }),
  z.object({ type: z.literal('requestOpened'), request: ThreadRequestSchema }),
  z.object({
    type: z.literal('requestResolved'),
    requestId: IdSchema,
    decision: ApprovalDecisionSchema,
    by: ResolvedBySchema,
  }),
  /**
   * Total usage of it and its descendants, from its start on, which makes the report idempotent. `waits`: it could
   * continue, but its part of the budget is used up or it was asked to hold.
   */
  z.object({ type: z.literal('usage'), spent: SpentSchema, waits: z.boolean() }),
  z.object({ type: z.literal('closed'), reason: orNull(z.string()) }),
]);
export type SubThreadReport = z.infer<typeof SubThreadReportSchema>;

/** Payload of the signal `subThreadReport`. */
export const SubThreadMessageSchema = z.object({
  /** The child that reports; its reports include those of its descendants. */
  threadId: IdSchema,
  report: SubThreadReportSchema,
});
export type SubThreadMessage = z.infer<typeof SubThreadMessageSchema>;

/** Payload of the signal `agentMessage`: a message of another agent, for the turn under way or the next one. */
export const AgentMessageSchema = z.object({ from: IdSchema, text: z.string().min(1).max(LIMITS.agentMessageChars) });
export type AgentMessage = z.infer<typeof AgentMessageSchema>;
