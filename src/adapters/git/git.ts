/** The repositories of workspaces, through the `git` program, and the snapshots of workspaces. */
import type { GitPort } from '../../../activities/ports.ts';
import { listDeniedPaths } from '../shell/sandbox/denied-paths.ts';
import { changedLines } from './review/changed-lines.ts';
import { toPassing } from './process/passing-errors.ts';
import { readDocs, readFiles } from './review/read-files.ts';
import { keepSnapshot, releaseSnapshots } from './snapshots/kept-snapshots.ts';
import { checkedOut, pinChanges } from './review/review-range.ts';
import { type SnapshotPlace, takeSnapshot } from './snapshots/snapshot.ts';
import { findKept, findStore } from './snapshots/snapshot-store.ts';
import { trackPlaces } from './review/track.ts';
import { workTreeState } from './repository/work-tree-state.ts';
import { revertChanges } from './undo/undo.ts';
import { addWorktree } from './snapshots/worktree.ts';

export interface GitOptions {
  /** The worker's data folder, absolute. It contains the snapshots. */
  directory: string;
  /** Further folders of the worker, absolute, which no snapshot contains. */
  apart?: readonly string[];
  /**
   * Absolute paths that commands cannot read: no part of a repository may be there, no snapshot contains them, and no
   * undo writes them.
   */
  closed?: readonly string[];
}

/** Where the snapshots of workspaces are. */
export function toSnapshotPlace({ directory, apart = [], closed = listDeniedPaths() }: GitOptions): SnapshotPlace {
  return { directory, apart: [directory, ...apart], closed: [directory, ...apart, ...closed] };
}

/** See `GitPort` for the guarantees of its methods. */
export function createGit(options: GitOptions): GitPort {
  const place = toSnapshotPlace(options);
  const { closed } = place;
  return {
    async snapshot(cwd, after, signal) {
      if (cwd.split('/').includes('.git')) return { status: 'skipped', reason: `${cwd} is the data of a repository.` };
      return takeSnapshot(place, cwd, after === null ? [] : [after], signal);
    },
    keep: (names, commit) => keepSnapshot(place, names, commit),
    kept: async ({ cwd, threadId, name }) => findKept(await findStore(place.directory, cwd), threadId, name),
    revert: (request, signal) =>
      revertChanges(place, request, signal).catch((error: unknown) => {
        throw toPassing(error, request.cwd);
      }),
    release: (names, signal) => releaseSnapshots(place, names, signal),
    worktree: (where, signal) => addWorktree(place, where, signal),
    pinChanges: (...asked) => pinChanges(closed, ...asked),
    checkedOut: (...asked) => checkedOut(closed, ...asked),
    workTree: (...asked) => workTreeState(closed, ...asked),
    changedLines: (...asked) => changedLines(closed, ...asked),
    readFiles: (...asked) => readFiles(closed, ...asked),
    readDocs: (...asked) => readDocs(closed, ...asked),
    track: (...asked) => trackPlaces(closed, ...asked),
  };
}
