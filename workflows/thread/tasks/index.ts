/** The registry of task kinds: one line each. */
import { TURN_KINDS } from '../../../src/contract/plain/turn-kinds.ts';
import type { InputItem, SubThreadReport, TurnKind, TurnPhase } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import { finishAbort } from '../turns/turns.ts';
import { forgetUndos } from '../turns/dropped-turns.ts';
import type { ActiveTurn, QueuedTurn, ThreadState, Turns } from '../state/state.ts';
import { compact } from './compact.ts';
import { custom } from './custom.ts';
import { ghostSnapshot } from './ghost-snapshot.ts';
import { redo } from './redo.ts';
import { review } from './review.ts';
import { regular } from './regular.ts';
import { type TaskEvent, type TaskKind, inWorkspace } from './task.ts';
import { undo } from './undo.ts';
import { userShell } from './user-shell.ts';

const KINDS = {
  regular,
  user_shell: userShell,
  compact,
  undo,
  redo,
  ghost_snapshot: ghostSnapshot,
  review,
  custom,
} satisfies { [K in TurnKind]: TaskKind<Turns[K]> };

/** The traits of a kind that matter before a turn of it exists. */
function traitsOf(kind: TurnKind): Pick<TaskKind<ActiveTurn>, 'talks' | 'atRest' | 'steers'> {
  return KINDS[kind];
}

/** The kind of a turn. The compiler cannot see that a turn and the kind looked up by its name belong together. */
function kindOf<T extends ActiveTurn>(turn: T): TaskKind<T> {
  return KINDS[turn.kind] as unknown as TaskKind<T>;
}

export const tasks = {
  kinds: Object.keys(KINDS) as TurnKind[],
  takesInput: (kind: TurnKind): boolean => TURN_KINDS[kind].takesInput,
  isForRest: (kind: TurnKind): boolean => traitsOf(kind).atRest ?? false,
  canSteer: (kind: TurnKind): boolean => traitsOf(kind).steers ?? false,
  begin: (state: ThreadState, at: number, turn: QueuedTurn): ThreadState =>
    KINDS[turn.kind].begin(traitsOf(turn.kind).talks ? forgetUndos(state) : state, at, turn),
  isSteerable: (turn: ActiveTurn): boolean => kindOf(turn).steer !== undefined,
  steer: (state: ThreadState, at: number, turn: ActiveTurn, input: InputItem[], running: readonly string[]) =>
    kindOf(turn).steer?.(state, at, turn, input, running) ?? state,
  advance: (state: ThreadState, at: number, turn: ActiveTurn): ThreadState => kindOf(turn).advance(state, at, turn),
  desiredActions: (state: ThreadState, turn: ActiveTurn): Action[] => kindOf(turn).desiredActions(state, turn),
  phase: (state: ThreadState, turn: ActiveTurn): TurnPhase =>
    kindOf(turn).phase?.(state, turn) ?? inWorkspace(state, { type: 'working' }),
  waitIsOver: (state: ThreadState, at: number, turn: ActiveTurn, index: number): ThreadState =>
    kindOf(turn).waitIsOver?.(state, at, turn, index) ?? state,
  finishAbort: (state: ThreadState, at: number, turn: ActiveTurn): ThreadState =>
    finishAbort(state, at, turn, (quiet, marker) => kindOf(turn).abort?.(quiet, at, turn, marker) ?? quiet),
  needsAgentTask: (turn: ActiveTurn): boolean => kindOf(turn).needsAgentTask?.(turn) ?? false,
  onMoved: (state: ThreadState, at: number, turn: ActiveTurn): ThreadState =>
    kindOf(turn).onMoved?.(state, at, turn) ?? state,
  onSubThreadReport: (
    state: ThreadState,
    at: number,
    turn: ActiveTurn,
    threadId: string,
    report: SubThreadReport,
  ): ThreadState => kindOf(turn).onSubThreadReport?.(state, at, turn, threadId, report) ?? state,
  onEvent: (state: ThreadState, turn: ActiveTurn, event: TaskEvent): ThreadState =>
    kindOf(turn).onEvent(state, turn, event),
};
