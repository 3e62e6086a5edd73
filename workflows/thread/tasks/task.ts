/** What a kind of task has to say; one file of this folder per kind, and one line in `index.ts`. */
import type { InputItem, SubThreadReport } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import type { MachineEvent } from '../state/inputs.ts';
import type { ActiveTurn, QueuedTurn, ThreadState } from '../state/state.ts';

/** The end of one of a task's actions, or an answer to one of its requests. */
export type TaskEvent = Extract<
  MachineEvent,
  {
    type:
      | 'modelEnded'
      | 'compactionEnded'
      | 'commandEnded'
      | 'patchEnded'
      | 'mcpCallEnded'
      | 'snapshotEnded'
      | 'taskStepEnded'
      | 'reviewPrepared'
      | 'reviewConcluded'
      | 'childStarted'
      | 'rulesFound'
      | 'requestAnswered';
  }
>;

export interface TaskKind<T extends ActiveTurn> {
  kind: T['kind'];
  /** Whether a turn of it says something in words, as the contract has it. */
  words: boolean;
  /** Makes the turn the active one, or one beside it, and records its first items. */
  begin(state: ThreadState, at: number, turn: QueuedTurn): ThreadState;
  /**
   * Takes input for the next model request, while it is not being aborted. A kind without it cannot be steered.
   * @param running ids of the actions that are under way.
   */
  steer?(state: ThreadState, at: number, turn: T, input: InputItem[], running: readonly string[]): ThreadState;
  /** Goes on as far as it can without anything from outside. Never called for a turn that is being aborted. */
  settle(state: ThreadState, at: number, turn: T): ThreadState;
  /** What is to run now, but for what the workspace has to be clean for. Never called for a turn that is being aborted. */
  wants(state: ThreadState, turn: T): Action[];
  /** Whether what the turn does now waits for an agent task; a kind without it never does. */
  needsAgentTask?(turn: T): boolean;
  /** Whether an action of this id is one of this turn's. */
  owns(state: ThreadState, turn: T, actionId: string): boolean;
  /** Takes what a child has said, after the thread itself has; also while it is being aborted. */
  hear?(state: ThreadState, at: number, turn: T, threadId: string, report: SubThreadReport): ThreadState;
  /** Takes the end of an action of its own, or an answer; also while it is being aborted. */
  take(state: ThreadState, turn: T, event: TaskEvent): ThreadState;
}
