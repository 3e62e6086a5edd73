import type { ImageRef, LocalImage } from '../plain/images/image-types.ts';
import type { ReviewOutput, ReviewRange, ReviewTarget } from '../reviews/review.ts';
import type { Question } from './requests.ts';
import type { InputItem } from './turn.ts';

/**
 * The progress of a step. `lost`: the worker that ran it died, so it may have partly run; it is never run again
 * automatically.
 */
export type StepStatus = 'inProgress' | 'completed' | 'failed' | 'declined' | 'aborted' | 'lost';

export interface PlanStep {
  step: string;
  status: 'pending' | 'in_progress' | 'completed';
}

/** A limit that ends a command; `docs/configuration.md` has the setting of each. The last one is free space on the disk. */
export type CommandLimit = 'processes' | 'memoryMb' | 'fileMb' | 'cpuS' | 'outputMb' | 'freeMb' | 'unattendedS';

export interface FileUpdateChange {
  path: string;
  kind: 'add' | 'update' | 'delete' | 'move';
  movePath?: string;
  linesAdded: number;
  linesRemoved: number;
  /** Nothing was written: the files already had that content. */
  unchanged?: true;
}

/** Answers to questions by question id, in the shape of Codex's `item/tool/requestUserInput`. */
export type Answers = Record<string, { answers: string[] }>;

/** Facts about the environment of an agent, by name, each in words. */
export type EnvironmentFacts = Record<string, string>;

interface ItemBase {
  /** `item_N`, N counting from 0 through the thread's whole life. */
  id: string;
  turnId: string;
  /** The model step of its turn that made this item; 0 for items before the first. */
  step: number;
  /** Facts that the model was told before it made this item; left out if none had changed. */
  environment?: EnvironmentFacts;
  /** Image files of the messages before it, as the model saw them; left out if there were none that it had not seen. */
  localImages?: LocalImage[];
}

/** A tool call by the model. Its exact text is kept, so that the model can see it again unchanged. */
export interface ToolItemBase extends ItemBase {
  callId: string;
  /** The tool's name and raw arguments as the model wrote them; null for a command typed by the person. */
  call: { name: string; arguments: string } | null;
  status: StepStatus;
  /** The result for the model; empty until the step has ended. */
  output: string;
  /** Images that the model sees after the output; left out if there are none. */
  images?: ImageRef[];
}

/**
 * The cause of a compaction: a person, the limit before a turn's first step or between two of its steps, or a model
 * that accepts no larger context.
 */
export type CompactionTrigger = 'manual' | 'preTurn' | 'midTurn' | 'overflow';

/** Number of paths by the outcome of an undo. `merged` and `kept` are missing in histories of earlier releases. */
export interface FileOutcomes {
  restored: number;
  deleted: number;
  merged?: number;
  kept?: number;
}

/**
 * The outcome of a path that a turn had changed, relative to the workspace. `merged`: later changes of others are kept.
 * `kept`: it is unchanged, for the given reason.
 */
export type PathOutcome =
  { path: string; outcome: 'restored' | 'deleted' | 'merged' } | { path: string; outcome: 'kept'; reason: string };

/** The effects that an undo would have. */
export interface UndoPreview {
  /** The turn that would be undone. */
  turnId: string;
  /** Null if there is no usable snapshot. */
  files: FileOutcomes | null;
  /** Those that would be kept come first. */
  paths: PathOutcome[];
  morePaths: number;
  /**
   * Only patches of the turn can have written, so other changes of that time are kept. Otherwise every change of that
   * time counts as the turn's. Workers of earlier releases leave it out.
   */
  ofPatchesAlone?: boolean;
  /** The changes that would stay, for a person. */
  notUndone: string[];
}

/** A compaction by the provider itself. */
export interface ProviderCompaction {
  /** The provider that can read it. */
  provider: string;
  /** Entries in the provider's own form, which its next request begins with. */
  output: Record<string, unknown>[];
}

/** `other`: something that its provider has not described. */
export type WebSearchAction =
  | { type: 'search'; queries: string[] }
  | { type: 'openPage'; url: string }
  | { type: 'findInPage'; url: string; pattern: string }
  | { type: 'other' };

