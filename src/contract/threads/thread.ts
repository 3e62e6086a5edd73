import { z } from 'zod';
import { type Budget, BudgetSchema, type Spent } from './budget.ts';
import { LIMITS } from '../plain/limits.ts';
import type { ModelOptions } from '../plain/model-options.ts';
import { faultOfWorkspace } from '../plain/workspace-rules.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import {
  HostIdSchema,
  IdSchema,
  PathSchema,
  RefSchema,
  RepositorySchema,
  ShortTextSchema,
  compact,
  optional,
} from '../shapes.ts';
import { MODEL_OPTIONS } from './model-options.ts';
import type { WorkspaceMove } from './move.ts';
import { type ApprovalPolicy, ApprovalPolicySchema, type SandboxMode, SandboxModeSchema } from './policies.ts';
import type { RulesPlace } from './rules.ts';
import { type Parent, ParentSchema, type SubThreadLimits } from './sub-threads.ts';
import { SubmitTurnSchema, type TurnCompletion } from './turn.ts';

export { HostIdSchema };

/** `off`: no assertion is sent. `recoverable` and `strict` differ in their reaction to a rejected assertion. */
export const AgentIdentityModeSchema = z.enum(['off', 'recoverable', 'strict']);
export type AgentIdentityMode = z.infer<typeof AgentIdentityModeSchema>;

/** A folder that a host has. */
export interface FolderWorkspace {
  cwd: string;
  /** The real path that `cwd` must have. Default: the one that it has when the thread begins. */
  root?: string;
  /** Default: a host that has the folder. */
  host?: string;
  repository?: undefined;
}

/** A repository that a host fetches, into a folder for this thread. */
export interface ManagedWorkspace {
  /** An https, http, ssh or file URL, or `host:path`; without credentials, since it is stored. */
  repository: string;
  /** A branch, a tag, or the full id of a commit. Default: the `HEAD` of the repository. */
  ref?: string;
  /** The folder in it to work in. Default: its top. */
  path?: string;
  /** Default: any host that takes new threads. */
  host?: string;
  cwd?: undefined;
}

export type Workspace = FolderWorkspace | ManagedWorkspace;

export const WorkspaceSchema = z
  .object({
    cwd: optional(PathSchema),
    root: optional(PathSchema),
    host: optional(HostIdSchema),
    repository: optional(RepositorySchema),
    ref: optional(RefSchema),
    path: optional(z.string().min(1).max(LIMITS.pathChars)),
  })
  .superRefine((workspace, context) => {
    const fault = faultOfWorkspace(workspace);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  })
  .transform((workspace): Workspace => compact(workspace) as unknown as Workspace)
  .meta({ rule: 'workspace' } satisfies WireNotes);

export const AgentIdentityChoiceSchema = z.object({ mode: AgentIdentityModeSchema, account: IdSchema });
export type AgentIdentityChoice = z.infer<typeof AgentIdentityChoiceSchema>;

/**
 * The immediate answers of a thread that nobody watches: `approvals` answers approvals, and questions get the remark
 * that nobody is there.
 */
export const UnattendedSchema = z.object({ approvals: z.enum(['accept', 'decline', 'cancel']) });
export type Unattended = z.infer<typeof UnattendedSchema>;

/**
 * Begins with the past of another thread, up to and including that turn. Default: everything that has ended, and a turn
 * in progress is cut off. `shared` (the default) works on the same files, `worktree` in a separate git work tree, with
 * the files as they were then.
 */
export const ForkSchema = z
  .object({
    threadId: IdSchema,
    turnId: optional(IdSchema),
    files: optional(z.enum(['shared', 'worktree'])),
  })
  .transform(compact);
export type Fork = z.infer<typeof ForkSchema>;

/** Continues from the closed run of that id: the thread's newest one. */
export const ResumeSchema = z.object({ runId: IdSchema });

/**
 * The argument of the `thread` workflow. Only the first two members are required; the worker's configuration has the
 * rest.
 */
