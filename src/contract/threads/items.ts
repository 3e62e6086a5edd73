import type { ReviewOutput, ReviewRange, ReviewTarget } from '../reviews/review.ts';
import type { InputItem } from './turn.ts';

/**
 * How far a step got. `lost`: the worker that ran it died, so it may have partly run; it is never run again by itself.
 */
export type StepStatus = 'inProgress' | 'completed' | 'failed' | 'declined' | 'aborted' | 'lost';

export interface PlanStep {
  step: string;
  status: 'pending' | 'in_progress' | 'completed';
}

/** A limit that ends a command; `docs/configuration.md` has the setting of each. The last one is free space on the disk. */
export type CommandLimit = 'processes' | 'memoryMb' | 'fileMb' | 'cpuS' | 'outputMb' | 'freeMb';

export interface FileUpdateChange {
  path: string;
  kind: 'add' | 'update' | 'delete' | 'move';
  movePath?: string;
  linesAdded: number;
  linesRemoved: number;
  /** Nothing had to be written: the files are like that already. */
  unchanged?: true;
}

export interface Question {
  id: string;
  header: string;
  question: string;
  options: { label: string; description: string }[];
}

/** Answers to questions by question id, in the shape of Codex's `item/tool/requestUserInput`. */
export type Answers = Record<string, { answers: string[] }>;

interface ItemBase {
  /** `item_N`, N counting from 0 through the thread's whole life. */
  id: string;
  turnId: string;
  /** Which model step of its turn gave this item; 0 for what came before the first. */
  step: number;
}

/** A tool call by the model: its own words are kept, so that it can be shown them again unchanged. */
export interface ToolItemBase extends ItemBase {
  callId: string;
  /** The tool's name and raw arguments as the model wrote them; null for a command typed by the person. */
  call: { name: string; arguments: string } | null;
  status: StepStatus;
  /** What the model is told; empty until the step has ended. */
  output: string;
}

/**
 * What made a compaction: a person, the limit before a turn's first step or between two of its steps, or a model that took
 * no more.
 */
export type CompactionTrigger = 'manual' | 'preTurn' | 'midTurn' | 'overflow';

/** How many paths an undo had which outcome for. `merged` and `kept` are missing in histories of earlier releases. */
export interface FileOutcomes {
  restored: number;
  deleted: number;
  merged?: number;
  kept?: number;
}

/**
 * What became of a path that a turn had changed, relative to the workspace. `merged`: what somebody else changed since is
 * still there. `kept`: it is as it was, for the reason that is said.
 */
export type PathOutcome =
  { path: string; outcome: 'restored' | 'deleted' | 'merged' } | { path: string; outcome: 'kept'; reason: string };

/** What an undo would do. */
export interface UndoPreview {
  /** The turn that would be undone. */
  turnId: string;
  /** Null where there is no snapshot to go by. */
  files: FileOutcomes | null;
  /** Those that would be kept come first. */
  paths: PathOutcome[];
  morePaths: number;
  /**
   * Nothing of the turn but patches can have written, so that other changes of that time are kept. Otherwise every change of that time
   * counts as the turn's. Workers of earlier releases do not say.
   */
  ofPatchesAlone?: boolean;
  /** What would stay as it is, for a person. */
  notUndone: string[];
}

/** A compaction by the provider itself. */
export interface ProviderCompaction {
  /** The provider that can read it. */
  provider: string;
  /** Entries in the provider's own form, the first of what its next request holds. */
  output: Record<string, unknown>[];
}

