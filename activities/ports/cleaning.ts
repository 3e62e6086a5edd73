/** Removes from the store that hosts share what no thread needs any longer. */

export interface StoreCleaning {
  /** Milliseconds for which a closed thread keeps its objects, and an object stays at least. */
  keepMs: number;
  /** Also segments of the archive: their threads can no longer be read in full, resumed or forked. */
  archive: boolean;
  /** Also images that no thread of this namespace refers to: nothing else may use the store. */
  images: boolean;
  /** Also objects that may be those of another service or, in the archive, of another namespace. */
  unknown: boolean;
  preview: boolean;
}

/** Objects of one thread, or images. */
export interface CleanedObjects {
  kind: 'pack' | 'segment' | 'image';
  /** Null for images, and for objects whose names do not say whose they are. */
  threadId: string | null;
  objects: number;
  bytes: number;
  /** Why they stay; null if they were removed. */
  kept: string | null;
}

export interface StoreCleanerPort {
  /** Idempotent. Stops at the signal. Fails with `storeUnavailable` and `threadUnreadable`. */
  clean(cleaning: StoreCleaning, signal: AbortSignal): AsyncIterable<CleanedObjects>;
}

/** Times in milliseconds since the epoch. */
export interface ThreadLifetimes {
  /** When the thread and its root were closed; `open` if one of them is, `unknown` if the service does not keep the thread. */
  endedAt(threadId: string): Promise<number | 'open' | 'unknown'>;
  /** When a closed thread was created; null if it does not say so. Needs a worker. */
  createdAt(threadId: string): Promise<number | null>;
  /** Whether the service keeps this run of the thread. */
  hasRun(threadId: string, runId: string): Promise<boolean>;
  /**
   * Calls `note` with everything that threads of the namespace, open or closed, were ever told in the runs that they go
   * on from, as text: with what they archived, all that they know. Needs no worker. Rejects when the signal fires.
   */
  readAll(note: (text: string) => void, signal: AbortSignal): Promise<void>;
}
