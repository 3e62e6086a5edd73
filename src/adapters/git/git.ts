/** The repositories of workspaces, by the `git` program, and the snapshots of workspaces. */
import type { GitPort } from '../../../activities/ports.ts';
import { listDeniedPaths } from '../shell/sandbox/denied-paths.ts';
import { changedLines } from './review/changed-lines.ts';
import { toPassing } from './process/passing-errors.ts';
import { readDocs, readFiles } from './review/read-files.ts';
import { keepSnapshot, releaseSnapshots } from './snapshots/kept-snapshots.ts';
import { checkedOut, pinChanges } from './review/review-range.ts';
import { takeSnapshot } from './snapshots/snapshot.ts';
import { trackPlaces } from './review/track.ts';
import { revertChanges } from './undo/undo.ts';
import { addWorktree } from './snapshots/worktree.ts';

export interface GitOptions {
  /** The worker's data folder, absolute. Snapshots lie below it. */
  directory: string;
  /** Further folders of the worker that no snapshot has, absolute. */
  apart?: readonly string[];
  /** What commands cannot read, absolute: nothing of a repository may lie there, no snapshot has it, and no undo writes it. */
  closed?: readonly string[];
}

/** See `GitPort` for what its methods promise. */
export function createGit({ directory, apart = [], closed: more = listDeniedPaths() }: GitOptions): GitPort {
  const closed = [directory, ...apart, ...more];
  const place = { directory, apart: [directory, ...apart], closed };
  return {
    async snapshot(cwd, after, signal) {
      if (cwd.split('/').includes('.git')) return { status: 'skipped', reason: `${cwd} is the data of a repository.` };
      return takeSnapshot(place, cwd, after === null ? [] : [after], signal);
    },
    keep: (names, commit) => keepSnapshot(place, names, commit),
    revert: (request, signal) =>
      revertChanges(place, request, signal).catch((error: unknown) => {
        throw toPassing(error, request.cwd);
      }),
    release: (names, signal) => releaseSnapshots(place, names, signal),
    worktree: (where, signal) => addWorktree(place, where, signal),
    pinChanges: (...asked) => pinChanges(closed, ...asked),
    checkedOut: (...asked) => checkedOut(closed, ...asked),
    changedLines: (...asked) => changedLines(closed, ...asked),
    readFiles: (...asked) => readFiles(closed, ...asked),
    readDocs: (...asked) => readDocs(closed, ...asked),
    track: (...asked) => trackPlaces(closed, ...asked),
  };
}
