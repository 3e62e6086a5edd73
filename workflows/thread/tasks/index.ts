/** The registry of task kinds: one line each. */
import type { InputItem, SubThreadReport, TurnKind } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import { forgetUndos } from '../turns/dropped-turns.ts';
import type { ActiveTurn, QueuedTurn, ThreadState, Turns } from '../state/state.ts';
import { compact } from './compact.ts';
import { ghostSnapshot } from './ghost-snapshot.ts';
import { redo } from './redo.ts';
import { review } from './review.ts';
import { regular } from './regular.ts';
import type { TaskEvent, TaskKind } from './task.ts';
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
} satisfies { [K in TurnKind]: TaskKind<Turns[K]> };

/** After a turn of these the conversation goes another way than the one an undo was made from. */
const SPEAKING: ReadonlySet<TurnKind> = new Set<TurnKind>(['regular', 'review', 'compact']);

/** The kind of a turn. The compiler cannot see that a turn and the kind looked up by its name belong together. */
function kindOf<T extends ActiveTurn>(turn: T): TaskKind<T> {
  return KINDS[turn.kind] as unknown as TaskKind<T>;
}

export const tasks = {
  kinds: Object.keys(KINDS) as TurnKind[],
  takesWords: (kind: TurnKind): boolean => KINDS[kind].words,
  begin: (state: ThreadState, at: number, turn: QueuedTurn): ThreadState =>
    KINDS[turn.kind].begin(SPEAKING.has(turn.kind) ? forgetUndos(state) : state, at, turn),
  isSteerable: (turn: ActiveTurn): boolean => kindOf(turn).steer !== undefined,
  steer: (state: ThreadState, at: number, turn: ActiveTurn, input: InputItem[], running: readonly string[]) =>
    kindOf(turn).steer?.(state, at, turn, input, running) ?? state,
  settle: (state: ThreadState, at: number, turn: ActiveTurn): ThreadState => kindOf(turn).settle(state, at, turn),
  wants: (state: ThreadState, turn: ActiveTurn): Action[] => kindOf(turn).wants(state, turn),
  needsAgentTask: (turn: ActiveTurn): boolean => kindOf(turn).needsAgentTask?.(turn) ?? false,
  owns: (state: ThreadState, turn: ActiveTurn, actionId: string): boolean => kindOf(turn).owns(state, turn, actionId),
  hear: (state: ThreadState, at: number, turn: ActiveTurn, threadId: string, report: SubThreadReport): ThreadState =>
    kindOf(turn).hear?.(state, at, turn, threadId, report) ?? state,
  take: (state: ThreadState, turn: ActiveTurn, event: TaskEvent): ThreadState => kindOf(turn).take(state, turn, event),
};
