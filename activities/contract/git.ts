/** Snapshots, undo and redo. */
import type { FileOutcomes } from '../../src/contract/index.ts';
import type { NamedSnapshots, RevertedPath, StoredFiles, StoredPack } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

export interface SnapshotStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  cwd: string;
  name: string;
  release: string[];
  /** The snapshot from before the turn, for the one at its end. */
  after?: string;
}

export interface StoreStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  cwd: string;
  /** The newest snapshot; null to take one. */
  commit: string | null;
  /** Further ones, by their turns. */
  snapshots: NamedSnapshots[];
  /** Commits that the store has; empty for a pack that replaces all others. */
  known: string[];
  /** The packs that have them; left out by runs that an earlier release began. */
  packs?: string[];
  /** The commit that was stored last; null if there is none. */
  newest: string | null;
  /** Packs to remove. */
  replaced: string[];
}

export interface StoredSnapshots {
  /** Null if nothing is new. */
  pack: StoredPack | null;
  /** It replaces all others. */
  whole: boolean;
  newest: StoredFiles;
}

export interface UndoStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  cwd: string;
  /** `endedAt` in milliseconds since the epoch; earlier releases left it out. */
  undone: { turnId: string; firstItem: number; endItem: number; endedAt?: number };
  /** The snapshot to restore; null if there is none. */
  commit: string | null;
  /** The snapshot from after the turn; null or left out if it is not known. */
  after?: string | null;
  /** Reports the effects of an undo, and changes nothing. */
  preview?: true;
}

export interface RedoStep extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  cwd: string;
  /** The snapshots from before and after the undo. */
  before: string;
  after: string;
}

export interface RedoneFiles extends Pick<RevertedFiles, 'files' | 'paths' | 'morePaths'> {
  notRedone: string[];
}

export interface RevertedFiles {
  /** Number of paths by outcome; null if there was no usable snapshot. */
  files: FileOutcomes | null;
  /** As many as fit into the history, those that were kept first. */
  paths: RevertedPath[];
  morePaths: number;
  /** The snapshots that take it back; null if there are none. */
  redo: { before: string; after: string } | null;
}

/** Recorded answers of earlier releases have only some of the members of {@link RevertedFiles}. */
export interface UndoneFiles extends Pick<RevertedFiles, 'files'>, Partial<Omit<RevertedFiles, 'files'>> {
  /**
   * Commands of the turn, each once and unshortened, as many as fit into the history; earlier releases shortened them.
   */
  commands: { command: string; cwd: string }[];
  /** Number of further ones; earlier releases left it out. */
  moreCommands?: number;
  /** Whether the turn called any tool. */
  called: boolean;
  /** Only patches of the turn can have written; earlier releases left it out. */
  ofPatchesAlone?: boolean;
  /** The changes that stay, for a person. */
  notUndone: string[];
}
