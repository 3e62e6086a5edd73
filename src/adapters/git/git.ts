/** The repositories of workspaces, by the `git` program. */
import type { GitPort } from '../../../activities/ports.ts';
import { changedLines } from './changed-lines.ts';
import { readDocs, readFiles } from './read-files.ts';
import { keepSnapshot, releaseSnapshots } from './refs.ts';
import { restoreSnapshot } from './restore.ts';
import { pinChanges } from './review-range.ts';
import { takeSnapshot } from './snapshot.ts';
import { trackPlaces } from './track.ts';
import { addWorktree } from './worktree.ts';

/** See `GitPort` for what its methods promise. */
export function createGit(): GitPort {
  return {
    snapshot: takeSnapshot,
    keep: keepSnapshot,
    restore: restoreSnapshot,
    release: releaseSnapshots,
    worktree: addWorktree,
    pinChanges,
    changedLines,
    readFiles,
    readDocs,
    track: trackPlaces,
  };
}
