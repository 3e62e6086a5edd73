/** Answers of queries, derived from the state. */
import { isHeld, limitsOf, spentIn } from '../budget/budget.ts';
import { waitedBy } from '../state/spending.ts';
import type {
  ActiveTurnView,
  BudgetScope,
  BudgetView,
  QueuedTurnView,
  ThreadView,
  TurnPhase,
} from '../../../src/contract/index.ts';
import { toInputText } from '../../../src/contract/plain/images/image-types.ts';
import type { ThreadContext } from '../../../activities/ports.ts';
import { toAgentTaskView } from '../agent-task/agent-task.ts';
import { firstCounted, newestCompaction } from '../state/context.ts';
import { isRunning, itemCount, lastSeq, pageOf } from '../state/log.ts';
import { toHint } from '../turns/review-mode.ts';
import type { ActiveTurn, QueuedTurn, ThreadState } from '../state/state.ts';
import { toStoredView } from '../turns/stored-files.ts';
import { awayHost } from '../turns/host-probe.ts';
import { tasks } from '../tasks/index.ts';
import { commandOf } from '../tools/labels.ts';
import { openSessions, toSessionViews } from '../tools/sessions.ts';

/** The answer to a model step: as many items as fit. */
export function toContext(state: ThreadState, after: number): ThreadContext {
  const { log, context } = state;
  const first = firstCounted(context);
  const from = Math.max(after, first, log.firstItem);
  // No model sees a session.
  const firstRunning = log.items.findIndex((item) => isRunning(item) && item.type !== 'commandSession');
  return {
    settings: state.settings,
    first,
    compaction: newestCompaction(context)?.item ?? null,
    archived: log.archived.filter((segment) => segment.items.to > Math.max(after, first)),
    from,
    items: pageOf(log.items.slice(from - log.firstItem)),
    stable: firstRunning === -1 ? itemCount(log) : log.firstItem + firstRunning,
  };
}

export function toThreadView(state: ThreadState): ThreadView {
  const stored = toStoredView(state);
  return {
    threadId: state.threadId,
    status: toStatus(state),
    activeFlags: toActiveFlags(state),
    settings: state.settings,
    forkedFrom: state.forkedFrom,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
    activeTurn: state.active === null ? null : toActiveTurnView(state, state.active),
    besideTurns: state.beside.map((turn) => ({
      turnId: turn.turnId,
      startedAt: turn.startedAt,
      command: commandOf(state, turn.index),
    })),
    ...(stored === null ? {} : { stored }),
    ...(state.moving === undefined ? {} : { moving: state.moving }),
    ...(openSessions(state).length === 0 ? {} : { sessions: toSessionViews(state) }),
    queuedTurns: state.queue.map(toQueuedTurnView),
    openRequests: state.requests,
    subThreads: state.children.map(({ threadId, name, role, turnId, status, lastAgentMessage }) => ({
      ...{ threadId, name, role, turnId, status, lastAgentMessage },
    })),
    agentTask: toAgentTaskView(state),
    usage: state.usage,
    budget: toBudgetView(state),
    context: toContextView(state),
    lastSeq: lastSeq(state.log),
    itemCount: itemCount(state.log),
    turnCount: state.turnCount,
    runCount: state.runCount,
    counters: state.counters,
  };
}

function toBudgetView(state: ThreadState): BudgetView {
  const at = state.updatedAt;
  const of = (scope: BudgetScope) => ({ spent: spentIn(state, scope, at), limits: limitsOf(state, scope) });
  const active = state.active?.limited === true ? state.active : null;
  const waited = active === null ? 0 : waitedBy(active, at);
  return {
    turn: active === null ? null : { ...of('turn'), waitedMs: waited },
    thread: { ...of('thread'), waitedMs: state.budget.waitedMs + waited },
    tree: of('tree'),
  };
}

/** A hundred of them must fit into one answer. */
const QUEUED_TEXT_CHARS = 2_000;

function toQueuedTurnView({ turnId, kind, input, overrides, review, task }: QueuedTurn): QueuedTurnView {
  const given = task === undefined ? toInputText(input) : `${task} ${toInputText(input)}`.trim();
  const text = review === undefined ? given : toHint(review.target);
  return { turnId, kind, text: text.slice(0, QUEUED_TEXT_CHARS), chars: text.length, overrides };
}

function toContextView({ context, settings }: ThreadState): ThreadView['context'] {
  const { tokens, limit, compactions } = context;
  const compactAt = limit?.model === settings.model ? limit.compactAt : null;
  return { tokens, compactAt, firstItem: firstCounted(context), compactions: compactions.length };
}

export function toStatus(state: ThreadState): ThreadView['status'] {
  if (state.status !== 'open') return state.status;
  return state.active === null ? 'idle' : 'active';
}

function toActiveFlags(state: ThreadState): ThreadView['activeFlags'] {
  const flags: ThreadView['activeFlags'] = [];
  if (state.requests.some((open) => open.type !== 'userInput')) flags.push('waitingOnApproval');
  if (state.requests.some((open) => open.type === 'userInput')) flags.push('waitingOnUserInput');
  return flags;
}

function toActiveTurnView(state: ThreadState, turn: ActiveTurn): ActiveTurnView {
  return { turnId: turn.turnId, kind: turn.kind, startedAt: turn.startedAt, phase: toPhase(state, turn) };
}

/** The current activity of the turn. */
export function toPhase(state: ThreadState, turn: ActiveTurn): TurnPhase {
  if (turn.aborting !== null) return { type: 'aborting', reason: turn.aborting.reason };
  const away = awayHost(state);
  if (away !== null) return { type: 'waitingForHost', ...away };
  if (turn.ending !== undefined) return { type: 'takingSnapshot' };
  if (turn.limited && isHeld(state)) return { type: 'waitingForBudget' };
  return tasks.phase(state, turn);
}
