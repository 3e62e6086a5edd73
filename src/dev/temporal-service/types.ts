/** The options and the handle of the embedded service. */
import type { TemporalBinary } from './obtain/binary.ts';
import type { Environment } from './obtain/program.ts';
import type { Progress } from './obtain/progress.ts';
import type { PortPair } from './run/ports.ts';
import type { ServiceExit } from './run/server-process.ts';

export interface StartOptions {
  binary: TemporalBinary;
  /** Contains the database, the log and the record of the running service. Created if it does not exist. */
  dataDirectory: string;
  /** A required port, or 0 for any free one. By default 7233, or the next free pair. */
  port?: number;
  /** The same for the UI, from 8233; null for a service without a UI. */
  uiPort?: number | null;
  /** Address to listen on; 127.0.0.1 by default. */
  ip?: string;
  /** `default` by default. */
  namespace?: string;
  /** Keeps nothing for a later start, on any free port unless one is given, and never shares it. For tests. */
  ephemeral?: boolean;
  /** Additional settings of the service, as `key=value`; they override ours. */
  dynamicConfig?: readonly string[];
  /** `<dataDirectory>/temporal.log` by default. */
  logFile?: string;
  /**
   * Whether `stop` also ends a service that was found running: never (the default), always, or if the process that started
   * it is gone.
   */
  stopReused?: boolean | 'orphaned';
  /** Start of the search for a free pair; 7233 and 8233 by default. */
  preferredPorts?: PortPair;
  /** Time that a running service gets to answer, in milliseconds; 15,000 by default, because it may just have been started. */
  answerTimeoutMs?: number;
  onProgress?: Progress;
  signal?: AbortSignal;
  env?: Environment;
}

export interface TemporalService {
  /** `host:port` of the gRPC front end. */
  address: string;
  /** Null without a UI. */
  uiUrl: string | null;
  pid: number;
  namespace: string;
  version: { cli: string; server: string };
  /** Whether it was found running and not started by this call. */
  reused: boolean;
  /** Whether it was found running and the process that had started it is gone. */
  orphaned: boolean;
  /** Resolves when the service has ended, by `stop` or unexpectedly. Never rejects. */
  exited: Promise<ServiceExit>;
  /** Ends the service, and only it, and waits until it is gone; see `stopReused`. Idempotent. */
  stop(): Promise<void>;
}
