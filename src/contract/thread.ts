import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { IdSchema, ShortTextSchema, compact, optional } from './shapes.ts';

export const ApprovalPolicySchema = z.enum(['untrusted', 'on-request', 'never']);
export type ApprovalPolicy = z.infer<typeof ApprovalPolicySchema>;

export const SandboxModeSchema = z.enum(['read-only', 'workspace-write', 'danger-full-access']);
export type SandboxMode = z.infer<typeof SandboxModeSchema>;

/** `off`: no assertion is sent. `recoverable` and `strict` differ in what a rejected assertion leads to. */
export const AgentIdentityModeSchema = z.enum(['off', 'recoverable', 'strict']);
export type AgentIdentityMode = z.infer<typeof AgentIdentityModeSchema>;

const PathSchema = z.string().min(1).max(LIMITS.pathChars).startsWith('/', 'an absolute path is needed');

export const WorkspaceSchema = z.object({ cwd: PathSchema });

export const AgentIdentityChoiceSchema = z.object({ mode: AgentIdentityModeSchema, account: IdSchema });
export type AgentIdentityChoice = z.infer<typeof AgentIdentityChoiceSchema>;

/**
 * What a thread that nobody watches answers to its own requests, at once: approvals by `approvals`, questions with the
 * remark that nobody is there.
 */
export const UnattendedSchema = z.object({ approvals: z.enum(['accept', 'decline', 'cancel']) });
export type Unattended = z.infer<typeof UnattendedSchema>;

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
  })
  .transform(compact);
export type StartThread = z.infer<typeof StartThreadSchema>;

/** Everything of a start argument, with the worker's defaults filled in. */
export interface ThreadSettings {
  cwd: string;
  title: string;
  model: string;
  instructions: string;
  approvalPolicy: ApprovalPolicy;
  sandbox: SandboxMode;
  agentIdentity: AgentIdentityChoice;
  unattended: Unattended | null;
  /** Milliseconds until an open request is answered with its default; 0 for never. */
  requestDeadlineMs: number;
  /** The length of a run's history, in events and in bytes, from which on the thread goes on as a new run. */
  continueAsNewAfter: { events: number; bytes: number };
}

/** Result of the `thread` workflow. A start argument that cannot be used is refused, not failed. */
export type ThreadResult =
  | { status: 'closed'; threadId: string; turnCount: number; reason: string | null }
  | { status: 'refused'; reason: string };
