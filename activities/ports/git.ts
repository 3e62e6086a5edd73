/** The port to the repository of a workspace. */
import type {
  FindingLocation,
  PathOutcome,
  ReviewRange,
  ReviewTarget,
  TrackedFinding,
} from '../../src/contract/index.ts';

export type Snapshot =
  /** `warnings`: the files that were left out and why, one line for each reason. */
  | { status: 'taken'; commit: string; warnings: string[] }
  /** There is nothing to take a snapshot of. */
  | { status: 'skipped'; reason: string };

/** Snapshots of one thread of a workspace. */
export interface SnapshotNames {
  /** Absolute. */
  cwd: string;
  threadId: string;
  names: readonly string[] | 'all';
}

export interface PatchedPaths {
  /** Relative to the workspace, and without links on the way. */
  changed: readonly string[];
  /** Paths that may have been changed, too, by the names that patches have for them: absolute or not, also through links. */
  tried: readonly string[];
}

export interface RevertRequest {
  /** Absolute. */
  cwd: string;
  /** The snapshot before the changes. */
  before: string;
  /**
   * The snapshot after them; null if not known. Then every current difference counts as such a change, unless it was
   * made after `endedAt`.
   */
  after: string | null;
  /** When the changes ended, in milliseconds since the epoch; null if not known. Used if `after` is null. */
  endedAt?: number | null;
  /**
   * Set if patches alone made the changes: differences elsewhere are somebody else's and stay. Of a path that does not
   * differ, nothing is left to revert.
   */
  patched?: PatchedPaths | null;
  /** Reports the effects, and changes nothing. */
  preview: boolean;
  /** The same for each attempt, and for no other revert: a retry removes the drafts that a lost attempt left. */
  actionId?: string;
  /** There was an earlier attempt. */
  retried?: boolean;
  /**
   * The name under which the states before and after the revert are kept, so that it can be taken back; null to keep
   * none.
   */
  keepAs: { threadId: string; name: string } | null;
}

export type RevertedPath = PathOutcome;

export interface Reverted {
  /** Every path that had changed, relative to the folder. */
  paths: RevertedPath[];
  /** The changes that stay, for a person; one line each. */
  notUndone: string[];
  /** The snapshots that take the revert back; null if nothing was kept. */
  redo: { before: string; after: string } | null;
  /** Only paths of patches counted; otherwise every difference did. */
  narrowed: boolean;
}

/** A new work tree, in one of several attempts. */
export interface WorktreePlace {
  /** Absolute; the folder of the snapshot. */
  cwd: string;
  path: string;
  commit: string;
  /** The names under which the snapshot is kept before anything is written, for the next attempt. */
  keepAs?: { threadId: string; names: readonly string[] };
  /** The same for each attempt: a retry removes the drafts that a lost attempt left. */
  actionId?: string;
  /** There was an earlier attempt. */
  retried?: boolean;
}

export interface NewWorktree {
  /** The folder in the new work tree that corresponds to the requested one. */
  cwd: string;
  /** Missing parts, for a person. */
  warnings: string[];
}

/** A work tree in short. */
export interface WorkTreeState {
  /** Null if none is checked out. */
  branch: string | null;
  /** Full id; null before the first commit. */
  head: string | null;
  /** The first {@link SHOWN_CHANGES}; `kind` has git's two letters, `??` for an untracked file or folder. */
  changes: { kind: string; path: string }[];
  /** How many more there are. */
  more: number;
}

/** Changes of a work tree that are listed by name. */
export const SHOWN_CHANGES = 20;

/** The targets of a review that have changes. */
export type ChangesTarget = Exclude<ReviewTarget, { type: 'custom' }>;

/** The changes under review, as fixed commits. */
export interface PinnedChanges extends ReviewRange {
  /** Changed files, relative to the root of the repository, at most {@link PINNED_FILES}. */
  files: string[];
  fileCount: number;
  /** Whether files on disk differ from `head`, which must then be read with git. */
  isElsewhere: boolean;
  /**
   * The commit that must stay checked out while files on disk are read, as {@link GitPort.checkedOut} names it; null if
   * none are.
   */
  checkedOut: string | null;
}

/** Files of one review that are listed by name. */
export const PINNED_FILES = 200;

