/** What can happen to a thread. The shell stamps each event with the time and with the actions that are running. */
import type {
  AgentMessage,
  AgentTaskRecord,
  ApprovalRule,
  CloseThread,
  CommandLimit,
  EditQueue,
  FileUpdateChange,
  InterruptTurn,
  ProviderCompaction,
  RejectionCode,
  ResolveRequest,
  ResolvedBy,
  RevokeRule,
  RollbackTurns,
  ReviewOutput,
  ReviewRange,
  SteerTurn,
  SubThreadMessage,
  SubmitTurn,
  TokenUsage,
  TreeBudget,
} from '../../../src/contract/index.ts';
import type { McpRoute, McpWarning, PathLead, Snapshot } from '../../../activities/ports.ts';
import type { TimerAbout } from './actions.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';

export type ModelOutput =
  | { type: 'message'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  /** `mcp` where the tool is one of an MCP server; `leads` if paths of a patch lead elsewhere. */
  | { type: 'toolCall'; callId: string; name: string; arguments: string; mcp?: McpRoute; leads?: PathLead[] };

export type ModelEnd =
  | {
      type: 'answered';
      output: ModelOutput[];
      usage: TokenUsage;
      /** In millionths of a dollar; null for a model without a price. Histories of before there were prices have none. */
      costMicroUsd?: number | null;
      /** Tokens of the context from which on this model's is compacted; histories of before have none. */
      compactAt?: number;
      mcpWarnings?: McpWarning[];
      cut?: string;
      warnings?: string[];
      /** There where one was asked for and the answer has tool calls. */
      snapshot?: Snapshot;
    }
  /** The model was not asked: the context is too large for it as it is. */
  | { type: 'compactFirst'; compactAt: number }
  | { type: 'aborted' }
  | { type: 'failed'; failure: StepFailure };

export type CompactionEnd =
  | {
      type: 'compacted';
      summary: string;
      userMessages: string[];
      provider: ProviderCompaction | null;
      usage: TokenUsage;
      costMicroUsd?: number | null;
      droppedEntries: number;
    }
  | { type: 'aborted' }
  | { type: 'failed'; failure: StepFailure };

export type CommandEnd =
  | {
      type: 'reported';
      outcome: 'exited' | 'timedOut' | 'aborted';
      exitCode: number | null;
      output: string;
      durationMs: number;
      /** True once no process of the command is left. */
      gone: boolean;
      /** The limit that ended it; left out if none did. */
      limit?: CommandLimit;
    }
  /** Stopped before it was begun. */
  | { type: 'aborted' }
  /** The worker that ran it was lost. */
  | { type: 'lost'; output: string }
  | { type: 'failed'; failure: StepFailure };

export type PatchEnd =
  { type: 'applied'; changes: FileUpdateChange[] } | { type: 'aborted' } | { type: 'failed'; failure: StepFailure };

export type McpEnd =
  | { type: 'reported'; outcome: 'completed' | 'failed'; output: string; durationMs: number }
  | { type: 'aborted' }
  /** The worker that made the call was lost. */
  | { type: 'lost'; text: string }
  | { type: 'failed'; failure: StepFailure };

/** The rules of a repository that may be about what is asked for. */
export type RulesEnd =
  { type: 'found'; rules: ApprovalRule[] } | { type: 'aborted' } | { type: 'failed'; failure: StepFailure };

export type SnapshotEnd = Snapshot | { status: 'aborted' } | { status: 'failed'; failure: StepFailure };

/** The end of an activity of one kind of task. `value` is what that activity answers. */
export type TaskStepEnd =
  { type: 'done'; value: unknown } | { type: 'aborted' } | { type: 'failed'; failure: StepFailure };

export type ReviewPreparationEnd =
  | { type: 'prepared'; prompt: string; range: ReviewRange | null; rules?: string; checkedOut?: string }
  | { type: 'aborted' }
  | { type: 'failed'; failure: StepFailure };

export type ReviewConclusionEnd =
  { type: 'concluded'; output: ReviewOutput } | { type: 'aborted' } | { type: 'failed'; failure: StepFailure };

export type RegistrationEnd =
  /**
   * `currentRuntimeId` is the identity in use after the registration; `unusedTasks` counts what earlier tries left at the
   * service.
   */
  | { type: 'registered'; task: AgentTaskRecord; currentRuntimeId: string; unusedTasks: number }
  | { type: 'failed'; failure: StepFailure };

export type Happening =
  | { type: 'threadOpened'; warnings: string[] }
  | { type: 'runContinued' }
  /** The state is that of a closed run, and the thread is open again. */
  | { type: 'threadResumed' }
  | { type: 'turnSubmitted'; turn: SubmitTurn }
  | { type: 'turnSteered'; steer: SteerTurn }
  | { type: 'interruptRequested'; interrupt: InterruptTurn }
  | { type: 'queueEdited'; edit: EditQueue }
  | { type: 'revocationRequested'; revocation: RevokeRule }
  | { type: 'rollbackRequested'; rollback: RollbackTurns }
  | { type: 'requestAnswered'; answer: ResolveRequest; by: ResolvedBy }
  | { type: 'closeRequested'; close: CloseThread }
  | { type: 'messageRejected'; message: string; code: RejectionCode; reason: string; id: string | null }
  | { type: 'modelEnded'; id: string; end: ModelEnd }
  | { type: 'compactionEnded'; id: string; end: CompactionEnd }
  | { type: 'commandEnded'; id: string; end: CommandEnd }
  | { type: 'patchEnded'; id: string; end: PatchEnd }
  | { type: 'mcpCallEnded'; id: string; end: McpEnd }
  | { type: 'rulesFound'; id: string; end: RulesEnd }
  /** `failure` says why it could not be kept for the repository, or is null. */
  | { type: 'ruleKept'; id: string; failure: string | null }
  | { type: 'snapshotEnded'; id: string; end: SnapshotEnd }
  | { type: 'taskStepEnded'; id: string; end: TaskStepEnd }
  /** `failure` says why some may be left, or is null. */
  | { type: 'snapshotsReleased'; id: string; failure: string | null }
  | { type: 'reviewPrepared'; id: string; end: ReviewPreparationEnd }
  | { type: 'reviewConcluded'; id: string; end: ReviewConclusionEnd }
  | { type: 'registrationEnded'; id: string; end: RegistrationEnd }
  | { type: 'workspaceCleaned'; id: string; ended: number | null }
  | { type: 'childStarted'; id: string; failure: StepFailure | null }
  /** The workflow of a child has ended, with or without a word from it. */
  | { type: 'childGone'; id: string; threadId: string }
  /** @see Action `sendMessage`. Not delivered: there is no such thread, or it is closed. */
  | { type: 'messageSent'; id: string; delivered: boolean }
  | { type: 'subThreadReported'; message: SubThreadMessage }
  /** The thread above says what this one and its descendants may use up. */
  | { type: 'treeBudgetTold'; budget: TreeBudget }
  | { type: 'agentMessageReceived'; message: AgentMessage }
  | { type: 'timeCame'; id: string; about: TimerAbout }
  /** This run's history is long enough to go on as a new one at the next step boundary. */
  | { type: 'rolloverDue' }
  /** `segmentId` is the one it was written under, where that is not the one it was to be written under. */
  | { type: 'archivingEnded'; id: string; written: boolean; message: string; segmentId?: string }
  /** What would be carried over is too large as long as it cannot be archived: this run goes on. */
  | { type: 'rolloverPostponed'; bytes: number };

/** `at`: milliseconds since the epoch. `running`: ids of the actions that are under way. */
export type MachineEvent = Happening & { at: number; running: readonly string[] };
