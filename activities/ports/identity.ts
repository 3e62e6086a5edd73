/** Agent identities, and the agent tasks that are registered under them. */

/** A registered runtime of an account. The private key stays in the key store, found by `agentRuntimeId`. */
export interface AgentIdentity {
  account: string;
  agentRuntimeId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
}

export interface AgentTask {
  agentRuntimeId: string;
  taskId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
}

export interface IdentityPort {
  /** Makes a key pair, registers it for the account and stores the key. Not idempotent: callers must ensure one call. */
  registerIdentity(account: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** Makes an identity the one in use for its account on this key store. */
  useIdentity(identity: AgentIdentity): Promise<void>;
  /** The identity in use for the account, from the key store; undefined if there is none. */
  currentIdentity(account: string): Promise<AgentIdentity | undefined>;
  /** Registers an agent task under that identity. Every call makes another task at the service. */
  registerTask(identity: AgentIdentity, signal: AbortSignal): Promise<AgentTask>;
  /**
   * The `Authorization` value for one request, freshly signed. Fails with `agentTaskStale` when the identity in use for
   * the account is not the one the task was registered under.
   */
  assertion(account: string, task: AgentTask): Promise<string>;
}

/** The identity in use per account, kept by one entity workflow each, so that many workers register one. */
export interface IdentityDirectory {
  /** The identity in use; registers one if there is none. */
  ensure(account: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** Replaces that identity by a new one. If another one is already in use, returns that one. */
  replace(account: string, agentRuntimeId: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** The identity in use, or null; registers nothing. */
  current(account: string, signal: AbortSignal): Promise<AgentIdentity | null>;
}
