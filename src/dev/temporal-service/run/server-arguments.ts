import { isAtLeast } from '../obtain/binary-version.ts';

export interface ServerSettings {
  ip: string;
  port: number;
  /** Of the API that speaks HTTP. */
  httpPort: number;
  /** Where the UI itself listens, behind its guard; null for a service without a UI. */
  ui: { ip: string; port: number } | null;
  namespace: string;
  /** Null keeps everything in memory. */
  database: string | null;
  serverVersion: string;
  /** Further settings, as `key=value`. */
  dynamicConfig: readonly string[];
}

/** Settings that make the one-shard development server quick; each was measured. */
const LATENCY_SETTINGS = [
  // The default of 20 a second holds every step back by up to 50 ms where there is one shard.
  'history.transferProcessorMaxPollRPS=1000',
  // A worker that schedules an activity may start it in the same transaction.
  'system.enableActivityEagerExecution=true',
  // The default of 1 refuses the second reader of a thread that is at work, who then waits a second to ask again.
  'history.MaxBufferedQueryCount=100',
];

/**
 * The HTTP API would take a message to a thread from any web page. Nothing of ours uses it, and it cannot be switched off,
 * so it answers to a name that no browser can send: https://www.rfc-editor.org/rfc/rfc6761#section-6.4
 */
const CLOSED_HTTP_API = 'frontend.httpAllowedHosts=["nobody.invalid"]';

/** A write-ahead log takes one fsync for each commit where the default journal takes several; both lose nothing. */
const DATABASE_SETTINGS = ['journal_mode=wal', 'synchronous=full'];

/** With both, a cancellation is pushed to the worker and does not wait for a heartbeat. */
const PUSHED_CANCELLATION_SETTINGS = [
  'frontend.WorkerCommandsEnabled=true',
  'system.enableCancelActivityWorkerCommand=true',
];

/** The command line of `temporal` for a service as described. */
export function toServerArguments(settings: ServerSettings): string[] {
  const pushed = isAtLeast(settings.serverVersion, 1, 32) ? PUSHED_CANCELLATION_SETTINGS : [];
  return [
    ...['server', 'start-dev', '--ip', settings.ip, '--port', String(settings.port)],
    ...['--http-port', String(settings.httpPort)],
    ...(settings.ui === null ? ['--headless'] : ['--ui-ip', settings.ui.ip, '--ui-port', String(settings.ui.port)]),
    ...['--namespace', settings.namespace, '--log-level', 'warn'],
    ...(settings.database === null ? [] : ['--db-filename', settings.database]),
    ...(settings.database === null ? [] : DATABASE_SETTINGS.flatMap((pragma) => ['--sqlite-pragma', pragma])),
    ...[...LATENCY_SETTINGS, ...pushed, ...settings.dynamicConfig, CLOSED_HTTP_API].flatMap((value) => [
      '--dynamic-config-value',
      value,
    ]),
  ];
}
