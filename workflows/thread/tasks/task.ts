/** What a kind of task has to say; one file of this folder per kind, and one line in `index.ts`. */
import type { InputItem, SubThreadReport, TurnPhase } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import type { MachineEvent } from '../state/inputs.ts';
import type { ActiveTurn, QueuedTurn, ThreadState } from '../state/state.ts';

/** The end of one of a task's actions, or an answer to one of its requests. */
export type TaskEvent = Extract<MachineEvent, { type: 'stepEnded' | 'childStarted' | 'requestAnswered' }>;

export interface TaskKind<T extends ActiveTurn> {
  kind: T['kind'];
  /** It continues the conversation with a model, so no undo before it can be taken back. */
  talks?: true;
  /** It is for a thread at rest: no other turn is stopped for it. */
  atRest?: true;
  /** A turn of it may be submitted to steer the active one. */
  steers?: true;
  /** Makes the turn the active one, or one beside it, and records its first items. */
  begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState;
  /**
   * Takes input for the next model request, while it is not being aborted. A kind without it cannot be steered.
   * @param running ids of the actions that are under way.
   */
  steer?(state: ThreadState, at: number, turn: T, input: InputItem[], running: readonly string[]): ThreadState;
  /** Goes on as far as it can without anything from outside. Never called for a turn that is being aborted. */
  advance(state: ThreadState, at: number, turn: T): ThreadState;
  /** What is to run now, but for what the workspace has to be clean for. Never called for a turn that is being aborted. */
  desiredActions(state: ThreadState, turn: T): Action[];
  /** Whether what the turn does now waits for an agent task; a kind without it never does. */
  needsAgentTask?(turn: T): boolean;
  /** What the turn does right now, as readers see it. Never called for a turn that is being aborted, or that a budget holds. */
  phase?(state: ThreadState, turn: T): TurnPhase;
  /** The time of a wait for agents has come. @param index number of the call's item. */
  waitIsOver?(state: ThreadState, at: number, turn: T, index: number): ThreadState;
  /**
   * Adds what an aborted turn leaves in the history, right before its terminal event.
   * @param marker tells the model of the abort; null if it is not told.
   */
  leave?(state: ThreadState, at: number, turn: T, marker: string | null): ThreadState;
  /** Takes what a child has said, after the thread itself has; also while it is being aborted. */
  onSubThreadReport?(state: ThreadState, at: number, turn: T, threadId: string, report: SubThreadReport): ThreadState;
  /** Takes the end of an action of its own, or an answer; also while it is being aborted. */
  onEvent(state: ThreadState, turn: T, event: TaskEvent): ThreadState;
}

/** The phase of a turn whose steps wait until the workspace is clean. */
export function inWorkspace(state: ThreadState, phase: TurnPhase): TurnPhase {
  return state.cleanUp === null ? phase : { type: 'waitingForWorkspace' };
}
