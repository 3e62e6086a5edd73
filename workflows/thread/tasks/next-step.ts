/**
 * From one model step of a regular turn to the next: the input that it carries, and the compaction before it if the
 * context has reached its limit.
 */
import type { CompactionTrigger } from '../../../src/contract/index.ts';
import { quietenAndCharge } from '../turns/charging.ts';
import { beginCompaction, canCompact, onCompaction } from '../turns/compaction.ts';
import { isOverLimit } from '../state/context.ts';
import { itemCount } from '../state/log.ts';
import { onMail } from '../turns/inbox.ts';
import type { RegularTurn, ThreadState } from '../state/state.ts';
import type { StepEvent } from '../state/steps.ts';
import { addUserMessage, failTurn, withTurn } from '../turns/turns.ts';

export type ModelStage = Extract<RegularTurn['stage'], { type: 'model' }>;

/** Only the worker knows the limit of a model that no step has used yet, so it gets the size to compare. */
export function tokensToCheck({ context, settings }: ThreadState, stage: ModelStage): number | null {
  return stage.compacted || context.limit === null || context.limit.model === settings.model ? null : context.tokens;
}

/** The turn continues with its next step; if the context has reached its limit, it is compacted first. */
export function nextStep(state: ThreadState, at: number, turn: RegularTurn): ThreadState {
  const next = { ...turn, step: turn.step + 1 };
  const { model } = state.settings;
  const compacting = isOverLimit(state.context, model)
    ? compact(state, at, next, { trigger: 'midTurn', upTo: itemCount(state.log), model, tries: 0 })
    : null;
  return compacting ?? toModel(state, at, next, { type: 'model', tries: 0, renewed: false, compacted: false });
}

/** The step that begins now carries the input that arrived meanwhile. */
function toModel(state: ThreadState, at: number, turn: RegularTurn, stage: ModelStage): ThreadState {
  const place = { turnId: turn.turnId, step: turn.step - 1 };
  const told = turn.pendingInput.reduce(
    (current, input) => addUserMessage(current, at, place.turnId, place.step, input),
    state,
  );
  return withTurn(onMail(told, at, place), { ...turn, pendingInput: [], stage });
}

// ------------------------------------------------------------------------------------------------------ compacting

interface WhatToCompact {
  trigger: CompactionTrigger;
  upTo: number;
  model: string;
  /** As of the model step that comes after it. */
  tries: number;
}

/** Null if there is nothing to compact. */
function compact(state: ThreadState, at: number, turn: RegularTurn, what: WhatToCompact): ThreadState | null {
  const { tries, ...which } = what;
  if (!canCompact(state, which.upTo)) return null;
  const { state: begun, compaction } = beginCompaction(state, at, which);
  return withTurn(begun, { ...turn, stage: { type: 'compacting', compaction, tries } });
}

/**
 * Compacts before the current step; null if that cannot help. Before its first step a turn's own input is not
 * compacted.
 */
export function compactBefore(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  trigger: CompactionTrigger,
  model: string,
): ThreadState | null {
  const upTo = turn.step === 1 ? turn.firstItem : itemCount(state.log);
  const tries = turn.stage.type === 'model' ? turn.stage.tries + 1 : 0;
  return compact(state, at, turn, { trigger, upTo, model, tries });
}

export function onCompactionEnd(
  state: ThreadState,
  turn: RegularTurn,
  event: StepEvent<'compactContext'>,
): ThreadState {
  const { at, end } = event;
  if (turn.stage.type !== 'compacting') return state;
  const { compaction, tries } = turn.stage;
  if (turn.aborting !== null) {
    const answer = end.type === 'done' ? end.value : null;
    return quietenAndCharge(state, turn, event, { model: compaction.model, answer });
  }
  const outcome = onCompaction(state, at, turn, { compaction, step: turn.step - 1 }, end);
  switch (outcome.type) {
    case 'compacted':
      return toModel(outcome.state, at, outcome.turn, { type: 'model', tries, renewed: false, compacted: true });
    case 'again':
      return withTurn(outcome.state, { ...turn, stage: { ...turn.stage, compaction: outcome.compaction } });
    case 'failed':
      return failTurn(state, at, turn, outcome.error);
  }
}

/**
 * The model of this turn was not called, because it takes less than the one before it. That one writes the summary: it
 * can read everything.
 */
export function onSmallerWindow(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  stage: ModelStage,
  compactAt: number,
) {
  const { model } = state.settings;
  const before = state.context.limit?.model ?? model;
  const known = { ...state, context: { ...state.context, limit: { model, compactAt } } };
  const again = { ...stage, tries: stage.tries + 1, compacted: true };
  return compactBefore(known, at, turn, 'preTurn', before) ?? withTurn(known, { ...turn, stage: again });
}