export type Item =
  | (ItemBase & { type: 'userMessage'; content: InputItem[] })
  | (ItemBase & { type: 'agentMessage'; text: string })
  | (ItemBase & { type: 'reasoning'; summary: string[]; reasoningId?: string; encryptedContent?: string })
  | (ItemBase & { type: 'turnAborted'; text: string })
  /** The files as they were before the turn's first tool call, as a commit in the workspace's repository. */
  | (ItemBase & { type: 'ghostSnapshot'; commit: string })
  /**
   * From here on these turns are no part of the conversation. Of a rollback, which is no turn, `turnId` is empty. `files`
   * says what an undo did to the workspace; null where it had nothing to go by, and for a rollback.
   */
  | (ItemBase & {
      type: 'turnsDropped';
      dropped: string[];
      cause: 'undo' | 'rollback';
      files: FileOutcomes | null;
      /** The first paths, those that were kept before all others; histories of earlier releases have none. */
      paths?: PathOutcome[];
      morePaths?: number;
      /** What stays as it is, for a person. */
      notUndone: string[];
    })
  /** An undo was taken back: from here on these turns are part of the conversation again. */
  | (ItemBase & {
      type: 'turnsRestored';
      restored: string[];
      /** Null if no file had to be changed, or none could be. */
      files: FileOutcomes | null;
      paths: PathOutcome[];
      morePaths: number;
      /** What stays as the undo left it, for a person. */
      notRedone: string[];
    })
  | (ToolItemBase & {
      type: 'commandExecution';
      command: string;
      cwd: string;
      source: 'agent' | 'userShell';
      exitCode: number | null;
      durationMs: number | null;
      /** The limit that ended it; left out if none did. */
      limit?: CommandLimit;
    })
  | (ToolItemBase & { type: 'fileChange'; patch: string; changes: FileUpdateChange[] })
  /** `call.name` is the tool's name as the model knows it; `server` and `tool` are those of the server. */
  | (ToolItemBase & {
      type: 'mcpToolCall';
      server: string;
      tool: string;
      arguments: Record<string, unknown>;
      durationMs: number | null;
    })
  | (ToolItemBase & { type: 'plan'; plan: PlanStep[]; explanation: string })
  | (ToolItemBase & { type: 'userInput'; questions: Question[]; answers: Answers | null })
  /** A tool by which an agent deals with its sub-agents. */
  | (ToolItemBase & { type: 'collabAgentToolCall'; tool: AgentTool; receiverThreadIds: string[]; prompt: string })
  /** `review` says in few words what is reviewed. */
  | (ItemBase & { type: 'enteredReviewMode'; review: string; target: ReviewTarget })
  /** `reviewOutput` and `range` are null for a review that was stopped or failed. */
  | (ItemBase & {
      type: 'exitedReviewMode';
      review: string;
      reviewOutput: ReviewOutput | null;
      /** What was compared; null also where the review had instructions in place of changes. */
      range: ReviewRange | null;
    })
  /** How a sub-agent ended its turn, told to its parent where nothing waited for it. */
  | (ItemBase & { type: 'subAgentNotification'; threadId: string; name: string; status: string; text: string })
  /** The context was made smaller. What it replaces stays readable, and is shown to no model any more. */
  | (ItemBase & {
      type: 'contextCompaction';
      trigger: CompactionTrigger;
      /** In place of what was replaced; empty where the provider has a form of its own. */
      summary: string;
      /** The newest messages of the person among what was replaced, oldest first. */
      userMessages: string[];
      provider: ProviderCompaction | null;
      /** Number of the first item that was not replaced. */
      upTo: number;
      /** Numbers of items before that one which had not ended, and stay in the context. */
      keptItems: number[];
      /** Tokens of the context as the model counted them last; null where that is not known. */
      tokensBefore: number | null;
      /** Entries of the conversation, oldest first, that were too many even for the summary. */
      droppedEntries: number;
      durationMs: number;
    })
  /** A call of a tool without an item type of its own, or one no tool could take: an unknown name, or wrong arguments. */
  | (ToolItemBase & { type: 'dynamicToolCall' });

export type AgentTool = 'spawn_agent' | 'send_message' | 'followup_task' | 'wait_agent' | 'list_agents' | 'close_agent';

export type ItemType = Item['type'];
export type ToolItem = Extract<Item, { callId: string }>;

/** Answer of the `items` query. */
export interface ItemsPage {
  items: Item[];
  /** Index to ask for next, one past the last item given. */
  next: number;
  /** Whether there is more to read now: a page ends at its limit, or before it where its entries are large. */
  more: boolean;
  /** Set when the items from `after` on lie in the archive: read that segment, then ask again from its end. */
  archived: ArchiveSegment | null;
}

/** A stretch of a thread's past in the archive. Ranges are half open: `from` is inside, `to` is not. */
export interface ArchiveSegment {
  segmentId: string;
  items: { from: number; to: number };
  events: { from: number; to: number };
}
