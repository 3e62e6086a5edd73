/** A Temporal service that a test stops or kills, and starts again on its data. */
export interface RestartableService {
  /** The same after every start. */
  readonly address: string;
  readonly namespace: string;
  readonly serverVersion: string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits until it has ended. */
  stop(): Promise<void>;
  /** Resolves once it answers again. */
  start(): Promise<void>;
  /** Stops it, and removes what it keeps outside of the data folder. */
  close(): Promise<void>;
}
