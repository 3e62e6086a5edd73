/** The registration of agent tasks and identities. */
import type { AgentIdentity } from '../ports.ts';
import type { AgentIdentityMode, AgentTaskRecord } from '../../src/contract/index.ts';

export interface AgentTaskRegistration {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  account: string;
  /** Runtime id that is no longer accepted and must be replaced first; null for none. */
  replaceIdentity: string | null;
  /** The thread's mode; threads of earlier releases do not report it. */
  mode?: AgentIdentityMode;
  /** It renews a task that is still valid, which `strict` does not permit. */
  ahead?: true;
  /** A turn waits that long for a service that is away, in milliseconds; left out if no turn waits for it yet. */
  waitMs?: number;
  /** The thread knows already that the service is away. */
  announced?: true;
}

/** The result of a successful registration. */
export interface AgentTaskRegistered {
  task: AgentTaskRecord;
  /** The identity in use after the registration; empty if there is none. */
  currentRuntimeId: string;
  /** Tasks of earlier attempts that will not be used, as far as known. */
  unusedTasks: number;
  /** When the identity of the task ends; left out if that is not known. RFC 3339, UTC. */
  identityExpiresAt?: string;
}

/** The service is away, for the thread to say so. It starts the registration again with what is left of the wait. */
export interface AgentTaskDelayed {
  type: 'delayed';
  failure: { code: string; message: string };
  /** What is left of the wait, in milliseconds. */
  leftMs: number;
  unusedTasks: number;
}

export interface AgentIdentityRegistration {
  account: string;
  /** Runtime id of the identity that it replaces; null for none. */
  replaces: string | null;
  /** It renews an identity that is still valid, which `strict` does not permit. */
  ahead: boolean;
}

export interface RegisteredIdentity extends AgentIdentity {
  /** Of the worker that registered it; earlier releases left it out. */
  policy?: AgentIdentityMode;
}
