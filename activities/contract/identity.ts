/** The registration of agent tasks. */
import type { AgentTaskRecord } from '../../src/contract/index.ts';

export interface AgentTaskRegistration {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  account: string;
  /** Runtime id that is no longer accepted and must be replaced first; null for none. */
  replaceIdentity: string | null;
}

/** The result of a successful registration. */
export interface AgentTaskRegistered {
  task: AgentTaskRecord;
  /** The identity in use after the registration; empty if there is none. */
  currentRuntimeId: string;
  /** Tasks of earlier attempts that will not be used, as far as known. */
  unusedTasks: number;
}
