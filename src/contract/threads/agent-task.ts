import type { AgentIdentityMode } from './thread.ts';

/** An authorisation scope registered under an agent identity. Nothing in it is secret. */
export interface AgentTaskRecord {
  agentRuntimeId: string;
  taskId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
  /** RFC 3339, UTC, by the clock of the worker that registered it; left out if the service reports no end. */
  expiresAt?: string;
}

/** `none`: never had one. `cleared`: had one that is no longer valid; only a turn that needs one registers the next. */
export type AgentTaskStatus =
  | { status: 'none' }
  | { status: 'cleared'; reason: 'stale' | 'rejected' }
  | { status: 'registered'; task: AgentTaskRecord };

/** The newest problem with an identity or a task. */
export interface AgentTaskError {
  code: string;
  message: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export type AgentTaskView = AgentTaskStatus & {
  mode: AgentIdentityMode;
  account: string;
  registering: boolean;
  /** When the identity ends, as of the registration of the task; null if the service reports no end. RFC 3339, UTC. */
  identityExpiresAt: string | null;
  /** Milliseconds since the epoch: when a new task is registered ahead; null if that is not planned. */
  renewsAt: number | null;
  /** Null after a success. */
  lastError: AgentTaskError | null;
};
