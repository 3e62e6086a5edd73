/** Snapshots in the store that hosts share, as git packs. */

export interface StoredPack {
  /** SHA-256 of its bytes, in hex; part of its name in the store. */
  id: string;
  bytes: number;
}

/** What a snapshot is checked by once it is restored. */
export interface StoredFiles {
  commit: string;
  tree: string;
  /** Number of files. */
  files: number;
}

/** Snapshots that are kept under a name, which is that of their turn. */
export interface NamedSnapshots {
  name: string;
  commits: string[];
}

export interface PacksToStore {
  threadId: string;
  /** Absolute. */
  cwd: string;
  newest: string;
  snapshots: NamedSnapshots[];
  /** Commits that the packs in the store have; empty for a pack that is complete on its own. */
  stored: string[];
}

export interface PacksToRestore {
  threadId: string;
  /** A fresh clone, absolute. */
  cwd: string;
  /** Oldest first; the first is complete on its own. */
  packs: StoredPack[];
  newest: StoredFiles;
  snapshots: NamedSnapshots[];
}

export interface SnapshotPacksPort {
  /**
   * Writes the snapshots that the store does not have as one pack; `whole`: it is complete on its own, since this host has
   * none of the stored ones. Idempotent. Fails with `storeUnavailable` and `snapshotMissing`.
   */
  store(request: PacksToStore, signal: AbortSignal): Promise<{ pack: StoredPack; whole: boolean; newest: StoredFiles }>;
  /**
   * Makes the files of a folder those of the newest snapshot, and checks them. Snapshots of earlier turns come along.
   * Returns what cannot be restored, one line each. Fails with `restoreIncomplete`, and with `storeUnavailable`.
   */
  restore(request: PacksToRestore, signal: AbortSignal): Promise<{ notRestored: string[] }>;
  /** The files of a snapshot of the folder; of a new one if `commit` is null. */
  describe(cwd: string, commit: string | null, signal: AbortSignal): Promise<StoredFiles>;
  /** Removes the snapshots of a folder that is not used any longer, from this host only. */
  forget(cwd: string): Promise<void>;
  /** Whether the store has all these packs of a thread. Fails with `storeUnavailable`. */
  hasAll(threadId: string, packs: readonly string[]): Promise<boolean>;
  /** Removes packs that a later one has replaced. Ignores those that do not exist. */
  remove(threadId: string, packs: readonly string[]): Promise<void>;
}