export type Item =
  | (ItemBase & { type: 'userMessage'; content: InputItem[] })
  | (ItemBase & { type: 'agentMessage'; text: string })
  | (ItemBase & { type: 'reasoning'; summary: string[]; reasoningId?: string; encryptedContent?: string })
  /** The model has searched the web, at its provider. */
  | (ItemBase & { type: 'webSearch'; action: WebSearchAction })
  | (ItemBase & { type: 'turnAborted'; text: string })
  /** The files as they were before the turn's first tool call, as a commit in the workspace's repository. */
  | (ItemBase & { type: 'ghostSnapshot'; commit: string })
  /**
   * From here on these turns are not part of the conversation. `turnId` is empty for a rollback, which is not a turn.
   * `files` is the effect of an undo on the workspace; null if it had no snapshot, and for a rollback.
   */
  | (ItemBase & {
      type: 'turnsDropped';
      dropped: string[];
      cause: 'undo' | 'rollback';
      files: FileOutcomes | null;
      /** The first paths, those that were kept first; histories of earlier releases have none. */
      paths?: PathOutcome[];
      morePaths?: number;
      /** The changes that stay, for a person. */
      notUndone: string[];
    })
  /** An undo was taken back: from here on these turns are part of the conversation again. */
  | (ItemBase & {
      type: 'turnsRestored';
      restored: string[];
      /** Null if no file needed a change, or none could be changed. */
      files: FileOutcomes | null;
      paths: PathOutcome[];
      morePaths: number;
      /** The files that stay as the undo left them, for a person. */
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
      /** Set if it was left running: the number of its session. */
      sessionId?: number;
    })
  /**
   * A command that was left running, from then to its end. `turnId` is empty, because it may outlive its turn. No model
   * sees it.
   */
  | (ItemBase & {
      type: 'commandSession';
      /** The number that the model knows it by, which is that of its command's item. */
      sessionId: number;
      command: string;
      cwd: string;
      status: StepStatus;
      /** The end of its output; empty until it has ended. */
      output: string;
      exitCode: number | null;
      /** Since the start of the command; null until it has ended. */
      durationMs: number | null;
      limit?: CommandLimit;
      /** Id of the item that has its end, if the history had to continue before it; left out if this one has. */
      continuesAs?: string;
    })
  | (ToolItemBase & { type: 'fileChange'; patch: string; changes: FileUpdateChange[] })
  /** `call.name` is the model's name for the tool; `server` and `tool` are those of the server. */
  | (ToolItemBase & {
      type: 'mcpToolCall';
      server: string;
      tool: string;
      arguments: Record<string, unknown>;
      durationMs: number | null;
    })
  /** The model looked at an image file. */
  | (ToolItemBase & { type: 'imageView'; path: string })
  | (ToolItemBase & { type: 'plan'; plan: PlanStep[]; explanation: string })
  | (ToolItemBase & { type: 'userInput'; questions: Question[]; answers: Answers | null })
  /** A tool for sub-agents. */
  | (ToolItemBase & { type: 'collabAgentToolCall'; tool: AgentTool; receiverThreadIds: string[]; prompt: string })
  /** `review` is a short description of the subject. */
  | (ItemBase & { type: 'enteredReviewMode'; review: string; target: ReviewTarget })
  /** `reviewOutput` and `range` are null for a review that was stopped or failed. */
  | (ItemBase & {
      type: 'exitedReviewMode';
      review: string;
      reviewOutput: ReviewOutput | null;
      /** The compared commits; null, too, if the review had instructions instead of changes. */
      range: ReviewRange | null;
    })
  /** The end of a sub-agent's turn, reported to its parent if no call waited for it. */
  | (ItemBase & { type: 'subAgentNotification'; threadId: string; name: string; status: string; text: string })
  /** The context was made smaller. The replaced items can still be read, but no model sees them. */
  | (ItemBase & {
      type: 'contextCompaction';
      trigger: CompactionTrigger;
      /** The text that replaces them; empty if the provider has its own form. */
      summary: string;
      /** The newest messages of the person among the replaced items, oldest first. */
      userMessages: string[];
      provider: ProviderCompaction | null;
      /** Number of the first item that was not replaced. */
      upTo: number;
      /** Numbers of earlier items that had not ended, and stay in the context. */
      keptItems: number[];
      /** Tokens of the context as the model last counted them; null if not known. */
      tokensBefore: number | null;
      /** Entries of the conversation, oldest first, that did not fit even into the summary's request. */
      droppedEntries: number;
      durationMs: number;
    })
  /** A call of a tool without its own item type, or an invalid one: an unknown name, or wrong arguments. */
  | (ToolItemBase & { type: 'dynamicToolCall' });

export type AgentTool = 'spawn_agent' | 'send_message' | 'followup_task' | 'wait_agent' | 'list_agents' | 'close_agent';

export type ItemType = Item['type'];
export type ToolItem = Extract<Item, { callId: string }>;

/** Answer of the `items` query. */
export interface ItemsPage {
  items: Item[];
  /** Next index to query, one past the last returned item. */
  next: number;
  /** Whether more can be read now: a page ends at its limit, or earlier if its entries are large. */
  more: boolean;
  /** Set if the items from `after` on are in the archive: read that segment, then query again from its end. */
  archived: ArchiveSegment | null;
}

/** A part of a thread's past in the archive. Ranges are half open: `from` is inside, `to` is not. */
export interface ArchiveSegment {
  segmentId: string;
  items: { from: number; to: number };
  events: { from: number; to: number };
}
