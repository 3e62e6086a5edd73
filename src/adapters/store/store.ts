/** Where the hosts of one installation share what outlives a host: named objects, written and read as a whole. */

export interface Store {
  /** For messages: a folder or an address, without secrets. */
  readonly place: string;
  /** Undefined if there is no such object. Rejects with `StoreUnavailable`, or the reason of the signal. */
  read(name: string, signal?: AbortSignal): Promise<Buffer | undefined>;
  /**
   * Replaces the object: a reader sees the old bytes or the new ones. Resolves when they outlive a power failure. Idempotent.
   * Rejects with `StoreUnavailable`, or the reason of the signal.
   */
  write(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Ignores those that do not exist. Rejects with `StoreUnavailable`. */
  remove(names: readonly string[]): Promise<void>;
  /** Every object whose name begins like that, in the order of the names. Rejects with `StoreUnavailable`. */
  list(prefix: string): AsyncIterable<StoredObject>;
}

export interface StoredObject {
  name: string;
  bytes: number;
  /** When it was last written, in milliseconds since the epoch. */
  writtenAt: number;
}

/** The store cannot be used now; a later try may succeed. The message says what was tried, what failed, and what to do. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** Of the system or the service, such as `ENOSPC` or `AccessDenied`. */
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
