/** `compact`: makes the context smaller on request. It accepts no input and cannot be steered. */
import { ensure } from '../agent-task/agent-task.ts';
import { quietenAndCharge } from '../turns/charging.ts';
import { beginCompaction, canCompact, compactionPhase, onCompaction, wantedCompaction } from '../turns/compaction.ts';
import { emit, itemCount } from '../state/log.ts';
import type { CompactTurn, QueuedTurn, ThreadState } from '../state/state.ts';
import { emitStarted, endTurn, failTurn, newTurn, withOverrides, withTurn } from '../turns/turns.ts';
import { type TaskKind, onEndOf } from './task.ts';

export const compact: TaskKind<CompactTurn> = {
  kind: 'compact',
  talks: true,
  begin,
  advance: (state) => ensure(state),
  needsAgentTask: () => true,
  desiredActions: (state, turn) => wantedCompaction(state, turn.turnId, turn.compaction),
  phase: (state, turn) => compactionPhase(state, turn.compaction),
  onEvent: onEndOf('compactContext', (state, turn: CompactTurn, event) => {
    const { at, end } = event;
    if (turn.aborting !== null) {
      const answer = end.type === 'done' ? end.value : null;
      return quietenAndCharge(state, turn, event, { model: turn.compaction.model, answer });
    }
    const outcome = onCompaction(state, at, turn, { compaction: turn.compaction, step: 0 }, end);
    switch (outcome.type) {
      case 'compacted':
        return endTurn(outcome.state, at, outcome.turn, { status: 'completed' });
      case 'again':
        return withTurn(outcome.state, { ...turn, compaction: outcome.compaction });
      case 'failed':
        return failTurn(state, at, turn, outcome.error);
    }
  }),
};

function begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState {
  const given = withOverrides(state, turn.overrides);
  const upTo = itemCount(state.log);
  const base = newTurn(state, turn.turnId, at);
  const what = { trigger: 'manual', upTo, model: given.settings.model } as const;
  const { state: begun, compaction } = beginCompaction(given, at, what);
  const active: CompactTurn = { ...base, kind: 'compact', compaction };
  const started = emitStarted({ ...begun, active }, at, turn, null);
  if (canCompact(started, upTo)) return started;
  const message = `There is nothing to compact in thread ${state.threadId}: nothing has come since it began or was compacted.`;
  return endTurn(emit(started, at, { type: 'warning', message }), at, active, { status: 'completed' });
}
