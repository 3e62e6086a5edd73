/** Snapshots, undo and redo. */
import type { FileOutcomes } from '../../src/contract/index.ts';
import type { RevertedPath } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

export interface SnapshotStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  name: string;
  release: string[];
  /** The snapshot from before the turn, for the one at its end. */
  after?: string;
}

export interface UndoStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  /** `endedAt` in milliseconds since the epoch; earlier releases left it out. */
  undone: { turnId: string; firstItem: number; endItem: number; endedAt?: number };
  /** The snapshot to go back to; null where there is none. */
  commit: string | null;
  /** The snapshot from after the turn; null or left out if it is not known. */
  after?: string | null;
  /** Says what an undo would do, and changes nothing. */
  preview?: true;
}

export interface RedoStep extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
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
  /** How many paths had which outcome; null where there was no snapshot to go by. */
  files: FileOutcomes | null;
  /** As many as history takes, those that were kept first. */
  paths: RevertedPath[];
  morePaths: number;
  /** The snapshots with which it is taken back; null if there are none. */
  redo: { before: string; after: string } | null;
}

/** Recorded answers of earlier releases have only some of the members of {@link RevertedFiles}. */
export interface UndoneFiles extends Pick<RevertedFiles, 'files'>, Partial<Omit<RevertedFiles, 'files'>> {
  /** Commands that the turn ran, each once and whole, as far as history takes them; earlier releases cut them. */
  commands: { command: string; cwd: string }[];
  /** Further ones; earlier releases left it out. */
  moreCommands?: number;
  /** Whether the turn called any tool. */
  called: boolean;
  /** Nothing of the turn but patches can have written; earlier releases left it out. */
  ofPatchesAlone?: boolean;
  /** What stays as it is, for a person. */
  notUndone: string[];
}
