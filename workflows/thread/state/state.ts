/**
 * The whole state of a thread, as plain JSON: it is carried over to the next run unchanged. No Map, Date, class
 * instance or undefined.
 */
import type {
  AbortReason,
  AgentMessage,
  AgentTaskError,
  AgentTaskStatus,
  ApprovalRule,
  ArchiveSegment,
  CloseThread,
  CompactionTrigger,
  EventBody,
  FolderWorkspace,
  ForkOrigin,
  InputItem,
  InterruptTurn,
  Item,
  Overrides,
  ResolveRequest,
  ReviewRange,
  ReviewRequest,
  SandboxMode,
  Spent,
  StartThread,
  SubThread,
  SubThreadMessage,
  SubmitTurn,
  TreeBudget,
  WorkspacePlace,
  ThreadRequest,
  ThreadSettings,
  TurnCompletion,
  TurnKind,
  Usage,
} from '../../../src/contract/index.ts';
import type { Decisions } from '../../../src/contract/plain/decisions.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import { type ContextState, NEW_CONTEXT } from './context.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';

import type { LookLimits, OpenSession } from '../../../activities/contract.ts';
import type { McpApproval, PathLead, StoredFiles, StoredPack } from '../../../activities/ports.ts';

export const STATE_VERSION = 1;

/** An event as it is kept: one about an item holds the item's number instead of the item. */
export type StoredEvent = { seq: number; at: number } & (
  | Exclude<EventBody, { type: 'item/started' | 'item/completed' }>
  | { type: 'item/started' | 'item/completed'; turnId: string; index: number }
);

/** The single history of a thread: its newest part here, everything before it in the archive. */
export interface ThreadLog {
  items: Item[];
  /** Number of `items[0]`; all items before it are archived. */
  firstItem: number;
  events: StoredEvent[];
  /** Sequence number of `events[0]`; all events before it are archived. */
  firstSeq: number;
  archived: ArchiveSegment[];
}

export interface QueuedTurn {
  turnId: string;
  kind: TurnKind;
  input: InputItem[];
  overrides: Overrides;
  /** The changes that a review examines; for reviews only. */
  review?: ReviewRequest;
  /** The name of the task; for custom turns only. */
  task?: string;
}

/** The end of a turn has begun: no new steps, and its running ones were asked to stop. */
export interface Aborting {
  reason: AbortReason;
  /** The detail that the person gave, or null. */
  detail: string | null;
  since: number;
  /** Ids of the actions whose end is not yet known. */
  awaiting: string[];
  /** False once one of them ended without proof that none of its processes is left. */
  quiescent: boolean;
}

/** A tool call of the current step that has not ended. */
export interface ToolCall {
  /** Number of its item. */
  index: number;
  /** The name of its tool in `tools/index.ts`. */
  tool: string;
  /** Read-only calls may run in parallel. */
  readOnly: boolean;
  /**
   * `pending` until earlier calls let it begin, `lookingUp` while the rules of the repository are read, `asking` while
   * a request is open, `running` once it may run.
   */
  status: 'pending' | 'lookingUp' | 'asking' | 'running';
  /** Set for a command or a patch that runs outside the sandbox after it is accepted. */
  escalated: boolean;
  /** The model's reason; commands only. */
  justification: string;
  /** Milliseconds; commands only. */
  timeoutMs: number;
  /** Absolute; commands only. */
  cwd: string;
  /** When a call that waits for agents gives up, in milliseconds since the epoch; null for every other call. */
  until: number | null;
  /** When its server's configuration requires approval; calls of MCP tools only. */
  approval?: McpApproval;
  /** How long its end is waited for before it is left running; commands that may be left running only. */
  yields?: LookLimits;
  /** The command gets a terminal; left out if not. */
  terminal?: true;
  /** The session that it looks at; `write_stdin` only. */
  session?: OpenSession;
  /** Where the paths of a patch led when the model named them; patches only. */
  leads?: PathLead[];
}

