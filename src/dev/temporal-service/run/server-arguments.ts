import { isAtLeast } from '../obtain/binary-version.ts';

export interface ServerSettings {
  ip: string;
  port: number;
  /** Port of the HTTP API. */
  httpPort: number;
  /** Address of the UI behind its guard; null without a UI. */
  ui: { ip: string; port: number } | null;
  namespace: string;
  database: string;
  /** Whether the data outlive a crash of the machine. */
  durable: boolean;
  serverVersion: string;
  /** Additional settings, as `key=value`. */
  dynamicConfig: readonly string[];
}

/** Settings that make the one-shard development server fast; each was measured. */
const LATENCY_SETTINGS = [
  // With one shard, the default of 20 per second delays every step by up to 50 ms.
  'history.transferProcessorMaxPollRPS=1000',
  // A worker that schedules an activity may start it in the same transaction.
  'system.enableActivityEagerExecution=true',
  // The default of 1 refuses the second reader of a busy thread, which then waits a second before it asks again.
  'history.MaxBufferedQueryCount=100',
];

/**
 * The HTTP API would accept messages to threads from any web page. Bobbin does not use it, and it cannot be switched
 * off, so it only accepts a host name that no browser can send: https://www.rfc-editor.org/rfc/rfc6761#section-6.4
 */
const CLOSED_HTTP_API = 'frontend.httpAllowedHosts=["nobody.invalid"]';

/** A write-ahead log needs one fsync per commit, the default journal several. Both are durable. */
const DATABASE_SETTINGS = ['journal_mode=wal'];

/** Together they push cancellations to the worker without waiting for a heartbeat. */
const PUSHED_CANCELLATION_SETTINGS = [
  'frontend.WorkerCommandsEnabled=true',
  'system.enableCancelActivityWorkerCommand=true',
];

/** The service keeps the heartbeats of workers, which say within seconds that one was killed. */
const HEARTBEAT_SETTINGS = ['frontend.WorkerHeartbeatsEnabled=true', 'frontend.ListWorkersEnabled=true'];

/** The command line of `temporal` for these options. */
export function toServerArguments(settings: ServerSettings): string[] {
  const pushed = isAtLeast(settings.serverVersion, 1, 32) ? PUSHED_CANCELLATION_SETTINGS : [];
  return [
    ...['server', 'start-dev', '--ip', settings.ip, '--port', String(settings.port)],
    ...['--http-port', String(settings.httpPort)],
    ...(settings.ui === null ? ['--headless'] : ['--ui-ip', settings.ui.ip, '--ui-port', String(settings.ui.port)]),
    ...['--namespace', settings.namespace, '--log-level', 'warn'],
    ...['--db-filename', settings.database],
    ...[...DATABASE_SETTINGS, `synchronous=${settings.durable ? 'full' : 'off'}`].flatMap((pragma) => [
      '--sqlite-pragma',
      pragma,
    ]),
    ...[...LATENCY_SETTINGS, ...HEARTBEAT_SETTINGS, ...pushed, ...settings.dynamicConfig, CLOSED_HTTP_API].flatMap(
      (value) => ['--dynamic-config-value', value],
    ),
  ];
}
