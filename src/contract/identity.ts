/** The agent identity of an account, as its entity workflow keeps it. Nothing in it is secret. */
import { z } from 'zod';
import type { AgentTaskError } from './threads/agent-task.ts';
import { LIMITS } from './plain/limits.ts';
import type { WireNotes } from './plain/wire-schema.ts';
import { ShortTextSchema, compact, optional } from './shapes.ts';
import { type AgentIdentityMode, AgentIdentityModeSchema } from './threads/thread.ts';

export const IDENTITY_WORKFLOW_TYPE = 'agentIdentity';

const PRINTABLE = 'only printable ASCII characters without spaces are allowed';
/** As the identity service gives it. */
const RuntimeIdSchema = z
  .string()
  .min(1)
  .max(LIMITS.shortChars)
  .regex(/^[!-~]+$/, PRINTABLE)
  .meta({ says: PRINTABLE } satisfies WireNotes);

/** Payload of the update `ensureIdentity`. `mode` is that of the thread that asks. */
export const EnsureIdentitySchema = z.object({ mode: optional(AgentIdentityModeSchema) }).transform(compact);
export type EnsureIdentity = z.infer<typeof EnsureIdentitySchema>;

/**
 * Payload of the update `replaceIdentity`. `agentRuntimeId` is the identity to replace, by default the one in use: if another
 * one is in use already, nothing happens. A thread does not replace an identity that a `strict` thread uses. Default of `by`:
 * `operator`.
 */
export const ReplaceIdentitySchema = z
  .object({ agentRuntimeId: optional(RuntimeIdSchema), by: optional(z.enum(['operator', 'thread'])) })
  .transform(compact);
export type ReplaceIdentity = z.infer<typeof ReplaceIdentitySchema>;

/** Payload of the update `revokeIdentity`. `agentRuntimeId` is by default the identity in use. */
export const RevokeIdentitySchema = z
  .object({ agentRuntimeId: optional(RuntimeIdSchema), reason: optional(ShortTextSchema) })
  .transform(compact);
export type RevokeIdentity = z.infer<typeof RevokeIdentitySchema>;

/** A registered runtime of an account. */
export interface RegisteredRuntime {
  agentRuntimeId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
  /** The same; null if the service reports no end. */
  expiresAt: string | null;
}

export interface IdentityRevocation {
  agentRuntimeId: string;
  /** Milliseconds since the epoch. */
  at: number;
  reason: string | null;
  /** Why the service did not take part; null if it did, and while it is asked. */
  problem: string | null;
  /** Why its key could not be removed: revoke it again. Left out once the key is removed. */
  keyLeft?: string;
}

/** Answer of the query `account`. */
export interface AccountIdentity {
  account: string;
  /** `revoked`: no thread gets an identity until an operator replaces it. */
  status: 'none' | 'inUse' | 'revoked';
  /** The one in use, or null. */
  identity: RegisteredRuntime | null;
  /** The account's least strict mode, as the worker that registered the identity had it; null if that is not known. */
  policy: AgentIdentityMode | null;
  /** A `strict` thread uses it, so no thread replaces it. */
  isPinned: boolean;
  registering: boolean;
  /** Milliseconds since the epoch: when it is replaced ahead of its end; null if that is not planned. */
  renewsAt: number | null;
  /** Null after a success. */
  lastError: AgentTaskError | null;
  /** The newest revocation of the identity in use; null after a replacement. */
  revocation: IdentityRevocation | null;
}
