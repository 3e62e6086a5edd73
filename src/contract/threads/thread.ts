import { z } from 'zod';
import { type Budget, BudgetSchema, type Spent } from './budget.ts';
import { LIMITS } from '../plain/limits.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, PathSchema, ShortTextSchema, compact, optional } from '../shapes.ts';
import { type ApprovalPolicy, ApprovalPolicySchema, type SandboxMode, SandboxModeSchema } from './policies.ts';
import { type Parent, ParentSchema, type SubThreadLimits } from './sub-threads.ts';
import { SubmitTurnSchema, type TurnCompletion } from './turn.ts';

/** `off`: no assertion is sent. `recoverable` and `strict` differ in what a rejected assertion leads to. */
export const AgentIdentityModeSchema = z.enum(['off', 'recoverable', 'strict']);
export type AgentIdentityMode = z.infer<typeof AgentIdentityModeSchema>;

/** `root` is the real path that `cwd` must have; left out, the one that it has when the thread begins. */
export const WorkspaceSchema = z.object({ cwd: PathSchema, root: optional(PathSchema) }).transform(compact);

export const AgentIdentityChoiceSchema = z.object({ mode: AgentIdentityModeSchema, account: IdSchema });
export type AgentIdentityChoice = z.infer<typeof AgentIdentityChoiceSchema>;

/**
 * What a thread that nobody watches answers to its own requests, at once: approvals by `approvals`, questions with the
 * remark that nobody is there.
 */
export const UnattendedSchema = z.object({ approvals: z.enum(['accept', 'decline', 'cancel']) });
export type Unattended = z.infer<typeof UnattendedSchema>;

/**
 * To begin with the past of another thread, up to and including that turn; left out, all that has ended, and a turn in
 * progress cut off. `shared` (the default) works on the same files, `worktree` in a git work tree of its own, with the files
 * as they were then.
 */
export const ForkSchema = z
  .object({
    threadId: IdSchema,
    turnId: optional(IdSchema),
    files: optional(z.enum(['shared', 'worktree'])),
  })
  .transform(compact);
export type Fork = z.infer<typeof ForkSchema>;

/** To go on from the closed run of that id: the thread's newest one. */
export const ResumeSchema = z.object({ runId: IdSchema });

/** The argument of the `thread` workflow. The first two are enough, the worker's configuration has the rest. */
export const StartThreadSchema = z
  .object({
    threadId: IdSchema,
    workspace: WorkspaceSchema,
    title: optional(ShortTextSchema),
    model: optional(z.string().min(1).max(LIMITS.idChars)),
    instructions: optional(z.string().max(LIMITS.instructionsChars)),
    approvalPolicy: optional(ApprovalPolicySchema),
    sandbox: optional(SandboxModeSchema),
    agentIdentity: optional(AgentIdentityChoiceSchema),
    unattended: optional(UnattendedSchema),
    budget: optional(BudgetSchema),
    parent: optional(ParentSchema),
    firstTurn: optional(SubmitTurnSchema),
    resume: optional(ResumeSchema),
    fork: optional(ForkSchema),
  })
  .refine(({ resume, fork }) => resume === undefined || fork === undefined, {
    error: 'a thread is resumed or forked, not both',
    path: ['fork'],
  })
  .refine(({ threadId, fork }) => fork?.threadId !== threadId, {
    error: 'a fork has an id of its own',
    path: ['threadId'],
  })
  .transform(compact)
  .meta({ rule: 'start' } satisfies WireNotes);
export type StartThread = z.infer<typeof StartThreadSchema>;

/** Where a thread was forked from; `turnId` is the last turn that it took over, null where there was none. */
export interface ForkOrigin {
  threadId: string;
  turnId: string | null;
}

/** Everything of a start argument, with the worker's defaults filled in. */
export interface ThreadSettings {
  cwd: string;
  /** The real path of `cwd` when the thread began: steps fail if it has another. Threads of earlier releases have none. */
  root?: string;
  title: string;
  model: string;
  instructions: string;
  approvalPolicy: ApprovalPolicy;
  sandbox: SandboxMode;
  agentIdentity: AgentIdentityChoice;
  unattended: Unattended | null;
  /** Null for a thread that no other thread started. */
  parent: Parent | null;
  subThreads: SubThreadLimits;
  /** Whether the files are kept before the first tool call of a turn that can write, so that it can be undone. */
  snapshots: boolean;
  /** Whether the service knows the search attributes, which threads then keep up to date. */
  searchAttributes: boolean;
  /** Whether answers are remembered for its repository, and looked up there. */
  repositoryRules: boolean;
  /** Model of its reviews; null for the thread's own. */
  reviewModel: string | null;
  /** Empty for no limits. */
  budget: Budget;
  /** Whether the time in which a turn waits for a person is kept apart and counts for no budget; older threads count it. */
  waitingApart: boolean;
  /** Whether the search attributes of a regular turn wait until it outlives its first step or asks somebody; in older threads they do not. */
  quietFirstStep: boolean;
  /** Whether commands in a sandbox can reach the network, all of it or named hosts (`BOBBIN_NETWORK`). */
  network: boolean;
  /** Milliseconds until an open request is answered with its default; 0 for never. */
  requestDeadlineMs: number;
  /** The length of a run's history, in events and in bytes, from which on the thread goes on as a new run. */
  continueAsNewAfter: { events: number; bytes: number };
}

/** Result of the `thread` workflow. A start argument that cannot be used is refused, not failed. */
export type ThreadResult =
  | {
      status: 'closed';
      threadId: string;
      turnCount: number;
      reason: string | null;
      /** Of a sub-thread whose parent waits for the result: how its newest turn ended, and what it used up in all. */
      outcome?: { turn: TurnCompletion | null; spent: Spent };
    }
  | { status: 'refused'; reason: string };
