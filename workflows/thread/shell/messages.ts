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
  ResolveRequest,
  RevokeRule,
  RollbackTurns,
  SteerTurn,
  SubThreadMessage,
  SubmitTurn,
  ThreadRules,
  ThreadView,
  TreeBudget,
  UndoPreview,
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
/** Changes nothing. */
export const previewUndoUpdate = defineUpdate<UndoPreview, [Record<string, never>]>('previewUndo');
export const resolveUpdate = defineUpdate<{ requestId: string }, [ResolveRequest]>('resolve');
/** By the name of its signal, like `editQueue` and `rollbackTurns`. */
export const revokeRuleUpdate = defineUpdate<{ ruleId: string }, [RevokeRule]>('revokeRule');

/** A workflow task that is recorded as completed, by the run and the id of the event that recorded its start. */
export interface CompletedTask {
  runId: string;
  startedEventId: number;
}

export interface PageRequest {
  /** For `events` a sequence number, for `items` and `context` an item number. Left out, it is 0. */
  after?: number;
  /** At most 500; left out, it is 100. */
  limit?: number;
  /** What whoever asks has seen in the history: with that, a worker that is new to the workflow knows what it may answer. */
  completedTask?: CompletedTask;
}

export const threadQuery = defineQuery<ThreadView>('thread');
export const rulesQuery = defineQuery<ThreadRules>('rules');
export const eventsQuery = defineQuery<EventsPage, [PageRequest?]>('events');
export const itemsQuery = defineQuery<ItemsPage, [PageRequest?]>('items');
/** For runs that have ended; see `workflows/sandbox/stale-query-fence.ts`. */
export const CLOSED_RUN_QUERY = 'closedRun';

/** `handover` is what the next run goes on from, `past` what a fork does, the others are pages of what this run knew. */
export type ClosedRunQuestion = { ask: 'handover' | 'past' } | ({ ask: 'items' | 'events' } & PageRequest);
export type ClosedRunAnswer = Handover | ClosedPast | ItemsPage | EventsPage;

export const closedRunQuery = defineQuery<ClosedRunAnswer, [ClosedRunQuestion]>(CLOSED_RUN_QUERY);
export const pastQuery = defineQuery<ThreadPast>('past');
export const contextQuery = defineQuery<ThreadContext, [PageRequest?]>('context');
