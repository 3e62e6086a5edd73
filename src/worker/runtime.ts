/** The SDK's runtime of a process: all its log lines, those of the native core included, go to the error output. */
import { DefaultLogger, type LogLevel, Runtime, type RuntimeOptions } from '@temporalio/worker';
import { readVariable } from '../folders/variables.ts';
import { toLogLine } from './log-line.ts';

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];

/** A worker that was killed is known to be gone after three of them (`src/client/workers.ts`), if the service keeps heartbeats. */
const HEARTBEAT_MS = 5_000;

/**
 * @param env sets the level by BOBBIN_LOG_LEVEL
 * @throws IllegalStateError if this process has a runtime already
 */
export function installRuntime(env: NodeJS.ProcessEnv, more: Pick<RuntimeOptions, 'shutdownSignals'> = {}): void {
  Runtime.install({
    ...more,
    workerHeartbeatInterval: HEARTBEAT_MS,
    logger: new DefaultLogger(readLevel(env), (entry) => process.stderr.write(`${toLogLine(entry)}\n`)),
    // By default the core writes to the standard output, which belongs to the program.
    telemetryOptions: { logging: { forward: {} } },
  });
}

/** A runtime that the program has installed stays as it is, also after it was idle, when the SDK makes it again. */
export function installRuntimeOnce(env: NodeJS.ProcessEnv): void {
  if (Runtime['instantiator'] === undefined) installRuntime(env);
}

function readLevel(env: NodeJS.ProcessEnv): LogLevel {
  const asked = readVariable(env, 'BOBBIN_LOG_LEVEL') ?? 'INFO';
  const level = LEVELS.find((known) => known === asked.toUpperCase());
  if (level === undefined) throw new Error(`BOBBIN_LOG_LEVEL is ${asked}, and must be one of ${LEVELS.join(', ')}`);
  return level;
}
