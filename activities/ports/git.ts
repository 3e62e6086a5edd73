/** What a repository knows. */
import type {
  FindingLocation,
  PathOutcome,
  ReviewRange,
  ReviewTarget,
  TrackedFinding,
} from '../../src/contract/index.ts';

export type Snapshot =
  /** `warnings`: what was left out and why, one line for each reason. */
  | { status: 'taken'; commit: string; warnings: string[] }
  /** There is nothing to take one of. */
  | { status: 'skipped'; reason: string };

/** Snapshots of one thread of a workspace. */
export interface SnapshotNames {
  /** Absolute. */
  cwd: string;
  threadId: string;
  names: readonly string[] | 'all';
}

/** Relative to the workspace. */
export interface PatchedPaths {
  changed: readonly string[];
  /** These may have been changed as well. */
  tried: readonly string[];
}

export interface RevertRequest {
  /** Absolute. */
  cwd: string;
  /** The snapshot before the changes. */
  before: string;
  /**
   * The one after them; null if it is not known. Then everything that differs now counts as such a change, except what was
   * changed after `endedAt`.
   */
  after: string | null;
  /** When the changes ended, in milliseconds since the epoch; null if it is not known. Counts where `after` is null. */
  endedAt?: number | null;
  /**
   * Set if patches alone made the changes: what differs elsewhere is somebody else's and stays. If one of the changed paths is
   * not among the differences, it has another name there, and all differences count.
   */
  patched?: PatchedPaths | null;
  /** Says what would be done, and changes nothing. */
  preview: boolean;
  /** The same for each try, and of no other revert: a later try removes the drafts that a lost one left. */
  actionId?: string;
  /** There was a try before this one. */
  retried?: boolean;
  /** Under which name the states before and after the revert are kept, so that it can be taken back; null for not. */
  keepAs: { threadId: string; name: string } | null;
}

export type RevertedPath = PathOutcome;

export interface Reverted {
  /** Every path that had changed, relative to the folder. */
  paths: RevertedPath[];
  /** What stays as it is, for a person; one line each. */
  notUndone: string[];
  /** With these the revert is taken back; null if nothing was kept. */
  redo: { before: string; after: string } | null;
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
  /** What must stay checked out for as long as files on disk are looked at, as {@link GitPort.checkedOut} names it; null if they are not. */
  checkedOut: string | null;
}

/** Files of one review that are listed by name. */
export const PINNED_FILES = 200;

/** Lines that changed, as ranges whose ends are both part of them. A file may have changed as a whole. */
export type LineRanges = { start: number; end: number }[] | 'all';

export interface ChangedLines {
  /** The root of the repository; null if there is none. */
  root: string | null;
  /** For each path that was asked for: where it is, and what changed there; null if nothing did. */
  files: { path: string; relative: string | null; ranges: LineRanges | null }[];
}

export interface PlaceInCommit {
  /** Full id. */
  head: string;
  location: FindingLocation;
}

export type TrackedPlace = Omit<TrackedFinding, 'findingId' | 'now'>;

/**
 * The repository around a folder, and the snapshots of the folder. Only what lies below the folder is looked at. Index, HEAD,
 * stash, hooks and settings of the person are never touched. Fails with `gitFailed`, which is worth another try.
 */
export interface GitPort {
  /**
   * Takes the files as they are on disk, untracked ones included, ignored ones not, into a store outside of the workspace.
   * `keep` it before anything may collect it. Large untracked files and folders, and what builds make, are left out.
   * @param after an earlier snapshot, whose paths are looked at whatever the rules say by now; null for none.
   */
  snapshot(cwd: string, after: string | null, signal: AbortSignal): Promise<Snapshot>;
  /** Keeps a snapshot until it is released under that name. Idempotent. */
  keep(place: { cwd: string; threadId: string; name: string }, commit: string, signal: AbortSignal): Promise<void>;
  /**
   * Takes back what changed between two snapshots, where nobody has changed it since. Idempotent: a second call ends what
   * a first one began, with the same answer. Fails with `snapshotMissing`, and with `filesNotWritten` where the disk is full
   * or something else is in the way that may pass.
   */
  revert(request: RevertRequest, signal: AbortSignal): Promise<Reverted>;
  /** Lets go of snapshots; those that are not there are gone already. */
  release(names: SnapshotNames, signal: AbortSignal): Promise<void>;
  /**
   * A new work tree of the repository at `path`, detached at what was checked out when the snapshot was taken, with the
   * files of the snapshot. Idempotent. Fails with `snapshotMissing`.
   */
  worktree(place: { cwd: string; path: string; commit: string }, signal: AbortSignal): Promise<NewWorktree>;
  /**
   * What a review is to look at, in the whole repository. Fails with `reviewNoRepository`, `reviewTargetUnknown`,
   * `reviewBaseMissing` and `reviewNothingToReview`.
   */
  pinChanges(cwd: string, target: ChangesTarget, signal: AbortSignal): Promise<PinnedChanges>;
  /** Full id of the commit that is checked out, or of the empty tree before the first one; null without a repository. */
  checkedOut(cwd: string, signal: AbortSignal): Promise<string | null>;
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
   * Texts of the first of these files in each folder from the root of the repository down to `cwd`, as of a commit. None
   * without a repository or such a commit.
   */
  readDocs(cwd: string, commit: string, names: readonly string[], signal: AbortSignal): Promise<string[]>;
  /**
   * Where places in earlier commits are in another one, through changed lines, renamed files and moved code, in the order
   * of `places`; null if that is not known, since the earlier commit is not there any more.
   * @param head full id.
   */
  track(
    cwd: string,
    head: string,
    places: readonly PlaceInCommit[],
    signal: AbortSignal,
  ): Promise<(TrackedPlace | null)[]>;
}