export const StartThreadSchema = z
  .object({
    threadId: IdSchema,
    workspace: WorkspaceSchema,
    title: optional(ShortTextSchema),
    model: optional(z.string().min(1).max(LIMITS.idChars)),
    ...MODEL_OPTIONS,
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
    error: 'a fork has its own id',
    path: ['threadId'],
  })
  .refine(({ workspace, resume, fork }) => workspace.cwd !== undefined || (resume ?? fork) === undefined, {
    error: 'a fork or a resumed thread takes a folder: it has the files of its source',
    path: ['workspace', 'repository'],
  })
  .transform(compact)
  .meta({ rule: 'start' } satisfies WireNotes);
export type StartThread = z.infer<typeof StartThreadSchema>;

/** The source of a fork; `turnId` is the last turn that was copied, null if there was none. */
export interface ForkOrigin {
  threadId: string;
  turnId: string | null;
}

/** Where the files of a managed workspace come from. */
export interface Managed {
  repository: string;
  ref?: string;
  path?: string;
  /** Full id of the commit that was checked out when the thread began. */
  commit: string;
}

/** All members of a start argument, with the worker's defaults filled in. */
export interface ThreadSettings extends ModelOptions {
  cwd: string;
  /** The real path of `cwd` when the thread began: steps fail if it has another. Threads of earlier releases have none. */
  root?: string;
  /** The host whose workers run its steps. Those of threads of earlier releases run on any. */
  host?: string;
  /** The repository that its host fetched into `cwd`; left out if the start argument named a folder. */
  managed?: Managed;
  /** The group of its host: another host of it sees the same folder under the same path. Left out if it is in none. */
  hostGroup?: string;
  /** Milliseconds that a step waits for its host before it fails. */
  hostGraceMs?: number;
  /** Milliseconds until a turn asks whether its host is there. Left out if no other host could. */
  hostProbeMs?: number;
  /** How it came to its host and folder; left out if it was never moved. */
  moved?: WorkspaceMove;
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
  /**
   * Whether a snapshot is taken before the first tool call of a turn that can write, so that the turn can be undone.
   */
  snapshots: boolean;
  /** Whether the service has the search attributes, which threads then keep up to date. */
  searchAttributes: boolean;
  /** Whether answers are remembered for its repository, and read from there. */
  repositoryRules: boolean;
  /** Where those are kept; left out in threads of earlier releases, and if the folder could not be read. */
  rulesAt?: RulesPlace;
  /** Model of its reviews; null for the thread's own. */
  reviewModel: string | null;
  /** Empty for no limits. */
  budget: Budget;
  /**
   * Whether the time that a turn waits for a person is kept separately and counts for no budget; older threads count
   * it.
   */
  waitingApart: boolean;
  /**
   * Whether the search attributes of a regular turn wait until it outlives its first step or asks somebody; not in
   * older threads.
   */
  quietFirstStep: boolean;
  /** Whether its memo gets the first prompt if it has no title, for lists; not in older threads. */
  promptInMemo: boolean;
  /** Whether commands in a sandbox can reach the network, all of it or named hosts (`BOBBIN_NETWORK`), as of the start of the thread. */
  network: boolean;
  /**
   * Milliseconds that a turn waits while the identity service is away; null in threads of earlier releases, which gave up
   * after three attempts.
   */
  identityWaitMs: { attended: number; unattended: number } | null;
  /** Milliseconds until an open request is answered with its default; 0 for never. */
  requestDeadlineMs: number;
  /** The length of a run's history, in events and in bytes, from which on the thread continues as new. */
  continueAsNewAfter: { events: number; bytes: number };
}

/** Result of the `thread` workflow. A start argument that cannot be used is refused; the workflow does not fail. */
export type ThreadResult =
  | {
      status: 'closed';
      threadId: string;
      turnCount: number;
      reason: string | null;
      /** For a sub-thread whose parent waits for the result: how its newest turn ended, and its total usage. */
      outcome?: { turn: TurnCompletion | null; spent: Spent };
    }
  | {
      status: 'refused';
      reason: string;
      /** Of the failure, such as `workspaceOnNoHost`; left out if it has none, and by earlier releases. */
      code?: string;
    };
