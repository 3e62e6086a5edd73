/** Everything that can happen to a thread. The shell adds the time and the running actions to each event. */
import type {
  AgentMessage,
  CloseThread,
  EditQueue,
  InterruptTurn,
  RejectionCode,
  ResolveRequest,
  ResolvedBy,
  RevokeRule,
  RollbackTurns,
  SteerTurn,
  SubThreadMessage,
  SubmitTurn,
  TreeBudget,
  WorkspaceMove,
  WorkspacePlace,
} from '../../../src/contract/index.ts';
import type { TimerAbout } from './actions.ts';
import type { NewPlace } from '../../../activities/contract.ts';
import type { StepEnded } from './steps.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';

export type MachineInput =
  /** `joins`: it begins in files that are there, and may be others than those of their repository. */
  | { type: 'threadOpened'; warnings: string[]; joins?: boolean }
  | { type: 'runContinued' }
  /** The state is that of a closed run, and the thread is open again. */
  | { type: 'threadResumed' }
  | { type: 'turnSubmitted'; turn: SubmitTurn }
  | { type: 'turnSteered'; steer: SteerTurn }
  | { type: 'interruptRequested'; interrupt: InterruptTurn }
  | { type: 'queueEdited'; edit: EditQueue }
  | { type: 'revocationRequested'; revocation: RevokeRule }
  | { type: 'rollbackRequested'; rollback: RollbackTurns }
  /** `isUnknown`: no such request is open here, which the thread above learns; earlier releases did not report it. */
  | { type: 'requestAnswered'; answer: ResolveRequest; by: ResolvedBy; isUnknown?: true }
  /** No turn begins until one of the next two. */
  | { type: 'moveBegan'; to: WorkspacePlace }
  | { type: 'storeRequested' }
  | { type: 'moveFailed'; reason: string }
  | { type: 'workspaceMoved'; move: WorkspaceMove; place: NewPlace }
  | { type: 'closeRequested'; close: CloseThread }
  | { type: 'messageRejected'; message: string; code: RejectionCode; reason: string; id: string | null }
  | StepEnded
  | { type: 'childStarted'; id: string; failure: StepFailure | null }
  /** The workflow of a child has ended, with or without a report from it. */
  | { type: 'childGone'; id: string; threadId: string }
  /** @see Action `sendMessage`. Not delivered: there is no such thread, or it is closed. */
  | { type: 'messageSent'; id: string; delivered: boolean }
  /** `isUnknown`: it is the end of a request that is not open here, but may be in the threads above. */
  | { type: 'subThreadReported'; message: SubThreadMessage; isUnknown?: true }
  /** The thread above reports what this one and its descendants may use up. */
  | { type: 'treeBudgetTold'; budget: TreeBudget }
  | { type: 'agentMessageReceived'; message: AgentMessage }
  | { type: 'timeCame'; id: string; about: TimerAbout }
  /** This run's history is long enough to continue as new at the next step boundary. */
  | { type: 'rolloverDue' }
  /** The carry-over is too large until part of it can be archived: this run continues. */
  | { type: 'rolloverPostponed'; bytes: number };

/** `at`: milliseconds since the epoch. `running`: ids of the actions that are under way. */
export type MachineEvent = MachineInput & { at: number; running: readonly string[] };