/** A command that was left running; `id` is the number of its item. */
export interface Session extends OpenSession {
  /** Number of the item that shows its end. */
  item: number;
  /** The turn that began it. */
  turnId: string;
  /** Its beginning, as readers see it. */
  command: string;
  cwd: string;
  /** The sandbox that it runs in. */
  sandbox: SandboxMode;
  /** It has a terminal; left out if not. */
  terminal?: true;
  since: number;
  /** When it is stopped, in milliseconds since the epoch. */
  until: number;
  /** `stopping` until a clean-up has ended it. `ended`: on its own, and the model has not read the rest of its output. */
  status: 'running' | 'stopping' | 'ended';
}

/** A child, with what its parent still has to do for it. */
export interface Child extends SubThread {
  /** Until it is started. */
  start: StartThread | null;
  /** Turns that it was given and that have not ended. */
  openTurns: number;
  /** Their ids, oldest first; left out in children that were begun in a run of an earlier release. */
  given?: string[];
  /** It was asked to close. */
  closing: boolean;
  /** How its turns ended, for the model, which has not seen it yet. */
  news: string | null;
  /** By it and its descendants, as of its last report. */
  spent: Spent;
  /** It was asked to begin no model step. */
  held: boolean;
  /** It could continue, and waits for a message about its budget. */
  waits: boolean;
}

/** A turn that replaces another one, which the thread above has given. */
export interface StandIn {
  turnId: string;
  givenId: string;
  /** Of what it replaces. */
  usage: Usage;
}

/** A message from one thread to another, under the name of its signal. */
export type OutgoingMessage =
  | { signal: 'subThreadReport'; payload: SubThreadMessage }
  | { signal: 'agentMessage'; payload: AgentMessage }
  | { signal: 'submitTurn'; payload: SubmitTurn }
  | { signal: 'interruptTurn'; payload: InterruptTurn }
  | { signal: 'resolveRequest'; payload: ResolveRequest }
  | { signal: 'treeBudget'; payload: TreeBudget }
  | { signal: 'closeThread'; payload: CloseThread };

export interface Outgoing {
  /** Counts the messages of this thread; part of the action's id. */
  number: number;
  to: string;
  message: OutgoingMessage;
}

/** A compaction under way, in its own turn or within a regular one. */
export interface Compaction {
  /** Counts the compactions of this thread; part of the action's id. */
  number: number;
  tries: number;
  /** The assertion was renewed for it. */
  renewed: boolean;
  trigger: CompactionTrigger;
  /** The model that writes the summary. */
  model: string;
  /** Number of the first item it does not replace. */
  upTo: number;
  /** Numbers of items before that one which had not ended when it began. */
  keptItems: number[];
  since: number;
}

/**
 * The snapshots that can restore the files as they were before a turn. `after` is the one from its end, null if there
 * is none; turns of earlier releases have no such member.
 */
export type TurnSnapshot =
  /** `stored`: both are in the store that hosts share. */
  | { status: 'taken'; commit: string; after?: string | null; stored?: true }
  /** `host`: the one that had it before the thread was moved. */
  | { status: 'missing'; reason: string; host?: string };

/** A turn that has ended, and its place in the history. */
export interface TurnRecord {
  turnId: string;
  kind: TurnKind;
  status: TurnCompletion['status'];
  /** Number of its first item. */
  firstItem: number;
  /** Number of the first item after its end. Items of parallel turns may lie between. */
  endItem: number;
  /** Null if none was requested. */
  snapshot: TurnSnapshot | null;
  /** In milliseconds since the epoch; earlier releases left it out. */
  endedAt?: number;
}

export interface TurnBase {
  turnId: string;
  /** Number of the first item that it may have. */
  firstItem: number;
  startedAt: number;
  usage: Usage;
  lastAgentMessage: string | null;
  aborting: Aborting | null;
  /** Null until one was taken or tried. */
  snapshot: TurnSnapshot | null;
  /** Its time up to `clock`. */
  spent: Spent;
  /** What it may use up in addition to its budget. */
  granted: Spent;
  /** The time its clock was started, in milliseconds since the epoch; null while it is stopped. */
  clock: number | null;
  /** Milliseconds that it waited for a person, up to `waitingSince`. */
  waitedMs: number;
  /** The time it began to wait, in milliseconds since the epoch; null if it does not wait. */
  waitingSince: number | null;
  /** Its time counts, and budgets apply to it. */
  limited: boolean;
  /** How it ends, as soon as the snapshot of the files at its end is taken. */
  ending?: TurnEnd;
}

