/** How a service is started, and what is known of one that runs. */
import type { TemporalBinary } from './obtain/binary.ts';
import type { Environment } from './obtain/program.ts';
import type { Progress } from './obtain/progress.ts';
import type { PortPair } from './run/ports.ts';
import type { ServiceExit } from './run/server-process.ts';

export interface StartOptions {
  binary: TemporalBinary;
  /** Holds the database, the log and the note of the running service; made where it does not exist. */
  dataDirectory: string;
  /** A port that must be had, or 0 for any free one. Without it: 7233, or the next one of a free pair. */
  port?: number;
  /** The same for the UI, from 8233; null for a service without a UI. */
  uiPort?: number | null;
  /** Address to listen on; 127.0.0.1. */
  ip?: string;
  /** `default`. */
  namespace?: string;
  /** Everything in memory, on any free port unless one is named, never shared with another start. For tests. */
  ephemeral?: boolean;
  /** Further settings of the service, as `key=value`; they go before ours. */
  dynamicConfig?: readonly string[];
  /** `<dataDirectory>/temporal.log`. */
  logFile?: string;
  /**
   * Whether `stop` also ends a service that was found running: never (the default), always, or where the process that
   * had started it is gone.
   */
  stopReused?: boolean | 'orphaned';
  /** Where the search for a free pair starts; 7233 and 8233. */
  preferredPorts?: PortPair;
  /** Milliseconds a service that runs already is given to answer; 15,000, since another start may just have launched it. */
  answerTimeoutMs?: number;
  onProgress?: Progress;
  signal?: AbortSignal;
  env?: Environment;
}

export interface TemporalService {
  /** `host:port` of the gRPC front end. */
  address: string;
  /** Null where it runs without a UI. */
  uiUrl: string | null;
  pid: number;
  namespace: string;
  version: { cli: string; server: string };
  /** Whether it was found running and not started by this call. */
  reused: boolean;
  /** Whether it was found running and the process that had started it is gone. */
  orphaned: boolean;
  /** Settles when the service has ended, by `stop` or by itself. Never rejects. */
  exited: Promise<ServiceExit>;
  /** Ends the service, and only it, and waits until it is gone; see `stopReused`. Twice is once. */
  stop(): Promise<void>;
}
