/**
 * `review`: a separate thread examines changes, without this one's history, and its findings come back. The changes are
 * pinned first; at the end, the findings are compared with them.
 */
import type { SubThreadReport, TurnCompletion, TurnError } from '../../../src/contract/index.ts';
import { REVIEW_TURN } from '../../../src/contract/plain/given-turns.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import type { PreparedReview } from '../../../activities/contract.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { enterReview, exitReview, toHint } from '../turns/review-mode.ts';
import {
  addUsage,
  type QueuedTurn,
  type ReviewTurn,
  type ThreadState,
  countsGiven,
  toWorkspace,
} from '../state/state.ts';
import { awaitClose, beginChild, findChild, isOver, refuseChild, startAction, onStart } from '../agents/sub-threads.ts';
import { type StepEnd, type StepEvent, retried, toSummary, workspaceIds } from '../state/steps.ts';
import {
  emitStarted,
  endTurn,
  failTurn,
  newTurn,
  onStepStopped,
  toTurnError,
  withOverrides,
  withTurn,
} from '../turns/turns.ts';
import type { TaskEvent, TaskKind } from './task.ts';

/** Code units of a review's answer that its turn uses; far more than any list of findings. */
const ANSWER_CHARS = 200_000;
const TITLE_CHARS = 200;

export const review: TaskKind<ReviewTurn> = {
  kind: 'review',
  talks: true,
  begin,

  advance(state, at, turn) {
    if (turn.stage.type !== 'running') return state;
    const { childId } = turn.stage;
    const child = findChild(state, childId);
    if (child !== null && !isOver(child)) return state;
    const message = `Thread ${childId} of the review is gone, and said nothing. Ask for the review again.`;
    return fail(state, at, turn, { code: WORKFLOW_CODES.reviewThreadLost, message });
  },

  desiredActions(state, turn) {
    switch (turn.stage.type) {
      case 'preparing':
        return [toPreparation(state, turn)];
      case 'running':
        return start(state, turn.stage.childId);
      case 'finishing':
        // A quick child may have ended before its start is reported.
        return [...start(state, turn.stage.childId), toConclusion(state, turn.turnId, turn.stage)];
    }
  },

  phase: (_state, { stage }) => ({
    type: 'reviewing',
    stage: stage.type,
    threadId: stage.type === 'preparing' ? null : stage.childId,
  }),

  abort: (state, at, turn) => exitReview(state, at, turn, null),

  onSubThreadReport,

  onEvent(state, turn, event) {
    if (event.type === 'childStarted') return onChildStart(state, turn, event);
    if (event.type !== 'stepEnded') return state;
    if (event.activity === 'prepareReview') return onPreparation(state, turn, event);
    return event.activity === 'finishReview' ? onConclusion(state, turn, event) : state;
  },
};

function begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState {
  const { turnId, overrides, review: request } = turn;
  if (request === undefined) throw new Error(`Review ${turnId} has nothing to look at`);
  const active: ReviewTurn = {
    ...newTurn(state, turnId, at),
    kind: 'review',
    request,
    stage: { type: 'preparing' },
  };
  return enterReview(emitStarted({ ...withOverrides(state, overrides), active }, at, turn, null), at, active);
}

// ------------------------------------------------------------------------------------------------------- the thread

function toPreparation(state: ThreadState, { turnId, request }: ReviewTurn): Action {
  const id = actionIds.review(turnId, 'prepare');
  const { target } = request;
  return {
    type: 'step',
    id,
    turnId,
    activity: 'prepareReview',
    input: { ...workspaceIds(state, id), cwd: state.settings.cwd, target },
    options: retried('5m'),
    summary: toSummary('review: prepare', target.type),
    onWorkspace: true,
  };
}

function onPreparation(state: ThreadState, turn: ReviewTurn, { at, id, end }: StepEvent<'prepareReview'>): ThreadState {
  if (turn.aborting !== null) return onStepStopped(state, turn, id, true);
  if (end.type !== 'done') return fail(state, at, turn, toError(end, id));
  const { checkedOut, range } = end.value;
  const refusal = refuseChild(state, 'review');
  if (refusal !== null) return fail(state, at, turn, { code: WORKFLOW_CODES.reviewNotStarted, message: refusal });
  const { state: begun, child } = beginChild(state, at, {
    name: 'review',
    role: 'review',
    turnId: turn.turnId,
    start: toStart(state, turn, end.value),
    ...(checkedOut === undefined ? {} : { checkedOut }),
  });
  return withTurn(begun, { ...turn, stage: { type: 'running', childId: child.threadId, range } });
}

