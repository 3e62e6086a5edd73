/** The options of a revert. */
import type { ClosedPaths } from '../../files/closed-paths.ts';
import type { RawPath } from '../process/git-process.ts';
import type { StoreGit } from '../snapshots/snapshot-store.ts';

export interface RevertOptions {
  /** Absolute, without links. */
  folder: string;
  git: StoreGit;
  /** Objects of another repository that may contain the sides. */
  objects?: string;
  /** Reports the effects, and changes nothing. */
  preview: boolean;
  /** Folders end with a slash. */
  folders?: {
    /** Permissions before the change, other than 755; left out if they are not known. */
    modes?: ReadonlyMap<RawPath, number>;
    /** Those that were empty before the change. */
    empty: readonly RawPath[];
    /** Those that the change removed, all of them empty. */
    removed: readonly RawPath[];
    /** Those that it made and left empty. */
    made: readonly RawPath[];
  };
  /**
   * Set if the result of the change at the paths is not known: changes from this time on, in milliseconds since the
   * epoch, are somebody else's.
   */
  since?: number;
  /** The action, and whether this is a retry. */
  attempt?: { actionId: string; retried: boolean };
  /** Paths that are neither read nor written. */
  closed: Pick<ClosedPaths, 'has'>;
}

/** The reason for keeping a path that commands must not read. */
export const CLOSED = 'it is closed to commands';
