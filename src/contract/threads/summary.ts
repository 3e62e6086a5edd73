import type { ThreadRequest } from './requests.ts';
import type { ThreadView } from './view.ts';

/** One thread of a list. */
export interface ThreadSummary {
  threadId: string;
  /** Its title, else the first line of its first prompt; empty if it has neither. */
  title: string;
  /**
   * `running`: open; the service knows nothing more precise. A terminated, cancelled or timed out workflow is `terminated`, a failed
   * one `failed`. The other states are those of the view.
   */
  status: ThreadView['status'] | 'running' | 'failed' | 'terminated';
  /** Null: it waits for nothing, or did not answer. */
  waitsFor: WaitingFor | null;
  /** Whether a person may answer a request of it or of a thread below; null if the service does not know it. */
  waitsForPerson: boolean | null;
  /** Empty if the service does not know it. */
  cwd: string;
  createdAt: Date;
  /** Dollars of this thread without its agents; null if the service does not know it. */
  costUsd: number | null;
  /** The thread that started it; null for a thread of a person or of a batch. */
  parentId: string | null;
  runId: string;
}

/** `who`: a person who must answer, or Bobbin itself. */
export interface WaitingFor {
  who: 'person' | 'bobbin';
  /** In words, as foreign text. */
  what: string;
}

/** What waits for a person, in all threads; the oldest request first. */
export interface OpenRequests {
  /** Answer a request to the thread that is named with it. */
  open: { thread: ThreadSummary; request: ThreadRequest }[];
  /** Ids of threads that wait for a person and did not answer. */
  unread: string[];
}
