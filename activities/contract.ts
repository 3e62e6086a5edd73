/** The activities as workflows see them: inputs and results. Plain JSON, nothing secret. */
import type {
  ArchiveBody,
  ArchiveSegment,
  CleanStore,
  CleanedStore,
  RepositoryRules,
  StartThread,
} from '../src/contract/index.ts';
import type {
  CommandStep,
  CommandStepResult,
  EndedSession,
  SessionsStep,
  WriteStep,
  WriteStepResult,
} from './contract/commands.ts';
import type { PatchStep, PatchStepResult } from './contract/files.ts';
import type {
  RedoStep,
  RedoneFiles,
  SnapshotStep,
  StoreStep,
  StoredSnapshots,
  UndoStep,
  UndoneFiles,
} from './contract/git.ts';
import type {
  AgentIdentityRegistration,
  AgentTaskDelayed,
  AgentTaskRegistered,
  AgentTaskRegistration,
  RegisteredIdentity,
} from './contract/identity.ts';
import type { ViewImageStep, ViewImageStepResult } from './contract/images.ts';
import type { McpStep, McpStepResult } from './contract/mcp.ts';
import type { CompactionStep, CompactionStepResult, ModelStep, ModelStepResult } from './contract/model.ts';
import type {
  LedgerRead,
  LedgerReading,
  OpenedTarget,
  PreparedReview,
  ReviewConcluded,
  ReviewConclusion,
  ReviewPreparation,
  TargetConcluded,
  TargetConclusion,
  TargetOpening,
} from './contract/reviews.ts';
import type { OnWorkspace } from './contract/steps.ts';
import type { ReadSkillStep, ReadSkillStepResult } from './contract/skills.ts';
import type { TaskStep, TaskStepResult } from './contract/tasks.ts';
import type {
  Elsewhere,
  ForkRequest,
  ForkedPast,
  FoundRules,
  NewHost,
  NewPlace,
  OpenedThread,
  RestoredWorkspace,
  RuleLookup,
  RuleToKeep,
  WorkspaceToRestore,
} from './contract/threads.ts';
import type { AgentIdentity, CarriedState, Snapshot } from './ports.ts';

export type * from './contract/commands.ts';
export type * from './contract/files.ts';
export type * from './contract/git.ts';
export type * from './contract/identity.ts';
export type * from './contract/images.ts';
export type * from './contract/mcp.ts';
export type * from './contract/model.ts';
export type * from './contract/reviews.ts';
export type * from './contract/skills.ts';
export type * from './contract/steps.ts';
export type * from './contract/tasks.ts';
export type * from './contract/threads.ts';

/**
 * Activities that a thread runs as steps: one input, one result. Each is retried, and must be idempotent, unless stated
 * otherwise. A step that its thread can stop takes the ids of the thread and of the step, and returns `aborted` if it
 * was stopped.
 */
export interface StepActivities {
  callModel(step: ModelStep): Promise<ModelStepResult>;
  compactContext(step: CompactionStep): Promise<CompactionStepResult>;
  /** Only its first attempt starts the command; later ones wait for it. It fails with `commandLost` if none can. */
  execCommand(step: CommandStep): Promise<CommandStepResult>;
  /** Idempotent: what it sends is sent once. It fails with `commandLost` if nobody knows the command. */
  writeStdin(step: WriteStep): Promise<WriteStepResult>;
  /** Waits until one of these commands has ended, and returns all that have. It fails with nothing. */
  awaitSessions(step: SessionsStep): Promise<{ ended: EndedSession[] } | { type: 'aborted' }>;
  applyPatch(step: PatchStep): Promise<PatchStepResult>;
  /** Retried only if the tool only reads. */
  callMcpTool(step: McpStep): Promise<McpStepResult>;
  /** Retried, since it only reads. */
  viewImage(step: ViewImageStep): Promise<ViewImageStepResult>;
  /** The same. */
  readSkill(step: ReadSkillStep): Promise<ReadSkillStepResult>;
  /** One step of a task that the operator of the worker has written. It must be idempotent. */
  runTask(step: TaskStep): Promise<TaskStepResult>;
  takeSnapshot(step: SnapshotStep): Promise<Snapshot | { type: 'aborted' }>;
  undoFiles(step: UndoStep): Promise<UndoneFiles | { type: 'aborted' }>;
  redoFiles(step: RedoStep): Promise<RedoneFiles | { type: 'aborted' }>;
  /** Writes snapshots to the store that hosts share, unless it has them. Fails with `storeUnavailable` and `snapshotMissing`. */
  storeSnapshots(step: StoreStep): Promise<StoredSnapshots>;
  /** Releases all snapshots of a thread. */
  releaseSnapshots(request: { threadId: string; cwd: string } & OnWorkspace): Promise<null>;
  prepareReview(step: ReviewPreparation): Promise<PreparedReview | { type: 'aborted' }>;
  finishReview(step: ReviewConclusion): Promise<ReviewConcluded | { type: 'aborted' }>;
  registerAgentTask(
    request: AgentTaskRegistration,
  ): Promise<AgentTaskRegistered | AgentTaskDelayed | { type: 'aborted' }>;
  /** Fails with `rulesUnavailable`, as the other three activities for the rules of a repository do. */
  findRules(lookup: RuleLookup): Promise<FoundRules | { type: 'aborted' }>;
  rememberRule(rule: RuleToKeep): Promise<null>;
  /** `gone`: it is certain that nothing of these commands is left; earlier releases left it out. */
  cleanWorkspace(request: { workspace: string; commandIds: string[] }): Promise<{ ended: number; gone?: boolean }>;
  /** Whether a worker serves the host. */
  lookForHost(request: { host: string }): Promise<{ isServed: boolean }>;
  /** Returns the id under which it was written; earlier releases used the given id, and returned nothing. */
  archiveSegment(request: { threadId: string; segment: ArchiveSegment }): Promise<{ segmentId: string } | null>;
}

