/** Reads threads and stores their past. */
import type {
  ApprovalRule,
  ArchiveSegment,
  Item,
  ItemsPage,
  RepositoryRules,
  RuleMatch,
  RulesPlace,
  ThreadEvent,
  ThreadSettings,
  TurnCompletion,
  TurnKind,
} from '../../src/contract/index.ts';

/** Segments of a thread's past, written once under a name that is derived from their position. */
export interface ArchivePort {
  /** Idempotent for the same segment. */
  write(segmentId: string, body: string): Promise<void>;
  /** Fails with `archiveMissing` if there is no such segment. */
  read(segmentId: string): Promise<string>;
}

/** Remembered answers of repositories, shared by the threads of all work trees. Fails with `rulesUnavailable`. */
export interface RulesPort {
  /** Where the rules of a folder are. A folder outside of repositories counts as one. */
  placeOf(cwd: string): Promise<RulesPlace>;
  list(place: RulesPlace, signal: AbortSignal): Promise<RepositoryRules>;
  /** The rules that may apply to the request, with paths below the folder of the place. */
  find(place: RulesPlace, asked: RuleMatch, signal: AbortSignal): Promise<ApprovalRule[]>;
  /** Keeps the rule under an id that is derived from its content. Idempotent. */
  remember(place: RulesPlace, rule: ApprovalRule, signal: AbortSignal): Promise<void>;
  /** Whether there was such a rule. */
  revoke(place: RulesPlace, ruleId: string, signal: AbortSignal): Promise<boolean>;
}

/** The answer of the query `context`: what a model step needs from an item number on. */
export interface ThreadContext {
  settings: ThreadSettings;
  /** Number of the first item that counts. Earlier ones are never returned. */
  first: number;
  /** Number of the compaction that replaces them; null if there is none. */
  compaction: number | null;
  /** Segments to read from the archive first, oldest first. */
  archived: ArchiveSegment[];
  /** Number of `items[0]`. */
  from: number;
  /** As many as fit into one answer; ask again for more. */
  items: Item[];
  /** Items before this number will not change. */
  stable: number;
}

/** A turn of a forked thread, with members of the thread's record of it. */
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

/** What a fork needs from its source in addition to the items. */
export interface ThreadPast {
  settings: ThreadSettings;
  itemCount: number;
  /** The remembered turns that have ended, in the order of their ends. */
  turns: PastTurn[];
  /** Turns in progress. */
  running: Omit<PastTurn, 'status' | 'endItem'>[];
  compactions: CountedCompaction[];
}

export interface PastReader {
  past: ThreadPast;
  /** Items from that number on, as many as fit into one answer, or the archive segment that has them. */
  items: (after: number) => Promise<ItemsPage>;
}

/** The state of a thread; opaque outside of its workflow. */
export interface CarriedState {
  threadId: string;
}

export interface ThreadReader {
  context(threadId: string, after: number, signal: AbortSignal): Promise<ThreadContext>;
  /** The live log from these numbers on, as queries return it. @param closedRunId the run, if it has ended */
  segment(
    threadId: string,
    segment: ArchiveSegment,
    signal: AbortSignal,
    closedRunId?: string,
  ): Promise<{ items: Item[]; events: ThreadEvent[] }>;
  /** Items from that number on, as many as fit into one answer, or the archive segment that has them. */
  items(threadId: string, after: number, signal: AbortSignal): Promise<ItemsPage>;
  /** The past of a running or closed thread. Fails with `threadMissing` and `threadNotResumable`. */
  past(threadId: string, signal: AbortSignal): Promise<PastReader>;
  /** Whether a run waits for one of its activities. Rejects if the service does not answer. */
  awaits(step: { workflowId: string; runId: string; activityId: string }): Promise<boolean>;
  /** Whether a run, or one as which it has continued, still runs; not if it was reset. Rejects if the service does not answer. */
  continues(run: { workflowId: string; runId: string }): Promise<boolean>;
  /** Resolves when the thread's workflow has ended in any way, or if there is none. */
  ended(threadId: string, signal: AbortSignal): Promise<void>;
  /**
   * What an ended run left for the next one, and the run that left it. The segments must be archived before the state
   * is used. Fails with `threadMissing` and `threadNotResumable`.
   */
  closedRun(
    threadId: string,
    runId: string,
    signal: AbortSignal,
  ): Promise<{ runId: string; state: CarriedState; toArchive: ArchiveSegment[] }>;
}
