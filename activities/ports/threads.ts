/** Threads, as others look at them, and what is kept of them. */
import type {
  ApprovalRule,
  ArchiveSegment,
  Item,
  ItemsPage,
  RepositoryRules,
  RuleMatch,
  ThreadEvent,
  ThreadSettings,
  TurnCompletion,
  TurnKind,
} from '../../src/contract/index.ts';

/** Segments of a thread's past, written once under a name that is derived from their content's place. */
export interface ArchivePort {
  /** Writing the same segment twice is writing it once. */
  write(segmentId: string, body: string): Promise<void>;
  /** Fails with `archiveMissing` where there is no such segment. */
  read(segmentId: string): Promise<string>;
}

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
  snapshot: { status: 'taken'; commit: string; after?: string | null } | { status: 'missing'; reason: string } | null;
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