/** Changed lines, as inclusive ranges. A file may have changed as a whole. */
export type LineRanges = { start: number; end: number }[] | 'all';

export interface ChangedLines {
  /** The root of the repository; null if there is none. */
  root: string | null;
  /** For each requested path: its place, and its changes; null if it has none. */
  files: { path: string; relative: string | null; ranges: LineRanges | null }[];
}

export interface PlaceInCommit {
  /** Full id. */
  head: string;
  location: FindingLocation;
}

export type TrackedPlace = Omit<TrackedFinding, 'findingId' | 'now'>;

/**
 * The repository around a folder, and the snapshots of the folder. Only the content of the folder is read. Index, HEAD,
 * stash, hooks and settings of the person are never changed. Fails with `gitFailed`, which can be retried.
 */
export interface GitPort {
  /**
   * Stores the files as they are on disk, including untracked ones and except ignored ones, outside of the workspace.
   * Call `keep` before anything may collect the snapshot. Large untracked files and folders, and build output, are left
   * out.
   * @param after an earlier snapshot, whose paths are included whatever the rules now say; null for none.
   */
  snapshot(cwd: string, after: string | null, signal: AbortSignal): Promise<Snapshot>;
  /** Keeps a snapshot until it is released under that name. Idempotent. */
  keep(place: { cwd: string; threadId: string; name: string }, commit: string, signal: AbortSignal): Promise<void>;
  /** The snapshot under a name, the oldest of several; null if there is none. */
  kept(place: { cwd: string; threadId: string; name: string }): Promise<string | null>;
  /**
   * Reverts the changes between two snapshots, unless somebody has changed the place since. Idempotent: a second call
   * completes a first one, with the same answer. Fails with `snapshotMissing`, and with `filesNotWritten` if the disk
   * is full or another temporary obstacle exists.
   */
  revert(request: RevertRequest, signal: AbortSignal): Promise<Reverted>;
  /** Releases snapshots; ignores those that do not exist. */
  release(names: SnapshotNames, signal: AbortSignal): Promise<void>;
  /**
   * Creates a work tree of the repository at `path`, detached at the commit that was checked out when the snapshot was
   * taken, with the files of the snapshot. Idempotent for the same snapshot. Fails with `snapshotMissing`.
   */
  worktree(place: WorktreePlace, signal: AbortSignal): Promise<NewWorktree>;
  /**
   * The subject of a review, in the whole repository. Fails with `reviewNoRepository`, `reviewTargetUnknown`,
   * `reviewBaseMissing` and `reviewNothingToReview`.
   */
  pinChanges(cwd: string, target: ChangesTarget, signal: AbortSignal): Promise<PinnedChanges>;
  /** The state of the work tree around a folder, without paths that are closed to commands; null without a repository. */
  workTree(cwd: string, signal: AbortSignal): Promise<WorkTreeState | null>;
  /** Full id of the commit that is checked out, or of the empty tree before the first one; null without a repository. */
  checkedOut(cwd: string, signal: AbortSignal): Promise<string | null>;
  /**
   * The changes in these files. Paths are absolute, or relative to the root or to the working directory.
   * @param range null for no changes: then only the places are returned.
   */
  changedLines(
    cwd: string,
    range: ReviewRange | null,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ChangedLines>;
  /**
   * Texts of files in a commit, by their paths relative to the root of the repository. Leaves out paths that do not
   * exist, are not files, or are larger than 2 MiB.
   * @param commit full id.
   */
  readFiles(
    cwd: string,
    commit: string,
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>;
  /**
   * Texts of the first of these files in each folder from the root of the repository down to `cwd`, as of a commit.
   * Empty without a repository or such a commit.
   */
  readDocs(cwd: string, commit: string, names: readonly string[], signal: AbortSignal): Promise<string[]>;
  /**
   * The places in another commit that correspond to places in earlier ones, through changed lines, renamed files and
   * moved code, in the order of `places`; null if not known, since the earlier commit no longer exists.
   * @param head full id.
   */
  track(
    cwd: string,
    head: string,
    places: readonly PlaceInCommit[],
    signal: AbortSignal,
  ): Promise<(TrackedPlace | null)[]>;
}
