import type {
  ApprovalRule,
  ArchiveSegment,
  BatchTarget,
  BeginRun,
  FindingLocation,
  Item,
  ItemsPage,
  ProviderCompaction,
  RecordedRun,
  RepositoryRules,
  ReviewRange,
  ReviewTarget,
  RuleMatch,
  RunBeginning,
  RunRecorded,
  StartThread,
  ThreadEvent,
  ThreadSettings,
  TrackedFinding,
  TurnCompletion,
  TurnKind,
} from '../src/contract/index.ts';

/**
 * What activities need of the world outside, as small interfaces. Adapters in `src/adapters/` implement them, the
 * composition root in `src/worker/` joins the two, and a test passes an object literal.
 *
 * Every method that can wait takes an `AbortSignal` and ends soon after it fires. What goes wrong is thrown as a
 * `Failure` (see `failures.ts`).
 */

// ---------------------------------------------------------------------------------------------------------- models

/** One entry of the conversation as a model sees it, independent of any provider. */
export type ConversationEntry =
  | { type: 'message'; role: 'user' | 'assistant'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  | { type: 'toolCall'; callId: string; name: string; arguments: string }
  | { type: 'toolOutput'; callId: string; name: string; output: string }
  /** What a provider made of the conversation before; `otherwise` is for those that cannot read it. */
  | (ProviderCompaction & { type: 'compaction'; otherwise: ConversationEntry[] });

/** A tool the model may call; `parameters` is a JSON schema of an object. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export interface ModelRequest {
  /** `provider/model`, or a model name of the default provider. */
  model: string;
  instructions: string;
  conversation: ConversationEntry[];
  tools: ToolSpec[];
  parallelToolCalls: boolean;
  /** Keeps a provider's prompt cache on one thread. */
  promptCacheKey: string;
  /** JSON schema of the answer; calls come before it as ever. Endpoints that cannot hold a model to one go without. */
  outputSchema?: { name: string; schema: Record<string, unknown> };
  /** Whole value of the `Authorization` header where an agent assertion replaces the bearer token. */
  authorization?: string;
}

/** Whole output entries of one response, in the order the model gave them. */
export type ModelOutput =
  | { type: 'message'; text: string }
  | { type: 'reasoning'; id?: string; summary: string[]; encryptedContent?: string }
  | { type: 'toolCall'; callId: string; name: string; arguments: string };

export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningOutputTokens: number;
  totalTokens: number;
}

export interface ModelResponse {
  responseId: string;
  output: ModelOutput[];
  usage: TokenUsage;
}

/** A conversation in a provider's own smaller form, in place of the one that was given. */
export interface CompactedConversation extends ProviderCompaction {
  usage: TokenUsage;
}

/** Tokens that a model takes, request and answer together, and from how many on a conversation is compacted. */
export interface ContextLimits {
  window: number;
  compactAt: number;
}

/** What model calls cost. */
export interface PricePort {
  isKnown(model: string): boolean;
  /** In millionths of a dollar, whole ones; null for a model without a price. */
  costMicroUsd(model: string, usage: TokenUsage): number | null;
}

export interface ModelPort {
  /**
   * One model call, streamed. `onText` is given each piece of assistant text as it arrives. Rejects with the reason of
   * `signal` once that fires, with the connection closed.
   */
  respond(request: ModelRequest, io: { signal: AbortSignal; onText: (delta: string) => void }): Promise<ModelResponse>;
  /** The provider's own compaction of the conversation; null where it has none. Fails as `respond` does. */
  compact?(request: ModelRequest, io: { signal: AbortSignal }): Promise<CompactedConversation | null>;
}

// -------------------------------------------------------------------------------------------------------- commands

export type SandboxMode = 'read-only' | 'workspace-write' | 'danger-full-access';

export interface SandboxPolicy {
  mode: SandboxMode;
  /** Absolute paths that may be written in mode `workspace-write`, besides the working directory and the temp folder. */
  writableRoots: string[];
  networkAccess: boolean;
}

