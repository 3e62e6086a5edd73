import type { AgentTaskView } from './agent-task.ts';
import type { CompactionTrigger } from './items.ts';
import type { BudgetView } from './budget.ts';
import type { ThreadRequest } from './requests.ts';
import type { SubThread } from './sub-threads.ts';
import type { ForkOrigin, ThreadSettings } from './thread.ts';
import type { Overrides, TurnKind, Usage } from './turn.ts';

/** What an active turn does right now. */
export type TurnPhase =
  | { type: 'waitingForAgentTask' }
  | { type: 'waitingForWorkspace' }
  /** A limit was reached, here or in a thread above. */
  | { type: 'waitingForBudget' }
  | { type: 'callingModel'; step: number }
  | { type: 'compacting'; trigger: CompactionTrigger }
  | { type: 'runningTools'; step: number; running: string[]; waiting: string[] }
  | { type: 'takingSnapshot' }
  /** At what its kind does. */
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

/** A turn that waits for its time. */
export interface QueuedTurnView {
  turnId: string;
  kind: TurnKind;
  /** The beginning of its input, or what it reviews; at most 2,000 characters. */
  text: string;
  /** Characters of the whole input. */
  chars: number;
  overrides: Overrides;
}

/** Answer of the `thread` query. */
export interface ThreadView {
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
  /** Commands of the person that run beside the active turn. */
  besideTurns: { turnId: string; command: string; startedAt: number }[];
  /** In the order in which they will begin. */
  queuedTurns: QueuedTurnView[];
  /** Those of descendants included. */
  openRequests: ThreadRequest[];
  subThreads: SubThread[];
  agentTask: AgentTaskView;
  usage: Usage;
  budget: BudgetView;
  /** What the next model request will hold. */
  context: {
    /** Tokens, as the model counted them last; null before the first step and after a compaction. */
    tokens: number | null;
    /** From so many tokens on the context is compacted; null until a model step has said it. */
    compactAt: number | null;
    /** Number of the first item that counts; all before it is replaced by the newest compaction. */
    firstItem: number;
    compactions: number;
  };
  /** How much there is to read: sequence number of the newest event, number of items and of turns that ended. */
  lastSeq: number;
  itemCount: number;
  turnCount: number;
  /** Times this thread went on as a new run. */
  runCount: number;
  counters: {
    /** Results that came after the abort of what they were for. */
    droppedResults: number;
    rejectedMessages: number;
    /** Agent tasks registered and then not used, because the identity had changed or a try was repeated. */
    unusedAgentTasks: number;
  };
}
