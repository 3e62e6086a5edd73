import type { AgentIdentityMode } from './thread.ts';

/** An authorisation scope registered under an agent identity. Nothing in it is secret. */
export interface AgentTaskRecord {
  agentRuntimeId: string;
  taskId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
}

/** `none`: never had one. `cleared`: had one that is no longer valid; only a turn that needs one registers the next. */
export type AgentTaskStatus =
  | { status: 'none' }
  | { status: 'cleared'; reason: 'stale' | 'rejected' }
  | { status: 'registered'; task: AgentTaskRecord };

export type AgentTaskView = AgentTaskStatus & {
  mode: AgentIdentityMode;
  account: string;
  registering: boolean;
};