export interface CommandSpec {
  /** Unique for this run of the command; names its process records. */
  commandId: string;
  /** Run by `bash -c` where there is a bash, else `sh -c`. */
  command: string;
  /** Absolute. */
  cwd: string;
  /** Root of the workspace the command belongs to, absolute; the fence is kept per workspace. */
  workspace: string;
  sandbox: SandboxPolicy;
  /** Milliseconds until the command is stopped with outcome `timedOut`. */
  timeoutMs: number;
  /** Bytes of output kept, split between head and tail. */
  maxOutputBytes: number;
}

export interface CommandReport {
  outcome: 'exited' | 'timedOut' | 'aborted';
  /** Null where a signal ended it. */
  exitCode: number | null;
  /** Standard output and error as they came, head and tail kept, the middle replaced by a line that says how much. */
  output: string;
  /** Bytes the command wrote in all. */
  outputBytes: number;
  truncated: boolean;
  durationMs: number;
  /** True once no process of the command is left, those that left its process group included. */
  gone: boolean;
}

export interface CommandPort {
  /**
   * Runs one command. When `signal` fires: SIGTERM to the whole process group, 100 ms, then SIGKILL to all that is
   * left, and a report with outcome `aborted` and the output so far. A command that fails is a report, not a failure.
   */
  run(spec: CommandSpec, io: { signal: AbortSignal; onOutput: (tail: string) => void }): Promise<CommandReport>;
  /**
   * Ends every process that earlier commands of this workspace left behind when the worker that ran them died, and says
   * how many. Safe to call at any time; commands of workers that are alive are left alone, except those in `commandIds`.
   */
  clean(workspace: string, commandIds?: string[]): Promise<{ ended: number }>;
  /** Which sandbox works on this machine, or why none does. */
  sandbox(): Promise<{ available: true; name: string } | { available: false; reason: string }>;
}

// -------------------------------------------------------------------------------------------------------------- mcp

/** When a call is asked for: `writes` for tools that do not say that they only read. */
export type McpApproval = 'never' | 'writes' | 'always';

/** Where a call goes, and what the thread has to know to decide whether it may. */
export interface McpRoute {
  server: string;
  /** The tool's name at its server. */
  tool: string;
  /** The server says that it changes nothing. */
  readOnly: boolean;
  approval: McpApproval;
}

/** A tool of a server; `name` is what the model calls it: `mcp__SERVER__TOOL`, unique, at most 64 characters. */
export interface McpTool extends McpRoute, ToolSpec {}

/** What a person should know of a server, in words that hold no secret: it is not there, or not with all of its tools. */
export interface McpWarning {
  server: string;
  message: string;
}

export interface McpCall {
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  /** Bytes of output kept, split between head and tail. */
  maxOutputBytes: number;
}

/** How a call ended. One that failed is a report, not a failure: the model reads why. */
export interface McpReport {
  outcome: 'completed' | 'failed';
  output: string;
  durationMs: number;
}