/** The members of the terminal event that differ from end to end. */
export type TurnEnd = TurnCompletion extends infer C
  ? C extends TurnCompletion
    ? Omit<C, keyof EveryEnd>
    : never
  : never;
type EveryEnd = Omit<Extract<TurnCompletion, { status: 'completed' }>, 'status'>;

export type RegularTurn = TurnBase & {
  kind: 'regular';
  /** Model steps begun so far. */
  step: number;
  /** Steered input that the next model request will carry. */
  pendingInput: InputItem[][];
  /** The detail of the interrupt that an answer asks for. The machine takes it at once, so it is in no stored state. */
  interrupt?: string;
  stage:
    | {
        type: 'model';
        /** How often this step was begun. */ tries: number;
        /** Its assertion was renewed. */ renewed: boolean;
        /** The context was compacted right before it. */ compacted: boolean;
      }
    | {
        type: 'compacting';
        compaction: Compaction;
        /** As of the model step that comes after it. */ tries: number;
      }
    | { type: 'tools'; calls: ToolCall[] };
};

/** Whether a turn talks with a model, and so accepts steered input and has tool calls. */
export function isConversation(turn: ActiveTurn | null): turn is RegularTurn {
  return turn?.kind === CONVERSATION;
}

/** The tool calls of its step that have not ended. */
export function callsOf({ stage }: RegularTurn): ToolCall[] {
  return stage.type === 'tools' ? stage.calls : [];
}

export type ShellTurn = TurnBase & {
  kind: 'user_shell';
  /** Number of the command's item. */
  index: number;
};

export type CompactTurn = TurnBase & { kind: 'compact'; compaction: Compaction };

export type UndoTurn = TurnBase & {
  kind: 'undo';
  /** The turn that is undone; null if there is none. */
  target: TurnRecord | null;
};

export type RedoTurn = TurnBase & {
  kind: 'redo';
  /** The undo that is taken back; null if there is none. */
  target: Redo | null;
};

/** An undo, with the data that takes it back. */
export interface Redo {
  turnId: string;
  /** The turns that it dropped. */
  records: TurnRecord[];
  /** The compactions that were removed with the turns. */
  compactions: ContextState['compactions'];
  /** The files before and after it; null if it changed none. */
  files: { before: string; after: string } | null;
}

export type SnapshotTurn = TurnBase & { kind: 'ghost_snapshot' };

export type ReviewTurn = TurnBase & {
  kind: 'review';
  request: ReviewRequest;
  stage:
    | { type: 'preparing' }
    /** `childId` is the review's own thread. */
    | { type: 'running'; childId: string; range: ReviewRange | null }
    | { type: 'finishing'; childId: string; range: ReviewRange | null; text: string };
};

/**
 * The members of a turn of each kind while it lasts. A kind that describes its turns in its own file adds itself there.
 */
export interface Turns {
  regular: RegularTurn;
  user_shell: ShellTurn;
  compact: CompactTurn;
  undo: UndoTurn;
  redo: RedoTurn;
  ghost_snapshot: SnapshotTurn;
  review: ReviewTurn;
}
export type ActiveTurn = Turns[keyof Turns];

export interface AgentTaskState {
  current: AgentTaskStatus;
  /** The one registration in flight, or null. */
  registration: {
    /** Counts registrations of this thread; part of the action's id. */
    number: number;
    purpose: 'prewarm' | 'ensure' | 'renew';
    /** 1 or 2: the identity may change once while a task is registered. */
    round: 1 | 2;
    /** Runtime id that the identity service no longer accepts, to be replaced first; null for none. */
    replaceIdentity: string | null;
    /** How long it is tried while the service is away; left out: three attempts. */
    waitMs?: number;
    /** The person knows that the service is away. */
    announced?: true;
  } | null;
  registrations: number;
  /** When the task in use was registered, in milliseconds since the epoch; earlier releases left it out. */
  since?: number;
  /** Turns that had ended by then. */
  turnsBefore?: number;
  /** When its identity ends, if that is known. RFC 3339, UTC. */
  identityExpiresAt?: string | null;
  /** Left out until a renewal has failed; null for no further attempt. */
  retryAt?: number | null;
  /** The person knows that it ends. */
  warned?: true;
  /** The newest problem; left out after a success. */
  lastError?: AgentTaskError;
}

