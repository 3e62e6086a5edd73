/** Review targets and their ledgers. */
import type {
  BatchTarget,
  BeginRun,
  LedgerView,
  RecordedRun,
  RunBeginning,
  RunRecorded,
} from '../../src/contract/index.ts';

/** A repository to review, on this machine. */
export interface FoundTarget {
  /** A folder where git finds the commits. The files in it have no meaning. */
  repository: string;
  /** Whether it belongs to a person, so that nothing in it may be changed. */
  isTheirs: boolean;
  /** Full id of the commit under review. */
  head: string;
  /** The start of its changes: the merge base with its base, or the empty tree. */
  start: string;
}

/** A work tree to review in. */
export interface OpenTarget {
  /** Its root. */
  cwd: string;
  /** Whether files on disk differ from the commit under review, so that it must be read with git. */
  isElsewhere: boolean;
}

export interface ChangedFile {
  /** Relative to the root: the new name, and the old one if it differs. */
  path: string;
  before: string | null;
  kind: 'text' | 'binary' | 'submodule';
  /** Size of its diff. */
  bytes: number;
}

export interface ReviewTargetsPort {
  /** Whether the folder of a target that names one is on this host. */
  isHere(target: BatchTarget): boolean;
  /**
   * Finds or fetches the repository. Fails with `reviewNoRepository`, `reviewTargetUnknown`, `reviewBaseMissing`, and
   * `gitFailed`. Concurrent calls are allowed.
   */
  find(target: BatchTarget, targetId: string, signal: AbortSignal): Promise<FoundTarget>;
  /** A work tree with the commit under review. Only for the run of a target that its ledger has accepted. */
  checkOut(found: FoundTarget, signal: AbortSignal): Promise<OpenTarget>;
  /** Whether that commit is checked out there, and no tracked file differs from it. */
  isCheckedOut(cwd: string, head: string, signal: AbortSignal): Promise<boolean>;
  /** Sorted by name. */
  changedFiles(cwd: string, range: { base: string; head: string }, signal: AbortSignal): Promise<ChangedFile[]>;
  /** Whether a commit exists and is an ancestor of `head`. */
  isBefore(cwd: string, commit: string, head: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * The ledgers of review targets, one entity workflow each. The first call creates a ledger. Fails with `ledgerUnavailable`,
 * which is retried.
 */
export interface LedgerDirectory {
  begin(target: LedgerTarget, run: BeginRun, signal: AbortSignal): Promise<RunBeginning>;
  /**
   * Idempotent. Leaves out what does not fit into one message, the least urgent first, and counts it. Fails with
   * `reviewRunLost` if that run was given up meanwhile.
   */
  record(target: LedgerTarget, run: RecordedRun, signal: AbortSignal): Promise<RunRecorded>;
  /** Null if that target was never reviewed. */
  read(targetId: string, signal: AbortSignal): Promise<LedgerView | null>;
}

export interface LedgerTarget {
  targetId: string;
  target: BatchTarget;
}
