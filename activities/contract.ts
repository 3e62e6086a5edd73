/** The activities as workflows see them: what goes in, what comes out. Plain JSON, nothing secret. */
import type {
  AgentIdentityChoice,
  AgentTaskRecord,
  ApprovalRule,
  ArchiveBody,
  ArchiveSegment,
  BatchTarget,
  FileLeftOut,
  FileOutcomes,
  FileUpdateChange,
  Fork,
  LedgerView,
  ProviderCompaction,
  RepositoryRules,
  ReviewOutput,
  ReviewRange,
  ReviewTarget,
  RunRecorded,
  RuleMatch,
  SandboxMode,
  StartThread,
  ThreadSettings,
  TokenUsage,
} from '../src/contract/index.ts';
import type {
  AgentIdentity,
  CarriedState,
  CommandReport,
  CountedCompaction,
  McpReport,
  McpRoute,
  McpWarning,
  PathLead,
  ModelOutput,
  PastTurn,
  RevertedPath,
  Snapshot,
} from './ports.ts';

/** What every step that asks a model has. */
export interface ModelStepBase {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  turnId: string;
  /** Number of items the conversation has; the activity asks the `context` query for those it lacks. */
  contextVersion: number;
  agentTask: AgentTaskRecord | null;
  agentIdentity: AgentIdentityChoice;
  /** A budget in dollars holds for it: a model without a price is not asked. */
  costLimited: boolean;
}

export interface ModelStep extends ModelStepBase {
  step: number;
  /** Tokens of the conversation, where the thread does not know the limit of this model; else null. */
  contextTokens: number | null;
  /**
   * Set where the files are to be kept before a tool call may change them: under this name, while the snapshots under
   * those others may go.
   */
  snapshot: { name: string; release: string[] } | null;
}

/** A call of a tool of an MCP server says which; a patch says where its paths lead, if they lead elsewhere. */
export type StepOutput =
  | Exclude<ModelOutput, { type: 'toolCall' }>
  | (Extract<ModelOutput, { type: 'toolCall' }> & { mcp?: McpRoute; leads?: PathLead[] });

/** `compactAt`: tokens from which on a conversation with this model is to be compacted. */
export type ModelStepResult =
  | {
      type: 'answered';
      output: StepOutput[];
      usage: TokenUsage;
      /** In millionths of a dollar; null for a model without a price. Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Earlier releases left it out. */
      compactAt?: number;
      /** Left out where there are none. */
      mcpWarnings?: McpWarning[];
      /** Why the answer was cut, in the endpoint's words; left out if it is whole. */
      cut?: string;
      /** What else went wrong without failing the step; left out where nothing did. */
      warnings?: string[];
      /** There where one was asked for and the answer has tool calls. One that failed is `skipped`. */
      snapshot?: Snapshot;
    }
  /** The model was not asked, since the conversation has come to that limit. */
  | { type: 'compactFirst'; compactAt: number }
  | { type: 'aborted' };

export interface CompactionStep extends ModelStepBase {
  /** The model that is asked, which may be one the thread had before. */
  model: string;
}

export type CompactionStepResult =
  | {
      type: 'compacted';
      /** Empty where the provider has a form of its own. */
      summary: string;
      /** The newest messages of the person, oldest first. */
      userMessages: string[];
      provider: ProviderCompaction | null;
      usage: TokenUsage;
      /** Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Entries, oldest first, that were too many even for the summary. */
      droppedEntries: number;
    }
  | { type: 'aborted' };

/** Of every step on the workspace of a thread. */
export interface OnWorkspace {
  /** The real path that the workspace must have; threads of earlier releases have none. */
  root?: string;
}

export interface CommandStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by; unique, so it names the command's processes, too. */
  actionId: string;
  /** Number of the command's item; read from there when `command` is null because it is long. */
  index: number;
  command: string | null;
  cwd: string;
  workspace: string;
  sandbox: SandboxMode;
  timeoutMs: number;
}

/** What the last heartbeat of a running command held, for the person who watches and for a worker that is lost. */
export interface CommandProgress {
  type: 'command';
  output: string;
}

/** Details of the failure of a command that its worker ended because the worker itself was told to stop. */
export interface StoppedByWorker {
  output: string;
}

export interface PatchStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  /** Number of the item that holds the patch. */
  index: number;
  cwd: string;
  sandbox: SandboxMode;
  /** Where its paths led when the model had named them; left out if nowhere else. */
  leads?: PathLead[];
}

export type PatchStepResult = { type: 'applied'; changes: FileUpdateChange[] } | { type: 'aborted' };

export interface McpStep {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  /** Number of the call's item; its arguments are read from there when `arguments` is null because they are long. */
  index: number;
  server: string;
  tool: string;
  arguments: Record<string, unknown> | null;
}

/** What the last heartbeat of a running call held: what its server said of how far it is. */
export interface McpProgress {
  type: 'mcp';
  text: string;
}

export type McpStepResult = ({ type: 'reported' } & McpReport) | { type: 'aborted' };
export interface SnapshotStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  name: string;
  release: string[];
  /** The snapshot from before the turn, for the one at its end. */
  after?: string;
}