export interface Activities extends StepActivities {
  /**
   * Fills a start argument with the defaults of this worker if its host has the workspace. A host that was asked by its
   * name opens it anyway; `ifThere`: only if the folder is there.
   */
  openThread(start: StartThread, ifThere?: boolean): Promise<OpenedThread | Elsewhere>;
  /** The same for a repository, which the host of this worker fetches first. Fails like `WorkspacesPort.prepare`. */
  prepareWorkspace(start: StartThread): Promise<OpenedThread | { type: 'aborted' }>;
  /** Fails with `threadMissing`, `turnUnknown` and `snapshotMissing`. */
  forkHistory(request: ForkRequest): Promise<ForkedPast | Elsewhere>;
  /** The state of a closed run, small enough to be carried over: the rest is in the archive. */
  restoreThread(request: { threadId: string; runId: string }): Promise<CarriedState>;
  /** For the entity workflow of an account only. Earlier releases passed the account alone. */
  registerAgentIdentity(request: AgentIdentityRegistration | string): Promise<RegisteredIdentity>;
  /** The same. `problem`: why the service did not take part; null if it did. */
  revokeAgentIdentity(identity: AgentIdentity): Promise<{ problem: string | null }>;
  /**
   * The host that takes a thread which is moved, and takes new ones: the named one, or the first other than `from`. Fails
   * with `hostUnknown` and `hostNotServing`.
   */
  /** @param request `silent`: hosts that did not answer */
  findNewHost(request: { from: string; host?: string; group?: string; silent?: string[] }): Promise<NewHost>;
  /** On the host that takes the thread: its folder there. Fails with `workspaceMissing` and `workspaceClosed`. */
  receiveThread(request: { threadId: string; cwd: string; rules: boolean; graceMs?: number }): Promise<NewPlace>;
  /**
   * The same for a thread with a managed workspace: a new clone with the files that were stored. Fails with
   * `restoreIncomplete`, with `storeUnavailable` and as `prepareWorkspace` does; then nothing is left of it.
   */
  restoreWorkspace(request: WorkspaceToRestore): Promise<RestoredWorkspace>;
  listRules(request: { cwd: string }): Promise<RepositoryRules>;
  /** Whether the rule existed. */
  revokeRule(request: { cwd: string; ruleId: string }): Promise<boolean>;
  /** Resolves once the workflow of another thread has ended, for any reason. */
  watchThread(request: { threadId: string; actionId: string; watched: string }): Promise<null | { type: 'aborted' }>;
  readSegment(segmentId: string): Promise<ArchiveBody>;
  /** Fails with `storeUnavailable` and `threadUnreadable`. */
  cleanStore(cleaning: CleanStore): Promise<CleanedStore | { type: 'aborted' }>;
  openTarget(opening: TargetOpening): Promise<OpenedTarget>;
  concludeTarget(conclusion: TargetConclusion): Promise<TargetConcluded>;
  readLedger(reading: LedgerReading): Promise<LedgerRead>;
}
