/** Targets of reviews, and their ledgers. */
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
  /** Whether that commit is checked out there, and no tracked file differs from it. */
  isCheckedOut(cwd: string, head: string, signal: AbortSignal): Promise<boolean>;
  /** In the order of their names. */
  changedFiles(cwd: string, range: { base: string; head: string }, signal: AbortSignal): Promise<ChangedFile[]>;
  /** Whether a commit is there, and `head` came from it. */
  isBefore(cwd: string, commit: string, head: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * The ledgers of review targets, one entity workflow each. A ledger is there once it is asked for anything. Fails with
 * `ledgerUnavailable`, which is worth another try.
 */
export interface LedgerDirectory {
  begin(target: LedgerTarget, run: BeginRun, signal: AbortSignal): Promise<RunBeginning>;
  /**
   * Twice is once. What is more than one message takes is left out, the least urgent first, and counted. Fails with
   * `reviewRunLost` where that run was given up meanwhile.
   */
  record(target: LedgerTarget, run: RecordedRun, signal: AbortSignal): Promise<RunRecorded>;
  /** Null if no review of that target was ever begun. */
  read(targetId: string, signal: AbortSignal): Promise<LedgerView | null>;
}

export interface LedgerTarget {
  targetId: string;
  target: BatchTarget;
}
