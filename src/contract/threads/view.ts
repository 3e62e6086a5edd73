import type { AgentTaskView } from './agent-task.ts';
import type { CompactionTrigger } from './items.ts';
import type { BudgetView } from './budget.ts';
import type { ThreadRequest } from './requests.ts';
import type { StoredFilesView, WorkspacePlace } from './move.ts';
import type { SubThread } from './sub-threads.ts';
import type { ForkOrigin, ThreadSettings } from './thread.ts';
import type { Overrides, TurnKind, Usage } from './turn.ts';

/** The current activity of an active turn. */
export type TurnPhase =
  | { type: 'waitingForAgentTask' }
  | { type: 'waitingForWorkspace' }
  /** No worker serves the thread's host; `since` in milliseconds since the epoch. */
  | { type: 'waitingForHost'; host: string; since: number }
  /** A limit was reached, here or in a thread above. */
  | { type: 'waitingForBudget' }
  | { type: 'callingModel'; step: number }
  | { type: 'compacting'; trigger: CompactionTrigger }
  | { type: 'runningTools'; step: number; running: string[]; waiting: string[] }
  | { type: 'takingSnapshot' }
  /** The work of its kind. */
  | { type: 'working' }
  | { type: 'undoing'; turnId: string }
  | { type: 'redoing'; turnId: string }
  /** `threadId` is the review's own thread, once there is one. */
  | { type: 'reviewing'; stage: 'preparing' | 'running' | 'finishing'; threadId: string | null }
  | { type: 'aborting'; reason: string };

export interface ActiveTurnView {
  turnId: string;
  kind: TurnKind;
  startedAt: number;
  phase: TurnPhase;
}

/** A command that was left running. */
export interface SessionView {
  /** The number that the model knows it by. */
  sessionId: number;
  /** Its `commandSession`. */
  itemId: string;
  /** The turn that began it. */
  turnId: string;
  command: string;
  cwd: string;
  /** `stopping`: it was told to end, and its end is not proven yet. */
  status: 'running' | 'stopping';
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** When it is stopped at the latest. */
  endsAt: number;
}

/** A queued turn. */
export interface QueuedTurnView {
  turnId: string;
  kind: TurnKind;
  /** The beginning of its input, or what it reviews; at most 2,000 characters. */
  text: string;
  /** Characters of the whole input. */
  chars: number;
  overrides: Overrides;
}

/** A host that has to open a thread. */
export interface HostWait {
  host: string;
  /** Milliseconds since the epoch. */
  since: number;
  /** What the host fetches first; left out for a folder. */
  repository?: string;
}

/** Answer of the `opening` query, for a thread that has no view yet. */
export interface ThreadOpening {
  threadId: string;
  status: 'opening';
  /** Null while it waits for no host, or asks several. */
  waitsFor: HostWait | null;
}

/** Answer of the `thread` query. */
export interface ThreadView {
  /** The files that another host can restore; left out unless its workspace is a repository that a host has fetched. */
  stored?: StoredFilesView;
  /** Left out unless it is being moved there; the host is empty as long as none is chosen. */
  moving?: WorkspacePlace;
  threadId: string;
  status: 'opening' | 'idle' | 'active' | 'closing' | 'closed';
  /** By their Codex names, set while `status` is `active`. */
  activeFlags: ('waitingOnApproval' | 'waitingOnUserInput')[];
  settings: ThreadSettings;
  forkedFrom: ForkOrigin | null;
  /** Milliseconds since the epoch. */
  createdAt: number;
  updatedAt: number;
  activeTurn: ActiveTurnView | null;
  /** Commands of the person that run in parallel with the active turn. */
  besideTurns: { turnId: string; command: string; startedAt: number }[];
  /** Commands that were left running, oldest first; left out if there are none. */
  sessions?: SessionView[];
  /** In the order in which they begin. */
  queuedTurns: QueuedTurnView[];
  /** Includes those of descendants. */
  openRequests: ThreadRequest[];
  subThreads: SubThread[];
  agentTask: AgentTaskView;
  usage: Usage;
  budget: BudgetView;
  /** The context of the next model request. */
  context: {
    /** Tokens, as the model last counted them; null before the first step and after a compaction. */
    tokens: number | null;
    /** Number of tokens from which on the context is compacted; null until a model step has reported it. */
    compactAt: number | null;
    /** Number of the first item that the model sees; the newest compaction replaces all before it. */
    firstItem: number;
    compactions: number;
  };
  /** The amount to read: sequence number of the newest event, number of items and of turns that ended. */
  lastSeq: number;
  itemCount: number;
  turnCount: number;
  /** Number of times this thread continued as new. */
  runCount: number;
  counters: {
    /** Results that came after their turn or step was aborted. */
    droppedResults: number;
    rejectedMessages: number;
    /** Agent tasks that were registered but not used, because the identity had changed or an attempt was repeated. */
    unusedAgentTasks: number;
  };
}
