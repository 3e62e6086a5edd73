/** The interface of a kind of task; one file of this folder per kind, and one line in `index.ts`. */
import type { InputItem, SubThreadReport, TurnPhase } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import type { MachineEvent } from '../state/inputs.ts';
import type { ActiveTurn, QueuedTurn, ThreadState } from '../state/state.ts';
import type { StepActivity, StepEvent } from '../state/steps.ts';

/** The end of one of a task's actions, or an answer to one of its requests. */
export type TaskEvent = Extract<MachineEvent, { type: 'stepEnded' | 'childStarted' | 'requestAnswered' }>;

export interface TaskKind<T extends ActiveTurn> {
  kind: T['kind'];
  /** It continues the conversation with a model, so no undo before it can be taken back. */
  talks?: true;
  /** It needs an idle thread: no other turn is stopped for it. */
  atRest?: true;
  /** A turn of it may be submitted to steer the active one. */
  steers?: true;
  /** Makes the turn the active one, or a parallel one, and records its first items. */
  begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState;
  /**
   * Accepts input for the next model request, while the turn is not being aborted. A kind without it cannot be steered.
   * @param running ids of the actions that are under way.
   */
  steer?(state: ThreadState, at: number, turn: T, input: InputItem[], running: readonly string[]): ThreadState;
  /** Advances as far as possible without another input. Never called for a turn that is being aborted. */
  advance(state: ThreadState, at: number, turn: T): ThreadState;
  /**
   * The actions to run now; the machine holds back those that need a clean workspace. Never called for a turn that is
   * being aborted.
   */
  desiredActions(state: ThreadState, turn: T): Action[];
  /** Whether the turn waits for an agent task now; a kind without it never does. */
  needsAgentTask?(turn: T): boolean;
  /**
   * The current activity of the turn, as readers see it. Never called for a turn that is being aborted or held by a
   * budget.
   */
  phase?(state: ThreadState, turn: T): TurnPhase;
  /** The time of a wait for agents is up. @param index number of the call's item. */
  waitIsOver?(state: ThreadState, at: number, turn: T, index: number): ThreadState;
  /**
   * Tidies up once all steps of an aborted turn have ended: takes to the history what no step was told of, and leaves the
   * thread as the next turn needs it. Its terminal event follows, so nothing can be awaited here.
   * @param marker the note to the model about the abort; null for none.
   */
  abort?(state: ThreadState, at: number, turn: T, marker: string | null): ThreadState;
  /** The thread has another folder now, on another host. Steps of the turn in the former one have not begun. Never called for a turn that ends. */
  onMoved?(state: ThreadState, at: number, turn: T): ThreadState;
  /** Handles a report of a child, after the thread itself has; also while the turn is being aborted. */
  onSubThreadReport?(state: ThreadState, at: number, turn: T, threadId: string, report: SubThreadReport): ThreadState;
  /** Handles the end of one of its actions, or an answer; also while the turn is being aborted. */
  onEvent(state: ThreadState, turn: T, event: TaskEvent): ThreadState;
}

/** For a kind whose only events are the ends of this activity. */
export function onEndOf<A extends StepActivity, T extends ActiveTurn>(
  activity: A,
  onEnd: (state: ThreadState, turn: T, event: StepEvent<A>) => ThreadState,
): TaskKind<T>['onEvent'] {
  // The compiler cannot see that the event of this activity has the end of this activity.
  return (state, turn, event) =>
    event.type === 'stepEnded' && event.activity === activity
      ? onEnd(state, turn, event as unknown as StepEvent<A>)
      : state;
}

/** The phase of a turn whose steps wait until the workspace is clean. */
export function inWorkspace(state: ThreadState, phase: TurnPhase): TurnPhase {
  return state.cleanUp === null ? phase : { type: 'waitingForWorkspace' };
}
