import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, compact, optional } from '../shapes.ts';
import type { Spent } from './budget.ts';
import type { ApprovalDecision, ResolvedBy, ThreadRequest } from './requests.ts';
import type { TurnCompletion } from './turn.ts';

/** What a sub-thread is for: `agent` takes turns until it is closed, `review` ends with its first one. */
export const SubThreadRoleSchema = z.enum(['agent', 'review']);
export type SubThreadRole = z.infer<typeof SubThreadRoleSchema>;

const COMMIT_ID = 'the full id of a commit is needed';
const CommitIdSchema = z
  .string()
  .regex(/^[0-9a-f]{40,64}$/, COMMIT_ID)
  .meta({ says: COMMIT_ID } satisfies WireNotes);

/** Where a sub-thread hangs. Part of the start argument that a thread gives to its children. */
export const ParentSchema = z
  .object({
    threadId: IdSchema,
    /** Ids of all threads above it, the root first, the parent last. */
    path: z.array(IdSchema).min(1).max(LIMITS.pathThreads),
    role: SubThreadRoleSchema,
    /** `result` for a parent that is no thread: nothing is reported on the way, and the workflow's result has how it went. */
    reports: optional(z.enum(['signal', 'result'])),
    /** Full id of the commit that must be checked out in its folder, unchanged, for as long as it looks at it. */
    head: optional(CommitIdSchema),
    /** The same of a folder in which a person works: files may be edited meanwhile. The id of a tree before the first commit. */
    checkedOut: optional(CommitIdSchema),
  })
  .transform(compact);
export type Parent = z.infer<typeof ParentSchema>;

/** How far sub-threads may go. */
export interface SubThreadLimits {
  /** Threads above a thread that may still have children of its own are fewer than this; 0 for no sub-agents at all. */
  maxDepth: number;
  /** Children of one thread that may be at work at a time. */
  maxActive: number;
}

/**
 * What a sub-thread is doing, by Codex's names. `interrupted` and `completed` ones take further turns; `shutdown` ones
 * are closed, `notFound` ones ended without a word: terminated from outside, or failed.
 */
export type SubThreadStatus =
  'pendingInit' | 'running' | 'interrupted' | 'completed' | 'errored' | 'shutdown' | 'notFound';

/** A child of a thread, as its parent knows it. */
export interface SubThread {
  threadId: string;
  /** How the model speaks of it. */
  name: string;
  role: SubThreadRole;
  /** Turn of the parent that started it. */
  turnId: string;
  status: SubThreadStatus;
  /** What it said last, shortened; null before its first turn has ended. */
  lastAgentMessage: string | null;
}

/** What a child tells its parent, by the signal `subThreadReport`. */
export type SubThreadReport =
  | { type: 'turnCompleted'; turn: TurnCompletion }
  | { type: 'requestOpened'; request: ThreadRequest }
  | { type: 'requestResolved'; requestId: string; decision: ApprovalDecision; by: ResolvedBy }
  /**
   * Everything that it and its descendants have used up, from its start on, so that twice is once. It waits where it would
   * go on, and its part of the budget is used up or it was told to hold.
   */
  | { type: 'usage'; spent: Spent; waits: boolean }
  | { type: 'closed'; reason: string | null };

/** Payload of the signal `subThreadReport`. */
export interface SubThreadMessage {
  /** The child that speaks; what its own descendants said is in its words. */
  threadId: string;
  report: SubThreadReport;
}

/** Payload of the signal `agentMessage`: words of another agent, for the turn under way or the next one. */
export const AgentMessageSchema = z.object({ from: IdSchema, text: z.string().min(1).max(LIMITS.agentMessageChars) });
export type AgentMessage = z.infer<typeof AgentMessageSchema>;
