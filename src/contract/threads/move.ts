/** Moving a thread to another folder, on another host or on its own. */
import { z } from 'zod';
import { HostIdSchema, PathSchema, compact, optional } from '../shapes.ts';

/**
 * Payload of the update `move`. `cwd` names the folder on that host; a thread with a managed workspace gets a new one and
 * names none. Default of `host`: with `cwd` the host of the thread, else another one that takes threads.
 */
export const MoveThreadSchema = z
  .object({ host: optional(HostIdSchema), cwd: optional(PathSchema) })
  .transform(compact);
export type MoveThread = z.infer<typeof MoveThreadSchema>;

export interface WorkspacePlace {
  host: string;
  cwd: string;
}

/** The files of a managed workspace in the store. The first four are null until something was stored. */
export interface StoredFilesView {
  commit: string | null;
  tree: string | null;
  /** Number of files. */
  files: number | null;
  /** The files are as they were then, in milliseconds since the epoch. */
  asOf: number | null;
  /** Oldest first. `id` is the SHA-256 of its bytes. */
  packs: { id: string; bytes: number }[];
  /** Whether nothing that a turn may have written is missing. */
  isNewest: boolean;
}

/** What a move has brought along. */
export interface MoveReceipt {
  /** Restored from the store, and compared with what was stored; null if nothing was, as for a folder that was there already. */
  restored: { commit: string; tree: string; files: number } | null;
  /** What did not come along, one line each; agents that were closed by their ids. */
  notRestored: string[];
  /** Whether it is certain that no command of the thread or of its agents runs on the former host any longer. */
  quiescent: boolean;
}

/** `asOf`: the files are as they were then, in milliseconds since the epoch. */
export interface WorkspaceMove {
  from: WorkspacePlace;
  to: WorkspacePlace;
  asOf: number;
  receipt: MoveReceipt;
}
