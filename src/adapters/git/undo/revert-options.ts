/** What a revert is asked for. */
import type { ClosedPaths } from '../../files/closed-paths.ts';
import type { RawPath } from '../process/git-process.ts';
import type { StoreGit } from '../snapshots/snapshot-store.ts';

export interface RevertOptions {
  /** Absolute, without links. */
  folder: string;
  git: StoreGit;
  /** Objects of another repository that the sides may be in. */
  objects?: string;
  /** Says what would be done, and changes nothing. */
  preview: boolean;
  /** Folders with a slash at their end. */
  folders?: {
    /** Permissions before the change, other than 755. */
    modes: ReadonlyMap<RawPath, number>;
    /** Those that were empty before the change. */
    empty: readonly RawPath[];
    /** Those that the change removed, all of them empty. */
    removed: readonly RawPath[];
    /** Those that it made and left empty. */
    made: readonly RawPath[];
  };
  /**
   * Set where it is not known how the change left the paths: what was changed from this time on, in milliseconds since the
   * epoch, is somebody else's.
   */
  since?: number;
  /** Which try of which action it is. */
  attempt?: { actionId: string; retried: boolean };
  /** What is neither read nor written. */
  closed: Pick<ClosedPaths, 'has'>;
}

/** Why a path is kept that commands must not read. */
export const CLOSED = 'it is closed to commands';
