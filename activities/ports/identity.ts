import type { AgentIdentityMode } from '../../src/contract/index.ts';

/** Agent identities, and the agent tasks that are registered under them. */

/** A registered runtime of an account. The private key stays in the key store, found by `agentRuntimeId`. */
export interface AgentIdentity {
  account: string;
  agentRuntimeId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
  /** RFC 3339, UTC, by the clock of the worker that registered it; left out if the service reports no end. */
  expiresAt?: string;
}

export interface AgentTask {
  agentRuntimeId: string;
  taskId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
  /** The same as for an identity. */
  expiresAt?: string;
}

export interface IdentityPort {
  /**
   * Makes a key pair, registers it for the account and stores the key. Callers must ensure one call at a time. A repeated
   * call with the same `replaces` returns the identity of the first one, if its key was stored and it is not in use yet.
   * @param replaces runtime id of the identity that it replaces; null for none
   */
  registerIdentity(account: string, signal: AbortSignal, replaces?: string | null): Promise<AgentIdentity>;
  /** Makes an identity the one in use for its account on this key store. */
  useIdentity(identity: AgentIdentity): Promise<void>;
  /** The identity in use for the account, from the key store; undefined if there is none. */
  currentIdentity(account: string): Promise<AgentIdentity | undefined>;
  /** Registers an agent task under that identity. Every call makes another task at the service. */
  registerTask(identity: AgentIdentity, signal: AbortSignal): Promise<AgentTask>;
  /**
   * Revokes an identity at its service and removes its key here. `problem`: why the service did not take part, if so; the
   * key is removed in any case. Idempotent.
   */
  revokeIdentity(identity: AgentIdentity, signal: AbortSignal): Promise<{ problem: string | null }>;
  /**
   * The `Authorization` value for one request, freshly signed. Fails with `agentTaskStale` when the identity in use for
   * the account is not the one the task was registered under.
   */
  assertion(account: string, task: AgentTask): Promise<string>;
}

/** The identity in use per account, kept by one entity workflow each, so that many workers register one. */
export interface IdentityDirectory {
  /** The identity in use; registers one if there is none. A `strict` thread's identity is replaced by operators only. */
  ensure(account: string, mode: AgentIdentityMode, signal: AbortSignal): Promise<AgentIdentity>;
  /** Replaces that identity by a new one. If another one is already in use, returns that one. */
  replace(account: string, agentRuntimeId: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** The identity in use, or null; registers nothing. */
  current(account: string, signal: AbortSignal): Promise<AgentIdentity | null>;
}
