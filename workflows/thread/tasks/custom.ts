/**
 * `custom`: a task that the operator of the worker has written. Its code runs in steps and never in the workflow, so this
 * kind knows only whether another step follows. What a step returns for the next one is part of the state.
 */
import { actionIds } from '../state/actions.ts';
import { addItem, itemCount } from '../state/log.ts';
import type { QueuedTurn, ThreadState, TurnBase } from '../state/state.ts';
import { type StepEvent, retried, toSummary, workspaceIds } from '../state/steps.ts';
import {
  addUserMessage,
  beginActive,
  endTurn,
  failTurn,
  findTurn,
  onStepStopped,
  toTurnError,
  warnOfForce,
  withTurn,
} from '../turns/turns.ts';
import { type TaskKind, inWorkspace, onEndOf } from './task.ts';

export type CustomTurn = TurnBase & {
  kind: 'custom';
  task: string;
  /** Number of the item with its input; null if it has none. */
  inputItem: number | null;
  step: number;
  carried: unknown;
};

declare module '../state/state.ts' {
  interface Turns {
    custom: CustomTurn;
  }
}

/** Longer than any limit that a task can set for a step. */
const TIMEOUT = '25h';

export const custom: TaskKind<CustomTurn> = {
  kind: 'custom',
  talks: true,
  begin,
  advance: (state) => state,

  desiredActions(state, { turnId, task, inputItem, step, carried }) {
    const id = actionIds.task(turnId, step);
    const { cwd } = state.settings;
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'runTask',
        input: { ...workspaceIds(state, id), turnId, cwd, task, inputItem, step, state: carried },
        options: retried(TIMEOUT),
        summary: toSummary('task', `${task} step ${step}`),
        onWorkspace: true,
      },
    ];
  },

  phase: (state) => inWorkspace(state, { type: 'working' }),

  onEvent: onEndOf('runTask', onStepEnd),
};

function begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState {
  const { turnId, task, input } = turn;
  if (task === undefined) throw new Error(`Turn ${turnId} names no task`);
  const inputItem = input.length === 0 ? null : itemCount(state.log);
  const own = { kind: 'custom', limited: false, task, inputItem, step: 1, carried: null } as const;
  const begun = beginActive(state, at, turn, own);
  return inputItem === null ? begun : addUserMessage(begun, at, turnId, 0, input);
}

function onStepEnd(state: ThreadState, turn: CustomTurn, { at, id, end }: StepEvent<'runTask'>): ThreadState {
  const left = end.type === 'done' && end.value.type === 'left';
  const warned = left ? warnOfForce(state, at, turn.turnId, `Task ${turn.task}`, 'left') : state;
  if (turn.aborting !== null) return onStepStopped(warned, turn, id, !left);
  if (end.type !== 'done' || end.value.type === 'left') {
    const stopped = `Step ${id} was stopped by nobody in this thread.`;
    return failTurn(warned, at, turn, toTurnError(end.type === 'done' ? { type: 'aborted' } : end, stopped));
  }
  const told = withMessage(state, at, turn, end.value.message);
  const now = { ...turn, ...(findTurn(told, turn.turnId) as CustomTurn | null) };
  if (end.value.type === 'done') return endTurn(told, at, now, { status: 'completed' });
  return withTurn(told, { ...now, step: turn.step + 1, carried: end.value.state });
}

function withMessage(state: ThreadState, at: number, turn: CustomTurn, text: string | null): ThreadState {
  if (text === null) return state;
  const { turnId, step } = turn;
  return addItem(withTurn(state, { ...turn, lastAgentMessage: text }), at, {
    type: 'agentMessage',
    turnId,
    step,
    text,
  });
}