/** The thread's position in its budgets. */
export interface BudgetState {
  /** Used by this thread alone: everything except the time of an active turn. */
  own: Spent;
  /** Used by children that are no longer listed, and their descendants. */
  forgotten: Spent;
  /** What may be used up in addition to the budgets. */
  granted: { thread: Spent; tree: Spent };
  /** The thread above has asked this one to begin no model step. */
  held: boolean;
  /** It could continue, and waits for a message from the thread above. */
  waits: boolean;
  /** The agents that are at work were asked to stop. */
  stopping: boolean;
  /** Requests for more so far. */
  requests: number;
  /** Milliseconds that ended turns waited for a person. */
  waitedMs: number;
}

/** A step that stores files. */
export interface StoreRequest {
  /** The snapshot to store; null to take one. */
  commit: string | null;
  /** Turns whose snapshots are stored with it. */
  turnIds: string[];
  /** One pack replaces all others. */
  whole: boolean;
  /** In milliseconds since the epoch. */
  at: number;
}

/** The files of a managed workspace in the store. */
export interface StoredState {
  /** Oldest first; the first is complete on its own. */
  packs: StoredPack[];
  /** `at`: the files are as they were then, in milliseconds since the epoch. */
  newest: (StoredFiles & { at: number }) | null;
  /** Counts the requests; part of the ids of the actions. */
  number: number;
  /** Since the last success. */
  failures: number;
  request: StoreRequest | null;
  /** The files may have changed since the last request began. */
  isDue: boolean;
  /** When a request that has failed is repeated, in milliseconds since the epoch. */
  retryAt: number | null;
  /** Packs that the next step removes from the store. */
  replaced: string[];
  /** The reason of the failure that was reported last. */
  told: string | null;
  /** The thread began in files that were there, and nothing of them is stored. */
  joined?: true;
}

/** The question of a turn whether its host is there. */
export interface HostProbe {
  turnId: string;
  /** Counts the questions of the turn; part of the ids of the actions. */
  number: number;
  /** When it is asked next, in milliseconds since the epoch. */
  at: number;
  isAsking: boolean;
  /** When the host was first found away; null if it is there. Milliseconds since the epoch. */
  awaySince: number | null;
}