function start(state: ThreadState, childId: string): Action[] {
  const child = findChild(state, childId);
  return child === null ? [] : startAction(state, child);
}

/** The review gets only the workspace, the identity and the model of this thread. Nobody is asked anything in it. */
function toStart({ settings }: ThreadState, { request }: ReviewTurn, { prompt, rules = '' }: PreparedReview) {
  return {
    workspace: toWorkspace(settings),
    title: `Review: ${toHint(request.target)}`.slice(0, TITLE_CHARS),
    model: request.model ?? settings.reviewModel ?? settings.model,
    instructions: rules,
    approvalPolicy: 'never' as const,
    sandbox: 'read-only' as const,
    agentIdentity: settings.agentIdentity,
    unattended: { approvals: 'decline' as const },
    firstTurn: { turnId: REVIEW_TURN, kind: 'regular' as const, input: [{ type: 'text' as const, text: prompt }] },
  };
}

/** A thread that is no longer needed when it starts is asked to close, and its end is waited for. */
function onChildStart(
  state: ThreadState,
  turn: ReviewTurn,
  event: Extract<TaskEvent, { type: 'childStarted' }>,
): ThreadState {
  const child = turn.stage.type === 'preparing' ? null : findChild(state, turn.stage.childId);
  if (child === null) return state;
  const { failure } = event;
  const started = onStart(state, event.at, child, failure?.message ?? null, turn.aborting === null);
  if (turn.aborting === null) {
    return failure === null
      ? started
      : fail(started, event.at, turn, { code: WORKFLOW_CODES.reviewNotStarted, message: failure.message });
  }
  return failure === null ? awaitClose(started, turn, event.id) : onStepStopped(started, turn, event.id, true);
}

/** The turn of the review's thread has ended, or one that replaced it. Its usage is counted here, however it ended. */
function onSubThreadReport(
  state: ThreadState,
  at: number,
  turn: ReviewTurn,
  threadId: string,
  said: SubThreadReport,
): ThreadState {
  if (said.type !== 'turnCompleted' || turn.stage.type !== 'running' || turn.stage.childId !== threadId) return state;
  const { turn: ended } = said;
  if (countsGiven(state) && ended.turnId !== REVIEW_TURN) return state;
  const spent = { ...turn, usage: addUsage(turn.usage, ended.usage) };
  const counted = withTurn({ ...state, usage: addUsage(state.usage, ended.usage) }, spent);
  return spent.aborting === null ? onEnd(counted, at, spent, ended) : counted;
}

function onEnd(state: ThreadState, at: number, turn: ReviewTurn, ended: TurnCompletion): ThreadState {
  if (turn.stage.type !== 'running') return state;
  const { childId, range } = turn.stage;
  switch (ended.status) {
    case 'completed': {
      const text = (ended.lastAgentMessage ?? '').slice(0, ANSWER_CHARS);
      return withTurn(state, { ...turn, stage: { type: 'finishing', childId, range, text } });
    }
    case 'failed':
      return fail(state, at, turn, ended.error);
    case 'aborted': {
      const message = `Thread ${childId} of the review was stopped (${ended.reason}), and not by this thread.`;
      return fail(state, at, turn, { code: WORKFLOW_CODES.reviewThreadLost, message });
    }
  }
}

// ------------------------------------------------------------------------------------------------------------- ends

function toConclusion(state: ThreadState, turnId: string, { range, text }: Finishing): Action {
  const id = actionIds.review(turnId, 'finish');
  return {
    type: 'step',
    id,
    turnId,
    activity: 'finishReview',
    input: { ...workspaceIds(state, id), turnId, cwd: state.settings.cwd, range, text },
    options: retried('5m'),
    summary: 'review: finish',
  };
}

type Finishing = Extract<ReviewTurn['stage'], { type: 'finishing' }>;

function onConclusion(state: ThreadState, turn: ReviewTurn, { at, id, end }: StepEvent<'finishReview'>): ThreadState {
  if (turn.aborting !== null) return onStepStopped(state, turn, id, true);
  if (turn.stage.type !== 'finishing') return state;
  if (end.type !== 'done') return fail(state, at, turn, toError(end, id));
  const left = exitReview(state, at, turn, { output: end.value.output, range: turn.stage.range });
  return endTurn(left, at, turn, { status: 'completed' });
}

function toError(end: Exclude<StepEnd, { type: 'done' }>, id: string): TurnError {
  return toTurnError(end, `Step ${id} was stopped by nobody in this thread.`);
}

function fail(state: ThreadState, at: number, turn: ReviewTurn, error: TurnError): ThreadState {
  return failTurn(exitReview(state, at, turn, null), at, turn, error);
}
