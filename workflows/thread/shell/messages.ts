/** The messages of a thread; `docs/contract.md` fixes their names. Payloads are unknown until a guard has read them. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ThreadContext, ThreadPast } from '../../../activities/ports.ts';
import type {
  AgentMessage,
  CloseThread,
  EditQueue,
  EventsPage,
  InterruptTurn,
  ItemsPage,
  MoveThread,
  ResolveRequest,
  RevokeRule,
  RollbackTurns,
  SteerTurn,
  SubThreadMessage,
  SubmitTurn,
  ThreadOpening,
  ThreadRules,
  ThreadView,
  TreeBudget,
  UndoPreview,
  WorkspaceMove,
} from '../../../src/contract/index.ts';
import type { ClosedPast, Handover } from '../past/resume.ts';

export const submitTurnSignal = defineSignal<[SubmitTurn]>('submitTurn');
export const interruptTurnSignal = defineSignal<[InterruptTurn]>('interruptTurn');
export const resolveRequestSignal = defineSignal<[ResolveRequest]>('resolveRequest');
export const editQueueSignal = defineSignal<[EditQueue]>('editQueue');
export const rollbackTurnsSignal = defineSignal<[RollbackTurns]>('rollbackTurns');
export const revokeRuleSignal = defineSignal<[RevokeRule]>('revokeRule');
export const closeThreadSignal = defineSignal<[CloseThread]>('closeThread');

export const subThreadReportSignal = defineSignal<[SubThreadMessage]>('subThreadReport');
export const treeBudgetSignal = defineSignal<[TreeBudget]>('treeBudget');
export const agentMessageSignal = defineSignal<[AgentMessage]>('agentMessage');

export const startTurnUpdate = defineUpdate<{ turnId: string }, [SubmitTurn]>('startTurn');
export const steerTurnUpdate = defineUpdate<{ turnId: string }, [SteerTurn]>('steerTurn');
export const editQueueUpdate = defineUpdate<{ turnId: string }, [EditQueue]>('editQueue');
export const interruptUpdate = defineUpdate<{ turnId: string | null }, [InterruptTurn]>('interrupt');
export const rollbackTurnsUpdate = defineUpdate<{ dropped: string[] }, [RollbackTurns]>('rollbackTurns');
/** Answers when the thread is bound to its new place. */
export const moveUpdate = defineUpdate<WorkspaceMove, [MoveThread]>('move');
/** Changes nothing. */
export const previewUndoUpdate = defineUpdate<UndoPreview, [Record<string, never>]>('previewUndo');
export const resolveUpdate = defineUpdate<{ requestId: string }, [ResolveRequest]>('resolve');
/** Named like its signal, as `editQueue` and `rollbackTurns` are. */
export const revokeRuleUpdate = defineUpdate<{ ruleId: string }, [RevokeRule]>('revokeRule');

/** A workflow task that is recorded as completed: the run, and the id of the event that recorded its start. */
export interface CompletedTask {
  runId: string;
  startedEventId: number;
}

export interface PageRequest {
  /** A sequence number for `events`, an item number for `items` and `context`. Default: 0. */
  after?: number;
  /** At most 500. Default: 100. */
  limit?: number;
  /**
   * The newest completed task that the caller has seen in the history: a worker that is new to the workflow uses it to
   * decide whether its state is recent enough.
   */
  completedTask?: CompletedTask;
}

export const threadQuery = defineQuery<ThreadView>('thread');
export const openingQuery = defineQuery<ThreadOpening | null>('opening');
export const rulesQuery = defineQuery<ThreadRules>('rules');
export const eventsQuery = defineQuery<EventsPage, [PageRequest?]>('events');
export const itemsQuery = defineQuery<ItemsPage, [PageRequest?]>('items');
/** For runs that have ended; see `workflows/sandbox/stale-query-fence.ts`. */
export const CLOSED_RUN_QUERY = 'closedRun';

/**
 * `handover` is the state for the next run, `past` the facts for a fork, the others are pages of the history that this
 * run knew.
 */
export type ClosedRunQuestion = { ask: 'handover' | 'past' } | ({ ask: 'items' | 'events' } & PageRequest);
export type ClosedRunAnswer = Handover | ClosedPast | ItemsPage | EventsPage;

export const closedRunQuery = defineQuery<ClosedRunAnswer, [ClosedRunQuestion]>(CLOSED_RUN_QUERY);
export const pastQuery = defineQuery<ThreadPast>('past');
export const contextQuery = defineQuery<ThreadContext, [PageRequest?]>('context');
