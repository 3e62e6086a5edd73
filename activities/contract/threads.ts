/** The initial state of a thread, and the rules of its repository. */
import type {
  ApprovalRule,
  ArchiveSegment,
  Fork,
  Managed,
  RuleMatch,
  RulesPlace,
  ThreadSettings,
} from '../../src/contract/index.ts';
import type { Decisions } from '../../src/contract/plain/decisions.ts';
import type { CountedCompaction, NamedSnapshots, PastTurn, StoredFiles, StoredPack } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

/** Threads of earlier releases do not know where the rules are: their steps look at the folder. */
export interface OfRepository extends OnWorkspace {
  cwd: string;
  rulesAt?: RulesPlace;
}

export interface RuleToKeep extends OfRepository {
  rule: ApprovalRule;
}

export interface RuleLookup extends OfRepository {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  /** The request to match. */
  match: RuleMatch;
}

/** Rules of the repository that may apply, with paths as the thread names them. */
export interface FoundRules {
  type: 'found';
  rules: ApprovalRule[];
}

export interface OpenedThread extends ThreadSettings {
  /** The time by the worker's clock, in milliseconds since the epoch; earlier releases left it out. */
  openedAt?: number;
  /** A snapshot is also taken at the end of a turn; earlier releases left it out. */
  keepsAfter?: boolean;
  /**
   * The version of the machine's decisions, `DECISIONS` in `src/contract/plain/decisions.ts`; earlier releases left it
   * out.
   */
  decisions?: Decisions;
}

/** Another host has to do this. */
export interface Elsewhere {
  type: 'elsewhere';
  /** Ids of the hosts to ask, the preferred one first. */
  ask: string[];
  /** The other hosts that are known, each with its status, for a person. */
  others: string[];
}

/** A host that takes a thread which is moved. */
export interface NewHost {
  host: string;
  /** Whether a worker serves the host that the thread leaves. */
  isFormerServed: boolean;
}

/** The part of the settings that depends on where the workspace is. */
export interface NewPlace {
  host: string;
  cwd: string;
  /** The real path. */
  root: string;
  hostGroup?: string;
  /** If it is a clone that the host has made. */
  managed?: Managed;
  rulesAt?: RulesPlace;
  hostProbeMs?: number;
}

export interface WorkspaceToRestore {
  threadId: string;
  /** Unique for this move. */
  key: string;
  managed: Managed;
  /** See `PacksToRestore`; `newest` is null if nothing was stored: the files are those of the commit. */
  packs: StoredPack[];
  newest: StoredFiles | null;
  snapshots: NamedSnapshots[];
  rules: boolean;
  graceMs?: number;
}

export interface RestoredWorkspace {
  place: NewPlace;
  restored: StoredFiles;
  /** One line each. */
  notRestored: string[];
}

export interface ForkRequest {
  /** The new thread. */
  threadId: string;
  source: Fork;
  /** Its workspace; if it has a separate work tree, the path of that, unless the source works there. */
  cwd: string;
  /** The host of the new thread; that of its source if left out. */
  host?: string;
  /** The note to the model that a turn was cut off. */
  marker: string;
}

/** The initial state of a forked thread. Its items are in the archive. */
export interface ForkedPast {
  /** Those of the source, except for its workspace. */
  settings: ThreadSettings;
  segments: ArchiveSegment[];
  itemCount: number;
  turns: PastTurn[];
  compactions: CountedCompaction[];
  turnIds: string[];
  /** See {@link OpenedThread}. */
  keepsAfter?: boolean;
  decisions?: Decisions;
  /** The turn after which it was forked; null if there was none. */
  lastTurnId: string | null;
  warnings: string[];
}