export interface ThreadState {
  version: typeof STATE_VERSION;
  /** Left out in runs that decide like the first release. */
  decisions?: Decisions;
  threadId: string;
  settings: ThreadSettings;
  forkedFrom: ForkOrigin | null;
  status: 'open' | 'closing' | 'closed';
  closeReason: string | null;
  createdAt: number;
  updatedAt: number;
  runCount: number;
  log: ThreadLog;
  active: ActiveTurn | null;
  beside: ShellTurn[];
  queue: QueuedTurn[];
  /** The newest turns that have ended, newest last; turns that never began are not among them. */
  turns: TurnRecord[];
  snapshots: {
    /** Some snapshots may be kept in the repository. They are released when the thread closes. */
    kept: boolean;
    /** Names of snapshots that are no longer needed. The step that takes the next one releases them. */
    release: string[];
    /** Messages about snapshots that were reported, newest last, so that each is reported once. */
    told: string[];
    /** A snapshot is also taken at the end of a turn, except in runs that an earlier release began. */
    after?: boolean;
  };
  /** Undos that can be taken back, newest last. Threads of earlier releases have no such member. */
  redo?: Redo[];
  /** Known turn ids, newest last: a repeated submission is the same turn. */
  knownTurnIds: string[];
  requests: ThreadRequest[];
  /** Remembered answers, oldest first. Those of scope `repository` are here until they are kept there. */
  rules: ApprovalRule[];
  agentTask: AgentTaskState;
  /** Every child that is open, and the newest that are not, in the order in which they were begun. */
  children: Child[];
  /** Children begun so far. */
  childCount: number;
  /** Messages to other threads that are not delivered yet, oldest first. */
  outbox: Outgoing[];
  messageCount: number;
  /** Turns that answer for one of the thread above, which they replace. Left out if there are none. */
  standIns?: StandIn[];
  /** Messages of other agents that no model request has carried yet. */
  mailbox: AgentMessage[];
  /** Commands that may have left processes behind; no step touches the workspace before these have ended. */
  cleanUp: { number: number; commandIds: string[] } | null;
  cleanUps: number;
  /** Commands that were left running, oldest first; left out until there is one. */
  sessions?: Session[];
  /** Left out until a turn has asked. */
  hostProbe?: HostProbe;
  /** Left out until a turn of a thread with a managed workspace has written. */
  stored?: StoredState;
  /**
   * Commands on hosts that the thread has left, which share its files: they may still run. Each turn tries once to end
   * them. Left out if there are none.
   */
  leftBehind?: LeftBehind[];
  /** Where the thread is being moved to; no turn begins meanwhile. Left out if it is not. */
  moving?: WorkspacePlace;
  /** Left out unless the host was lost in the middle of a turn of a managed workspace. */
  relocation?: Relocation;
  /** Set once this run is long enough to continue as new: first the segment is archived, if there is one. */
  rollover: { archiving: ArchiveSegment | null } | null;
  /** MCP servers about which this thread has been warned. */
  warnedOfServers: string[];
  /** Models without a price about which this thread has been warned. */
  unpriced: string[];
  usage: Usage;
  budget: BudgetState;
  context: ContextState;
  turnCount: number;
  /** How its newest turn ended, for a parent that waits for the result of this thread; else null. */
  newest: TurnCompletion | null;
  counters: { droppedResults: number; rejectedMessages: number; unusedAgentTasks: number };
}

export const NEW_BUDGET: BudgetState = {
  own: NOTHING_SPENT,
  forgotten: NOTHING_SPENT,
  granted: { thread: NOTHING_SPENT, tree: NOTHING_SPENT },
  held: false,
  waits: false,
  stopping: false,
  requests: 0,
  waitedMs: 0,
};

export const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
  totalTokens: 0,
  costMicroUsd: 0,
};

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningOutputTokens: a.reasoningOutputTokens + b.reasoningOutputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    costMicroUsd: a.costMicroUsd === null || b.costMicroUsd === null ? null : a.costMicroUsd + b.costMicroUsd,
  };
}

/** Number of turn ids that are remembered, so that a repeated submission is the same turn. */
export const KNOWN_TURN_IDS = 1_000;

/** Number of ended turns whose place in the history is remembered. */
export const KNOWN_TURNS = 200;

/** Settings that were added after the first version, with the values for threads that are older. */
const ADDED_SETTINGS = {
  snapshots: false,
  searchAttributes: false,
  repositoryRules: false,
  parent: null,
  subThreads: { maxDepth: 0, maxActive: 0 },
  reviewModel: null,
  budget: {},
  waitingApart: false,
  quietFirstStep: false,
  promptInMemo: false,
  network: false,
  identityWaitMs: null,
} satisfies Partial<ThreadSettings>;

const since =
  (first: Decisions) =>
  ({ decisions }: { decisions?: Decisions | undefined }): boolean =>
    decisions !== undefined && decisions >= first;

export const decidesAnew = since(2);
export const commandsOutliveWorkers = since(3);
/** Whether a held thread says that it waits at whatever it would begin next: before, it did so only at a model call. */
export const saysThatItStands = since(4);
export const leavesCommandsRunning = since(5);
/** Whether the summary of a patch names its paths. */
export const namesPaths = since(5);
/** Whether each run of a fork with an own folder puts it into the lists. */
export const listsFolderAgain = since(5);

/** Whether a turn that failed because its host is away ends without a look at its files, which nobody could take. */
export const endsWithoutHost = since(6);

/** Whether a thread whose host is lost moves without its open agents: before, they kept it there. */
export const leavesAgents = since(7);

