/**
 * Making the context smaller, in its own turn or as a stage of a regular one. The replaced items stay in the history; a
 * new item records the first item that the model still sees.
 */
import type { CompactionTrigger, TurnError, TurnPhase } from '../../../src/contract/index.ts';
import { isReady, renewOnce } from '../agent-task/agent-task.ts';
import { currentTask } from '../agent-task/expiry.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { isCostLimited } from '../budget/budget.ts';
import { charge } from './charging.ts';
import { newestCompaction, withCompaction } from '../state/context.ts';
import { addItem, emit, isRunning, itemCount } from '../state/log.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import { type ActiveTurn, type Compaction, type ThreadState, answersTakeLong } from '../state/state.ts';
import { type StepEnd, type StepValue, retried, stepIds, toSummary } from '../state/steps.ts';

/** A person should know from the second one on. */
const LOSSY =
  'This context was compacted several times. Each time some of it is lost to the model: a new thread, or a short account of what matters, keeps it accurate.';

/** Whether an item exists before that one which no compaction covers yet. */
export function canCompact(state: ThreadState, upTo: number): boolean {
  const newest = newestCompaction(state.context);
  if (newest === null) return upTo > 0;
  return upTo - newest.upTo > (newest.item < upTo ? 1 : 0);
}

/** @param model the one that writes the summary. */
export function beginCompaction(
  state: ThreadState,
  at: number,
  what: { trigger: CompactionTrigger; upTo: number; model: string },
): { state: ThreadState; compaction: Compaction } {
  const number = state.context.begun + 1;
  const { firstItem, items } = state.log;
  const running = items.flatMap((item, offset) =>
    isRunning(item) && item.type !== 'commandSession' ? [firstItem + offset] : [],
  );
  const keptItems = running.filter((index) => index < what.upTo);
  return {
    state: { ...state, context: { ...state.context, begun: number } },
    compaction: { number, tries: 0, renewed: false, ...what, keptItems, since: at },
  };
}

export function compactionId({ number, tries }: Compaction): string {
  return actionIds.compact(number, tries);
}

/** Waits for the agent task, as every model step does. */
export function wantedCompaction(state: ThreadState, turnId: string, compaction: Compaction): Action[] {
  if (!isReady(state)) return [];
  const id = compactionId(compaction);
  const { model, upTo } = compaction;
  return [
    {
      type: 'step',
      id,
      turnId,
      activity: 'compactContext',
      input: {
        ...stepIds(state, id),
        turnId,
        model,
        contextVersion: upTo,
        agentTask: currentTask(state),
        agentIdentity: state.settings.agentIdentity,
        costLimited: isCostLimited(state),
      },
      options: retried(answersTakeLong(state) ? '24h' : '30m'),
      summary: toSummary('compact', `${model}, ${upTo} items`),
    },
  ];
}

export type CompactionOutcome<T> =
  /** It is in the history and in the usage of the turn. */
  | { type: 'compacted'; state: ThreadState; turn: T }
  | { type: 'again'; state: ThreadState; compaction: Compaction }
  | { type: 'failed'; error: TurnError };

/** Handles the end of a compaction of a turn that is not being aborted. */
export function onCompaction<T extends ActiveTurn>(
  state: ThreadState,
  at: number,
  turn: T,
  place: { compaction: Compaction; step: number },
  end: StepEnd<'compactContext'>,
): CompactionOutcome<T> {
  const { compaction, step } = place;
  switch (end.type) {
    case 'done': {
      const charged = charge(state, at, turn, compaction.model, end.value);
      const place = { turnId: turn.turnId, step };
      return { type: 'compacted', state: record(charged.state, at, place, compaction, end.value), turn: charged.turn };
    }
    case 'aborted': {
      const message = `Compaction ${compactionId(compaction)} was stopped by nobody in this thread.`;
      return { type: 'failed', error: { code: 'internal', message } };
    }
    case 'failed':
      return onFailure(state, at, compaction, end.failure);
  }
}

function onFailure(
  state: ThreadState,
  at: number,
  compaction: Compaction,
  failure: StepFailure,
): Exclude<CompactionOutcome<never>, { type: 'compacted' }> {
  const tries = compaction.tries + 1;
  const renewing = renewOnce(state, at, failure, compaction.renewed);
  if (renewing !== null) {
    const { renewed } = renewing;
    return { type: 'again', state: renewing.state, compaction: { ...compaction, tries, renewed } };
  }
  // The model that the thread had before may no longer exist.
  const { model } = state.settings;
  if (compaction.model !== model) return { type: 'again', state, compaction: { ...compaction, tries, model } };
  return { type: 'failed', error: { code: failure.code, message: failure.message } };
}

function record(
  state: ThreadState,
  at: number,
  place: { turnId: string; step: number },
  { trigger, upTo, keptItems, since }: Compaction,
  compacted: StepValue<'compactContext'>,
): ThreadState {
  const { summary, userMessages, provider, droppedEntries } = compacted;
  const item = itemCount(state.log);
  const recorded = addItem(state, at, {
    type: 'contextCompaction',
    ...place,
    trigger,
    summary,
    userMessages,
    provider,
    upTo,
    keptItems,
    tokensBefore: state.context.tokens,
    droppedEntries,
    durationMs: at - since,
  });
  const context = withCompaction(state.context, { item, upTo, firstItem: Math.min(upTo, ...keptItems) });
  const counted = { ...recorded, context };
  return context.compactions.length > 1 ? emit(counted, at, { type: 'warning', message: LOSSY }) : counted;
}

export function compactionPhase(state: ThreadState, { trigger }: Compaction): TurnPhase {
  return isReady(state) ? { type: 'compacting', trigger } : { type: 'waitingForAgentTask' };
}
