import type { RejectionCode } from '../plain/rejection-codes.ts';
import type { ArchiveSegment, Item, PlanStep } from './items.ts';
import type { WorkspaceMove } from './move.ts';
import type { ApprovalDecision, ResolvedBy, ThreadRequest } from './requests.ts';
import type { ApprovalRule } from './rules.ts';
import type { SubThread } from './sub-threads.ts';
import type { ForkOrigin, Managed, ThreadSettings } from './thread.ts';
import type { TurnCompletion, TurnError, TurnKind, Usage } from './turn.ts';

/** The content of an event, by its Codex app-server name if there is one. */
export type EventBody =
  | { type: 'thread/started'; threadId: string; settings: ThreadSettings; forkedFrom: ForkOrigin | null }
  /** The host that has the workspace: its workers run the steps of the thread. */
  | { type: 'workspace/bound'; host: string; cwd: string; root: string; managed?: Managed }
  /** From here on the thread works in that place. */
  | ({ type: 'workspace/moved' } & WorkspaceMove)
  | { type: 'thread/closed'; reason: string | null }
  /** Turns were removed from the conversation, newest last; files are unchanged. */
  | { type: 'thread/rolledBack'; numTurns: number; dropped: string[] }
  | { type: 'turn/started'; turnId: string; kind: TurnKind; besideTurnId: string | null }
  | { type: 'turn/completed'; turn: TurnCompletion }
  | { type: 'turn/queued'; turnId: string; kind: TurnKind }
  /** A queued turn was edited, moved or dropped; `queue` holds the ids of all that wait now, in order. */
  | { type: 'turn/queueUpdated'; turnId: string; change: QueueChange; queue: string[] }
  | { type: 'turn/steered'; turnId: string; steerTurnId: string | null }
  | { type: 'turn/plan/updated'; turnId: string; explanation: string; plan: PlanStep[] }
  | { type: 'item/started'; turnId: string; item: Item }
  | { type: 'item/completed'; turnId: string; item: Item }
  | { type: 'item/commandExecution/requestApproval'; request: ThreadRequest }
  | { type: 'item/fileChange/requestApproval'; request: ThreadRequest }
  | { type: 'item/mcpToolCall/requestApproval'; request: ThreadRequest }
  | { type: 'item/tool/requestUserInput'; request: ThreadRequest }
  /** A limit of a budget was reached, and a person may raise it. */
  | { type: 'turn/budget/requestApproval'; request: ThreadRequest }
  | { type: 'serverRequest/resolved'; requestId: string; decision: ApprovalDecision; by: ResolvedBy }
  /** An answer is remembered from now on, in this scope. */
  | { type: 'rule/remembered'; rule: ApprovalRule }
  /** Remembered answers replaced a person's. Several if together they cover a patch. */
  | { type: 'rule/applied'; turnId: string; itemId: string; decision: ApprovalRule['decision']; ruleIds: string[] }
  | { type: 'rule/revoked'; ruleId: string }
  /** A child was started, or its state has changed. */
  | { type: 'subThread/updated'; subThread: SubThread }
  | { type: 'thread/tokenUsage/updated'; turnId: string; last: Usage; total: Usage }
  | { type: 'error'; turnId: string; error: TurnError; willRetry: boolean }
  | { type: 'warning'; message: string }
  /** A message that was not accepted: its name, the reason, and the ids in it. It changed nothing. */
  | { type: 'message/rejected'; message: string; code: RejectionCode; reason: string; id: string | null }
  | { type: 'agentTask/registered'; agentRuntimeId: string; taskId: string; registeredAt: string; expiresAt?: string }
  | { type: 'agentTask/cleared'; reason: 'stale' | 'rejected' };

/**
 * What a running step shows of its work, by its Codex app-server name if there is one. It is in no log and has no `seq`: a
 * reader may miss some of it, and gets the whole with `item/completed`.
 *
 * A `delta` begins at the character `offset` of the text; if a reader has less, the part between was not shown. Each attempt
 * of a model step begins its text anew.
 */
export type PartialEvent =
  /** Of the messages of the turn's model step `step`, which become items when it ends. */
  | { type: 'item/agentMessage/delta'; turnId: string; step: number; attempt: number; offset: number; delta: string }
  /** Of the summaries of what the model thinks in that step, which become items of type `reasoning`. */
  | {
      type: 'item/reasoning/summaryTextDelta';
      turnId: string;
      step: number;
      attempt: number;
      offset: number;
      delta: string;
    }
  /**
   * Of the patch that the turn's model step `step` is writing: call number `call` of its answer. A patch of another number
   * begins its text anew.
   */
  | {
      type: 'item/fileChange/patchDelta';
      turnId: string;
      step: number;
      attempt: number;
      call: number;
      offset: number;
      delta: string;
    }
  | { type: 'item/commandExecution/outputDelta'; itemId: string; offset: number; delta: string }
  /** Of a command that was left running, counted from its beginning. It comes seconds late. */
  | { type: 'item/commandSession/outputDelta'; sessionId: number; offset: number; delta: string }
  | { type: 'item/mcpToolCall/progress'; itemId: string; message: string }
  /** A step that failed for a reason outside of the thread, or lost its worker, is tried again. */
  | { type: 'step/retrying'; activity: string; attempt: number; lastFailure: string | null };

export type QueueChange = 'edited' | 'moved' | 'dropped';

export type EventType = EventBody['type'];

/** `seq` counts from 1 without a gap, through the thread's whole life. `at` is milliseconds since the epoch. */
export type ThreadEvent = { seq: number; at: number } & EventBody;

/** An event of a tree of threads: of the thread that is read, or of one below it at any depth. */
export interface TreeEvent {
  /** The thread whose log has the event. `seq` counts in that log. */
  threadId: string;
  /** Ids from a child of the thread that is read down to this one; empty for the thread that is read. */
  path: string[];
  event: ThreadEvent | PartialEvent;
}

/**
 * The position of a reader in a tree: for each thread that it knows, the `seq` of the newest event that it has. A thread below
 * that has started, and of which it has no event yet, is in it with 0.
 */
export type TreeCursor = Readonly<Record<string, number>>;

/** Answer of the `events` query. */
export interface EventsPage {
  events: ThreadEvent[];
  /** The next value for `after`. */
  next: number;
  /** Whether more can be read now: a page ends at its limit, or earlier if its entries are large. */
  more: boolean;
  /** Set if the events after `after` are in the archive: read that segment, then query again from its end. */
  archived: ArchiveSegment | null;
}

/** The content of a segment of the archive. */
export interface ArchiveBody {
  version: 1;
  threadId: string;
  segment: ArchiveSegment;
  items: Item[];
  events: ThreadEvent[];
}