/** Whether a turn that waits for its last snapshot when its thread is moved ends without it: before, it waited on. */
export const endsWithMove = since(7);

/**
 * Whether files that may have changed since the last snapshot of a turn are looked at when they are stored, and so is
 * whether the store still has the packs before. A thread that begins in files that are there stores them at once.
 */
export const storesFresh = since(8);

/** Whether what an update may wait for comes before the next run: before, the archive did, and the update waited for ever. */
export const finishesUpdates = since(8);

/** Whether a host counts as lost only after the grace time: before, a step that waits for 5 s showed it, too. */
export const losesHostAfterGrace = since(8);

/**
 * Whether an answer of a model may take a day: heartbeats show a lost worker, and silence a lost answer. Before, one that took more
 * than half an hour was asked for again without end, and paid each time.
 */
export const answersTakeLong = since(8);

/** Whether a move to another folder ends what has not run: before, it ran in the folder that the thread has left. */
export const leavesFolder = since(8);

/** Whether no warning follows the end of a thread: before, one about a workspace or a host could. */
export const isSilentOnceClosed = since(8);

/** Whether a thread that closes takes the end of a step on its lost host as it is: before, it asked for the step again without end. */
export const closesWithoutHost = since(9);

/** Whether what is typed into a command is asked for each time: before, a remembered answer covered the same text at a later prompt. */
export const asksForInputAgain = since(9);

/**
 * Whether all that is below a turn stops with it: before, the answer `cancel` left agents and commands at work, turns that were queued
 * for an agent began, an agent that was being started was not waited for, and deadlines of its requests passed again and again.
 */
export const stopsAll = since(9);

/** Whether a report of an agent follows those that its parent's model has not seen: before, it took their place. */
export const keepsNews = since(9);

/** Whether a thread counts only the turns that it gave to one below, and learns of those that were refused: before, any turn there counted. */
export const countsGiven = since(9);

/** The workspace of a thread that this one starts: the same folder on the same host, whatever now has its path. */
export function toWorkspace({ cwd, root, host }: ThreadSettings): FolderWorkspace {
  return { cwd, ...(root === undefined ? {} : { root }), ...(host === undefined ? {} : { host }) };
}

export interface LeftBehind {
  host: string;
  commandIds: string[];
  /** The number of the clean-up that is wanted now; null if none is. */
  cleanUp: number | null;
}

/** `failed`: the turn waits for its host, as it would without other hosts. */
export interface Relocation {
  /** The turn that was under way. */
  turnId: string;
  status: 'wanted' | 'failed';
}

/** The thread is not being moved any longer. */
export function endMove(state: ThreadState): ThreadState {
  const { moving: _moving, ...rest } = state;
  return rest;
}

/** Another turn may try again. */
export function withoutRelocation(state: ThreadState): ThreadState {
  const { relocation: _relocation, ...rest } = state;
  return rest;
}

export function newThreadState(threadId: string, settings: ThreadSettings, at: number): ThreadState {
  return {
    version: STATE_VERSION,
    threadId,
    settings: { ...ADDED_SETTINGS, ...settings },
    forkedFrom: null,
    status: 'open',
    closeReason: null,
    createdAt: at,
    updatedAt: at,
    runCount: 1,
    log: { items: [], firstItem: 0, events: [], firstSeq: 1, archived: [] },
    active: null,
    beside: [],
    queue: [],
    turns: [],
    snapshots: { kept: false, release: [], told: [] },
    knownTurnIds: [],
    requests: [],
    rules: [],
    agentTask: { current: { status: 'none' }, registration: null, registrations: 0 },
    children: [],
    childCount: 0,
    outbox: [],
    messageCount: 0,
    mailbox: [],
    cleanUp: null,
    cleanUps: 0,
    rollover: null,
    warnedOfServers: [],
    unpriced: [],
    usage: NO_USAGE,
    budget: NEW_BUDGET,
    context: NEW_CONTEXT,
    turnCount: 0,
    newest: null,
    counters: { droppedResults: 0, rejectedMessages: 0, unusedAgentTasks: 0 },
  };
}