export interface McpPort {
  /**
   * The tools of every server that is there, those of one server in its order. Connects where it has to. A server that
   * cannot be had is left out with a warning, unless it is required: then fails with `mcpServerUnavailable`.
   */
  tools(signal: AbortSignal): Promise<{ tools: McpTool[]; warnings: McpWarning[] }>;
  /**
   * Calls one tool. When `signal` fires the server is told to cancel, and this rejects with the reason. Whatever the
   * server does else, this ends within the time limit of its calls.
   */
  call(request: McpCall, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<McpReport>;
  /** Ends the servers that workers which died left running on this machine. */
  clean(): Promise<{ ended: number }>;
  /** Ends every connection, and the processes of servers with them. */
  close(): Promise<void>;
}

// --------------------------------------------------------------------------------------------------------- patches

export interface PatchChange {
  /** Relative to the working directory where it lies inside, absolute otherwise. */
  path: string;
  kind: 'add' | 'update' | 'delete' | 'move';
  movePath?: string;
  linesAdded: number;
  linesRemoved: number;
}

export interface PatchPort {
  /**
   * Applies a patch in the `*** Begin Patch` form. Every hunk is checked against the files before the first one is
   * written; a patch whose result is already there counts as applied, so that twice is once.
   */
  apply(
    patch: string,
    where: { cwd: string; sandbox: SandboxPolicy },
    signal: AbortSignal,
  ): Promise<{ changes: PatchChange[]; alreadyApplied: boolean }>;
}

/** AGENTS.md and its kin, from the root of the repository down to the working directory, 32 KiB in all. */
export interface ProjectDocsPort {
  read(cwd: string): Promise<string>;
  /** Of the same files only the sections under a heading of the second level with these words. */
  readSections(cwd: string, heading: string): Promise<string>;
  /** The same of one such file that was read elsewhere. */
  sectionsOf(text: string, heading: string): string;
}

// ------------------------------------------------------------------------------------------------------------- git

export type Snapshot =
  /** `warnings`: what was left out and why, one line for each reason. */
  | { status: 'taken'; commit: string; warnings: string[] }
  /** There is nothing to take one of. */
  | { status: 'skipped'; reason: string };

/** Snapshots of one thread in the repository around a folder. */
export interface SnapshotNames {
  /** Absolute. */
  cwd: string;
  threadId: string;
  names: readonly string[] | 'all';
}

export interface Restored {
  /** Files that were changed or missing and are as they were. */
  restored: number;
  /** Files that were new and are gone. */
  deleted: number;
  /** What stays as it is, for a person; one line each. */
  notUndone: string[];
}

export interface NewWorktree {
  /** The folder in the new work tree that stands for the one it was asked for. */
  cwd: string;
  /** What is missing in it, for a person. */
  warnings: string[];
}

/** The targets of a review that have changes to look at. */
export type ChangesTarget = Exclude<ReviewTarget, { type: 'custom' }>;

/** The changes that a review is about, at commits that do not move any more. */
export interface PinnedChanges extends ReviewRange {
  /** Changed files, relative to the root of the repository, at most {@link PINNED_FILES}. */
  files: string[];
  fileCount: number;
  /** Whether files on disk differ from `head`, which then has to be looked at by git. */
  isElsewhere: boolean;
}

/** Files of one review that are listed by name. */
export const PINNED_FILES = 200;

/** Lines that changed, as ranges whose ends are both part of them. A file may have changed as a whole. */
export type LineRanges = { start: number; end: number }[] | 'all';

export interface ChangedLines {
  /** The root of the repository; null where there is none. */
  root: string | null;
  /** For each path that was asked for: where it is, and what changed there; null where nothing did. */
  files: { path: string; relative: string | null; ranges: LineRanges | null }[];
}

export interface PlaceInCommit {
  /** Full id. */
  head: string;
  location: FindingLocation;
}

export type TrackedPlace = Omit<TrackedFinding, 'findingId'>;

/**
 * The repository around a folder. Only what lies below the folder is looked at. Index, HEAD, stash, hooks and settings of
 * the person are never touched. Fails with `gitFailed`, which is worth another try.
 */
export interface GitPort {
  /**
   * Makes a commit of the files as they stand, untracked ones included, ignored ones not. Nothing refers to it: `keep` it
   * before anything may collect it. Large untracked files and folders, and what builds make, are left out.
   */
  snapshot(cwd: string, signal: AbortSignal): Promise<Snapshot>;
  /** Keeps a snapshot until it is released under that name. Twice is once. */
  keep(place: { cwd: string; threadId: string; name: string }, commit: string, signal: AbortSignal): Promise<void>;
  /**
   * Brings the files back to a snapshot and deletes what is new; ignored files and what was left out of it stay. Twice is
   * once, and a second call ends what a first one began. Fails with `snapshotMissing`.
   */
  restore(cwd: string, commit: string, signal: AbortSignal): Promise<Restored>;
  /** Lets go of snapshots; those that are not there are gone already. */
  release(names: SnapshotNames, signal: AbortSignal): Promise<void>;
  /**
   * A new work tree of the repository at `path`, detached at what was checked out when the snapshot was taken, with the
   * files of the snapshot. Twice is once. Fails with `snapshotMissing`.
   */
  worktree(place: { cwd: string; path: string; commit: string }, signal: AbortSignal): Promise<NewWorktree>;
  /**
   * What a review is to look at, in the whole repository. Fails with `reviewNoRepository`, `reviewTargetUnknown`,
   * `reviewBaseMissing` and `reviewNothingToReview`.
   */
  pinChanges(cwd: string, target: ChangesTarget, signal: AbortSignal): Promise<PinnedChanges>;
  /**
   * What changed in these files. Paths are absolute, or relative to the root or to the working directory.
   * @param range null for no changes: then only the places are told.
   */
  changedLines(
    cwd: string,
    range: ReviewRange | null,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ChangedLines>;
  /**
   * Texts of files in a commit, by their paths, which are relative to the root of the repository. What is not there, no
   * file, or larger than 2 MiB is left out.
   * @param commit full id.
   */
  readFiles(
    cwd: string,
    commit: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>;
  /**
   * Where places in earlier commits are in another one, through changed lines and renamed files, in the order of `places`;
   * null where that is not known, since the earlier commit is not there any more.
   * @param head full id.
   */
  track(
    cwd: string,
    head: string,
    places: readonly PlaceInCommit[],
    signal: AbortSignal,
  ): Promise<(TrackedPlace | null)[]>;
}

// ---------------------------------------------------------------------------------------------------- agent identity

/** A registered runtime of an account. The private key stays in the key store, found by `agentRuntimeId`. */
export interface AgentIdentity {
  account: string;
  agentRuntimeId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
}

export interface AgentTask {
  agentRuntimeId: string;
  taskId: string;
  /** RFC 3339, UTC. */
  registeredAt: string;
}

export interface IdentityPort {
  /** Makes a key pair, registers it for the account and keeps the key. Not idempotent: callers see to "once". */
  registerIdentity(account: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** Makes an identity the one in use for its account on this key store. */
  useIdentity(identity: AgentIdentity): Promise<void>;
  /** The identity in use for the account, read from the key store; undefined where there is none. */
  currentIdentity(account: string): Promise<AgentIdentity | undefined>;
  /** Registers an agent task under that identity. Each call makes one more task at the service. */
  registerTask(identity: AgentIdentity, signal: AbortSignal): Promise<AgentTask>;
  /**
   * The `Authorization` value for one request, freshly signed. Fails with `agentTaskStale` when the identity in use for
   * the account is not the one the task was registered under.
   */
  assertion(account: string, task: AgentTask): Promise<string>;
}

// --------------------------------------------------------------------------------------------------------- archive

/** Segments of a thread's past, written once under a name that is derived from their content's place. */
export interface ArchivePort {
  /** Writing the same segment twice is writing it once. */
  write(segmentId: string, body: string): Promise<void>;
  /** Fails with `archiveMissing` where there is no such segment. */
  read(segmentId: string): Promise<string>;
}

// ----------------------------------------------------------------------------------------------------------- rules

/**
 * Remembered answers of repositories, shared by the threads of all their work trees. `cwd` is any folder of one; a folder in
 * no repository stands for itself. Fails with `rulesUnavailable`.
 */
export interface RulesPort {
  list(cwd: string): Promise<RepositoryRules>;
  /** Those that may be about what is asked for, with paths below `cwd` as it is named. */
  find(cwd: string, asked: RuleMatch): Promise<ApprovalRule[]>;
  /** Keeps the rule under an id of its own, made of what it says: twice is once. */
  remember(cwd: string, rule: ApprovalRule): Promise<void>;
  /** Whether there was such a rule. */
  revoke(cwd: string, ruleId: string): Promise<boolean>;
}

// --------------------------------------------------------------------------------------------------------- threads

/** What a model step needs of its thread, from an item number on; answered by the `context` query. */
export interface ThreadContext {
  settings: ThreadSettings;
  /** Number of the first item that counts. Those before it are given to nobody, whatever was asked for. */
  first: number;
  /** Number of the compaction that stands for them; null where there is none. */
  compaction: number | null;
  /** Stretches to read from the archive first, oldest first. */
  archived: ArchiveSegment[];
  /** Number of `items[0]`. */
  from: number;
  /** As many as one answer holds; ask again for those after them. */
  items: Item[];
  /** Items before this number will not change any more. */
  stable: number;
}

/** A turn of a thread that is forked; the members are those of the thread's own record of it. */
export interface PastTurn {
  turnId: string;
  kind: TurnKind;
  status: TurnCompletion['status'];
  /** Number of its first item, and of the first one after its end. */
  firstItem: number;
  endItem: number;
  snapshot: { status: 'taken'; commit: string } | { status: 'missing'; reason: string } | null;
}

/** A compaction that counts, by the numbers of items. */
export interface CountedCompaction {
  item: number;
  upTo: number;
  firstItem: number;
}

/** What a fork needs to know of its source, beside the items. */
export interface ThreadPast {
  settings: ThreadSettings;
  itemCount: number;
  /** Turns that have ended, as far as they are remembered, in the order in which they did. */
  turns: PastTurn[];
  /** Turns in progress. */
  running: Omit<PastTurn, 'status' | 'endItem'>[];
  compactions: CountedCompaction[];
}

export interface PastReader {
  past: ThreadPast;
  /** Items from that number on, as many as one answer holds, or the segment of the archive that has them. */
  items: (after: number) => Promise<ItemsPage>;
}

/** The state of a thread as its workflow knows it; nobody else looks inside. */
export interface CarriedState {
  threadId: string;
}

export interface ThreadReader {
  context(threadId: string, after: number, signal: AbortSignal): Promise<ThreadContext>;
  /** The live log from these numbers on, as queries answer it. @param closedRunId the run, where it is one that has ended. */
  segment(
    threadId: string,
    segment: ArchiveSegment,
    signal: AbortSignal,
    closedRunId?: string,
  ): Promise<{ items: Item[]; events: ThreadEvent[] }>;
  /** Items from that number on, as many as one answer holds, or the segment of the archive that has them. */
  items(threadId: string, after: number, signal: AbortSignal): Promise<ItemsPage>;
  /** A thread's past as it stands, running or closed. Fails with `threadMissing` and `threadNotResumable`. */
  past(threadId: string, signal: AbortSignal): Promise<PastReader>;
  /** Resolves once the thread's workflow has ended, however it did, and where there is none. */
  ended(threadId: string, signal: AbortSignal): Promise<void>;
  /**
   * What a run that has ended left for the next one, and the run that it really was left by. The segments have to be
   * archived before the state is used. Fails with `threadMissing` and `threadNotResumable`.
   */
  closedRun(
    threadId: string,
    runId: string,
    signal: AbortSignal,
  ): Promise<{ runId: string; state: CarriedState; toArchive: ArchiveSegment[] }>;
}

/** The identity in use per account, kept by one entity workflow each, so that many workers register one. */
export interface IdentityDirectory {
  /** The identity in use; registers one where there is none. */
  ensure(account: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** Registers another one in place of that one; where another one is in use already, answers with that. */
  replace(account: string, agentRuntimeId: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** The identity in use, or null; registers nothing. */
  current(account: string, signal: AbortSignal): Promise<AgentIdentity | null>;
}

/** A repository to review, on this machine. */
export interface FoundTarget {
  /** A folder in which git finds the commits; what files lie there says nothing. */
  repository: string;
  /** Whether it is somebody's own, in which nothing may be changed, and not one of ours. */
  isTheirs: boolean;
  /** Full id of the commit under review. */
  head: string;
  /** Where all its changes begin: the merge base with its base, or a tree without files. */
  start: string;
}

/** A work tree to review in. */
export interface OpenTarget {
  /** Its root. */
  cwd: string;
  /** Whether files on disk differ from the commit under review, which then has to be looked at by git. */
  isElsewhere: boolean;
}

export interface ChangedFile {
  /** Relative to the root; the name it has at the end, and the one it had before where that is another. */
  path: string;
  before: string | null;
  kind: 'text' | 'binary' | 'submodule';
  /** Of its diff. */
  bytes: number;
}

export interface ReviewTargetsPort {
  /**
   * Finds or fetches the repository. Fails with `reviewNoRepository`, `reviewTargetUnknown`, `reviewBaseMissing`, and
   * `gitFailed`. Several runs may do so at a time.
   */
  find(target: BatchTarget, targetId: string, signal: AbortSignal): Promise<FoundTarget>;
  /** A work tree with the commit under review. Only the one run of a target that its ledger has let begin may ask for it. */
  checkOut(found: FoundTarget, signal: AbortSignal): Promise<OpenTarget>;
  /** In the order of their names. */
  changedFiles(cwd: string, range: { base: string; head: string }, signal: AbortSignal): Promise<ChangedFile[]>;
  /** Whether a commit is there, and `head` came from it. */
  isBefore(cwd: string, commit: string, head: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * The ledgers of review targets, one entity workflow each. A ledger is there once it is asked for anything. Fails with
 * `ledgerUnavailable` and `ledgerVersionUnknown`, which are worth another try.
 */
export interface LedgerDirectory {
  begin(target: LedgerTarget, run: BeginRun, signal: AbortSignal): Promise<RunBeginning>;
  /**
   * Twice is once. What is more than one message takes is left out, the least urgent first, and counted. Fails with
   * `reviewRunLost` where that run was given up meanwhile.
   */
  record(target: LedgerTarget, run: RecordedRun, signal: AbortSignal): Promise<RunRecorded>;
}

export interface LedgerTarget {
  targetId: string;
  target: BatchTarget;
}

/** The worker's configuration as far as a thread's settings come from it. */
export type Defaults = (start: StartThread) => Omit<ThreadSettings, 'searchAttributes'>;

export interface SearchAttributePort {
  /** Whether the service knows every search attribute, so that new threads may use them. Never rejects. */
  usable(): Promise<boolean>;
}

/** Stops a step that runs in this process at once, ahead of the service's own word. */
export interface StepRegistry {
  /** The signal fires when `stop` is called for that step; `release` when it has ended. */
  enter(threadId: string, actionId: string): { signal: AbortSignal; release: () => void };
}

export interface Ports {
  models: ModelPort;
  /** By the name of a model as threads have it. */
  contextLimits: (model: string) => ContextLimits;
  prices: PricePort;
  commands: CommandPort;
  mcp: McpPort;
  patches: PatchPort;
  projectDocs: ProjectDocsPort;
  git: GitPort;
  targets: ReviewTargetsPort;
  ledgers: LedgerDirectory;
  identity: IdentityPort;
  identities: IdentityDirectory;
  archive: ArchivePort;
  rules: RulesPort;
  threads: ThreadReader;
  steps: StepRegistry;
  defaults: Defaults;
  searchAttributes: SearchAttributePort;
  /** Absolute path of the work tree that a forked thread gets where nobody says which. */
  worktreeOf(threadId: string): string;
  /** Milliseconds between heartbeats of a running step. */
  heartbeatEveryMs: number;
  /** Bytes of a command's output that history keeps. */
  maxOutputBytes: number;
}