export interface UndoStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  /** `endedAt` in milliseconds since the epoch; earlier releases left it out. */
  undone: { turnId: string; firstItem: number; endItem: number; endedAt?: number };
  /** The snapshot to go back to; null where there is none. */
  commit: string | null;
  /** The snapshot from after the turn; null or left out if it is not known. */
  after?: string | null;
  /** Says what an undo would do, and changes nothing. */
  preview?: true;
}

export interface RedoStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  /** The snapshots from before and after the undo. */
  before: string;
  after: string;
}

export interface RedoneFiles extends Pick<RevertedFiles, 'files' | 'paths' | 'morePaths'> {
  notRedone: string[];
}

export interface RevertedFiles {
  /** How many paths had which outcome; null where there was no snapshot to go by. */
  files: FileOutcomes | null;
  /** As many as history takes, those that were kept first. */
  paths: RevertedPath[];
  morePaths: number;
  /** The snapshots with which it is taken back; null if there are none. */
  redo: { before: string; after: string } | null;
}

/** Recorded answers of earlier releases have only some of the members of {@link RevertedFiles}. */
export interface UndoneFiles extends Pick<RevertedFiles, 'files'>, Partial<Omit<RevertedFiles, 'files'>> {
  /** Commands that the turn ran, each once and whole, as far as history takes them; earlier releases cut them. */
  commands: { command: string; cwd: string }[];
  /** Further ones; earlier releases left it out. */
  moreCommands?: number;
  /** Whether the turn called any tool. */
  called: boolean;
  /** Nothing of the turn but patches can have written; earlier releases left it out. */
  ofPatchesAlone?: boolean;
  /** What stays as it is, for a person. */
  notUndone: string[];
}

export interface AgentTaskRegistration {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  account: string;
  /** Runtime id that is no longer taken and is to be replaced first; null for none. */
  replaceIdentity: string | null;
}

/** What became of a registration that ended well. */
export interface AgentTaskRegistered {
  task: AgentTaskRecord;
  /** The identity in use after the registration; empty where there is none. */
  currentRuntimeId: string;
  /** Tasks that earlier tries registered and that nobody will use, as far as they are known. */
  unusedTasks: number;
}

export interface ReviewPreparation extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  target: ReviewTarget;
}

export interface PreparedReview {
  type: 'prepared';
  /** The one message of the review's conversation. */
  prompt: string;
  /** Null where there are no changes to compare with. */
  range: ReviewRange | null;
  /** What the repository has its reviews mind, as of the base; earlier releases leave it out. */
  rules?: string;
  /** What must stay checked out while the review looks at files on disk; left out if it does not, and by earlier releases. */
  checkedOut?: string;
}

export interface ReviewConclusion extends OnWorkspace {
  threadId: string;
  turnId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  range: ReviewRange | null;
  /** The last message of the review. */
  text: string;
}

export interface ReviewConcluded {
  type: 'concluded';
  output: ReviewOutput;
}

/** Where a target of a batch is to be opened and what by. */
export interface TargetOpening {
  /** The workflow that asks, under the name that steps of threads have. */
  threadId: string;
  actionId: string;
  workflowId: string;
  runId: string;
  targetId: string;
  target: BatchTarget;
  fullPassEvery: number;
  /** Everything is looked at in this run; left out for no. */
  fullPass?: boolean;
  /** Null for the workers' own. */
  model: string | null;
  instructions: string;
}

export interface TargetPart {
  /** The one message of its conversation. */
  prompt: string;
  /** Ids of the open findings that it was asked about; earlier releases asked about none. */
  known?: string[];
}

export type OpenedTarget =
  | {
      type: 'opened';
      /** Root of a work tree that has the commits. */
      cwd: string;
      base: string;
      head: string;
      full: boolean;
      rulesId: string;
      model: string;
      /** What the repository has its reviews mind; earlier releases leave it out. */
      rules?: string;
      /** None where all that changed was left out. */
      parts: TargetPart[];
      filesLeftOut: number;
      /** The first of them with why; earlier releases leave it out. */
      leftOut?: FileLeftOut[];
      /** Findings that its ledger knew. */
      known: number;
      /** Whether what lies in `cwd` is the commit under review; earlier releases leave it out. */
      isThere?: boolean;
    }
  | { type: 'alreadyReviewed'; head: string }
  /** Another run of the target is under way. */
  | { type: 'busy' }
  | { type: 'aborted' };

/** What the threads of a target said. */
export interface TargetConclusion {
  threadId: string;
  actionId: string;
  runId: string;
  targetId: string;
  target: BatchTarget;
  fullPassEvery: number;
  cwd: string;
  base: string;
  head: string;
  full: boolean;
  rulesId: string;
  model: string;
  texts: string[];
  /** For each text the ids that its review was asked about; earlier releases leave it out. */
  asked?: string[][];
  fullPass?: boolean;
  /** As the target was opened with them. */
  filesLeftOut: number;
  known: number;
}

export type TargetConcluded = ({ type: 'concluded' } & RunRecorded) | { type: 'aborted' };

