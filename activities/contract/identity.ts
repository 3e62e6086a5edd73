/** The registration of agent tasks. */
import type { AgentTaskRecord } from '../../src/contract/index.ts';

export interface AgentTaskRegistration {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  account: string;
  /** Runtime id that is no longer taken and is to be replaced first; null for none. */
  replaceIdentity: string | null;
}

/** What became of a registration that ended well. */
export interface AgentTaskRegistered {
  task: AgentTaskRecord;
  /** The identity in use after the registration; empty where there is none. */
  currentRuntimeId: string;
  /** Tasks that earlier tries registered and that nobody will use, as far as they are known. */
  unusedTasks: number;
}