export interface LedgerReading {
  threadId: string;
  actionId: string;
  targetId: string;
}

/** Null for a target of which no review was ever begun. */
export type LedgerRead = { type: 'read'; ledger: LedgerView | null } | { type: 'aborted' };

export interface RuleLookup extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  /** What is asked for. */
  match: RuleMatch;
}

/** Rules of the repository that may be about it, with paths as the thread names them. */
export interface FoundRules {
  type: 'found';
  rules: ApprovalRule[];
}

export interface OpenedThread extends ThreadSettings {
  /** When, by the worker's clock, in milliseconds since the epoch; earlier releases left it out. */
  openedAt?: number;
  /** A snapshot is also taken at the end of a turn; earlier releases left it out. */
  keepsAfter?: boolean;
  /** What the thread decides anew, `DECISIONS` in `workflows/thread/state/state.ts`; earlier releases left it out. */
  decisions?: 2;
}

export interface ForkRequest {
  /** The new thread. */
  threadId: string;
  source: Fork;
  /** Where it is to work; with a work tree of its own, the path of that, unless it is where the source works. */
  cwd: string;
  /** What tells the model that a turn was cut off. */
  marker: string;
}

/** What a forked thread begins with. Its items are in the archive. */
export interface ForkedPast {
  /** Those of the source, but for where it works. */
  settings: ThreadSettings;
  segments: ArchiveSegment[];
  itemCount: number;
  turns: PastTurn[];
  compactions: CountedCompaction[];
  turnIds: string[];
  /** See {@link OpenedThread}. */
  keepsAfter?: boolean;
  decisions?: 2;
  /** The turn after which it was forked; null where there was none. */
  lastTurnId: string | null;
  warnings: string[];
}

/**
 * Activities that a thread runs as steps: one input, one result. Each is retried, and must be idempotent, unless it says
 * otherwise. One that its thread can stop takes the ids of the thread and of the step, and answers `aborted` if it was stopped.
 */
export interface StepActivities {
  callModel(step: ModelStep): Promise<ModelStepResult>;
  compactContext(step: CompactionStep): Promise<CompactionStepResult>;
  /** Never retried: a command that may have run is not run again automatically. */
  execCommand(step: CommandStep): Promise<CommandReport>;
  applyPatch(step: PatchStep): Promise<PatchStepResult>;
  /** Retried only if the tool only reads. */
  callMcpTool(step: McpStep): Promise<McpStepResult>;
  takeSnapshot(step: SnapshotStep): Promise<Snapshot | { type: 'aborted' }>;
  undoFiles(step: UndoStep): Promise<UndoneFiles | { type: 'aborted' }>;
  redoFiles(step: RedoStep): Promise<RedoneFiles | { type: 'aborted' }>;
  /** Releases all snapshots of a thread. */
  releaseSnapshots(request: { threadId: string; cwd: string } & OnWorkspace): Promise<null>;
  prepareReview(step: ReviewPreparation): Promise<PreparedReview | { type: 'aborted' }>;
  finishReview(step: ReviewConclusion): Promise<ReviewConcluded | { type: 'aborted' }>;
  registerAgentTask(request: AgentTaskRegistration): Promise<AgentTaskRegistered | { type: 'aborted' }>;
  /** Fails with `rulesUnavailable`, as the other three that deal with the rules of a repository do. */
  findRules(lookup: RuleLookup): Promise<FoundRules | { type: 'aborted' }>;
  rememberRule(request: { cwd: string; rule: ApprovalRule } & OnWorkspace): Promise<null>;
  cleanWorkspace(request: { workspace: string; commandIds: string[] }): Promise<{ ended: number }>;
  /** Answers the id under which it was written; earlier releases wrote under the one they were given, and answered nothing. */
  archiveSegment(request: { threadId: string; segment: ArchiveSegment }): Promise<{ segmentId: string } | null>;
}

export interface Activities extends StepActivities {
  /** Fills a start argument with the worker's defaults. */
  openThread(start: StartThread): Promise<OpenedThread>;
  /** Fails with `threadMissing`, `turnUnknown` and `snapshotMissing`. */
  forkHistory(request: ForkRequest): Promise<ForkedPast>;
  /** The state that a closed run left, small enough to be carried over: the rest of it is in the archive. */
  restoreThread(request: { threadId: string; runId: string }): Promise<CarriedState>;
  /** For the entity workflow of an account only. */
  registerAgentIdentity(account: string): Promise<AgentIdentity>;
  listRules(request: { cwd: string }): Promise<RepositoryRules>;
  /** Whether there was such a rule. */
  revokeRule(request: { cwd: string; ruleId: string }): Promise<boolean>;
  /** Resolves once the workflow of another thread has ended, however it did. */
  watchThread(request: { threadId: string; actionId: string; watched: string }): Promise<null | { type: 'aborted' }>;
  readSegment(segmentId: string): Promise<ArchiveBody>;
  openTarget(opening: TargetOpening): Promise<OpenedTarget>;
  concludeTarget(conclusion: TargetConclusion): Promise<TargetConcluded>;
  readLedger(reading: LedgerReading): Promise<LedgerRead>;
}
