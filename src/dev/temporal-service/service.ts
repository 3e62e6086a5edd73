import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makePrivateFolder } from '../../folders/private-folder.ts';
import type { LoopbackListener } from '../loopback-http.ts';
import type { TemporalBinary } from './obtain/binary.ts';
import { assertDatabase, removeDatabase } from './state/database.ts';
import { findPortHolder } from './run/port-holder.ts';
import { choosePorts, findFreePort } from './run/ports.ts';
import { markOf } from '../../folders/process-mark.ts';
import type { ProcessMark } from '../../folders/process-mark.ts';
import { withProgress } from './obtain/progress.ts';
import type { Progress } from './obtain/progress.ts';
import { waitUntilReady } from './run/readiness.ts';
import { adoptRunningService } from './state/running-service.ts';
import { prepareSearchAttributes } from './run/search-attributes.ts';
import { toServerArguments } from './run/server-arguments.ts';
import { readLog, rotateLog, toStartError } from './run/server-log.ts';
import { endProcess, spawnServer } from './run/server-process.ts';
import type { ServiceExit } from './run/server-process.ts';
import { TemporalServiceError, reasonOf, systemCodeOf } from './run/service-error.ts';
import { removeRecord, writeRecord } from './state/service-record.ts';
import { withStartLock } from './state/start-lock.ts';
import type { StartOptions, TemporalService } from './types.ts';
import { guardUi, pickUiPlace } from './run/ui-guard.ts';

const START_TIMEOUT_MS = 60_000;
/** The server opens more ports that it chooses, which another start may take first. */
const LAUNCHES = 3;

/**
 * Starts the Temporal service on the data in `dataDirectory`, or finds the running one. When it returns, the service answers,
 * and the namespace and the search attributes exist. Throws a `TemporalServiceError`: `portTaken`, `directoryUnwritable`,
 * `diskFull`, `databaseLocked`, `databaseCorrupted`, `serviceUnresponsive`, `startFailed`.
 */
export async function startTemporalService(options: StartOptions): Promise<TemporalService> {
  const dataDirectory = resolve(options.dataDirectory);
  const logFile = resolve(options.logFile ?? join(dataDirectory, 'temporal.log'));
  await prepareDataDirectory(dataDirectory, options.onProgress);
  await mkdir(dirname(logFile), { recursive: true });
  const settings = { ...options, dataDirectory, logFile };
  const service = await startOrAdopt(settings);
  await prepareSearchAttributes(service, options.onProgress);
  return service;
}

function startOrAdopt(options: LaunchSettings): Promise<TemporalService> {
  if (options.ephemeral === true) return launch(options);
  return withStartLock(
    join(options.dataDirectory, 'temporal.lock'),
    { what: 'the Temporal service', onProgress: options.onProgress, signal: options.signal },
    async () => (await adoptRunningService(options)) ?? (await launch(options)),
  );
}

/** Makes it private. Writes and removes a file, because only that shows whether there is space and permission. */
export async function prepareDataDirectory(path: string, onProgress?: Progress): Promise<void> {
  try {
    const { wasOpen } = makePrivateFolder(path);
    if (wasOpen) onProgress?.(`${path} was open to other users of this machine; it is closed to them now`);
    const probe = join(path, `.writable-${randomUUID()}`);
    await writeFile(probe, 'x'.repeat(4096));
    await rm(probe);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOSPC' || systemCodeOf(error) === 'EDQUOT') {
      throw new TemporalServiceError('diskFull', `No space is left for ${path}. Free some, or choose another.`, error);
    }
    throw new TemporalServiceError(
      'directoryUnwritable',
      `The directory ${path} cannot be made or written: ${reasonOf(error)}. Correct that, or choose another one.`,
      error,
    );
  }
}

type LaunchSettings = StartOptions & { dataDirectory: string; logFile: string };

async function launch(options: LaunchSettings): Promise<TemporalService> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    // A required port that another process holds is refused here, by name.
    const plan = await planLaunch(options);
    try {
      return await launchOnce(options, plan);
    } catch (error) {
      const collided = error instanceof TemporalServiceError && error.code === 'portTaken';
      if (!collided || attempt === LAUNCHES) throw error;
      options.onProgress?.('A port was taken by another process while the Temporal service started; trying others');
    }
  }
}

async function launchOnce(options: LaunchSettings, plan: LaunchPlan): Promise<TemporalService> {
  const logFrom = await rotateLog(options.logFile);
  const toError = async (how: string) =>
    toStartError({ where: plan.where, how, logFile: options.logFile, log: await readLog(options.logFile, logFrom) });
  const child = await spawnServer(options.binary.path, plan.args, options).catch(async (error: unknown) => {
    throw await toError(reasonOf(error));
  });
  const mark = (await markOf(child.pid)) ?? { pid: child.pid, startedAt: '' };
  let guard: LoopbackListener | undefined;
  // The port of the UI is free again when the end of the service is known.
  const exited = child.exited.then(async (exit) => {
    await guard?.close();
    return exit;
  });
  const stop = () => stopChild(options, exited, mark);
  try {
    if (options.ephemeral !== true) await noteDown(options, plan, mark);
    await becomeReady(child.exited, plan, options, toError);
    await requireOurs(plan, child.pid);
    await requireClosedHttpApi(plan, options.binary);
    guard = await guardUi(plan.ip, plan.uiPort, plan.ui);
  } catch (error) {
    await stop();
    if (plan.newDatabase !== null) await removeDatabase(plan.newDatabase);
    throw error;
  }
  const { cliVersion, serverVersion } = options.binary;
  let stopped: Promise<void> | undefined;
  return {
    ...{ address: plan.address, uiUrl: plan.uiUrl, namespace: plan.namespace },
    ...{ pid: child.pid, version: { cli: cliVersion, server: serverVersion } },
    ...{ reused: false, orphaned: false, exited },
    stop: () => (stopped ??= stop()),
  };
}

interface LaunchPlan {
  namespace: string;
  ip: string;
  port: number;
  httpPort: number;
  uiPort: number | null;
  /** Where the UI listens behind its guard. */
  ui: { ip: string; port: number } | null;
  address: string;
  uiUrl: string | null;
  args: string[];
  /** Path of a database that this launch creates; null if it existed. */
  newDatabase: string | null;
  /** For messages: addresses, program, database. */
  where: string;
}

async function planLaunch(options: LaunchSettings): Promise<LaunchPlan> {
  const ip = options.ip ?? '127.0.0.1';
  const namespace = options.namespace ?? 'default';
  const { port, uiPort } = await portsFor(options, ip);
  const durable = options.ephemeral !== true;
  const database = join(options.dataDirectory, durable ? 'temporal.db' : `temporal-${port}.db`);
  // Not in memory: the server closes its only connection now and then, and that database would be gone
  // (https://github.com/temporalio/temporal/issues/3784).
  if (durable) await assertDatabase(database);
  else await removeDatabase(database);
  const { path, serverVersion } = options.binary;
  const { dynamicConfig = [] } = options;
  const address = `${ip}:${port}`;
  const httpPort = await findFreePort(ip);
  const ui = uiPort === null ? null : await pickUiPlace(ip);
  return {
    ...{ namespace, ip, port, httpPort, uiPort, ui, address },
    uiUrl: uiPort === null ? null : `http://${ip}:${uiPort}`,
    newDatabase: existsSync(database) ? null : database,
    args: toServerArguments({ ip, port, httpPort, ui, namespace, database, durable, serverVersion, dynamicConfig }),
    where: [address, path, database].join(', '),
  };
}

async function noteDown(options: LaunchSettings, plan: LaunchPlan, mark: ProcessMark): Promise<void> {
  const { address, uiUrl, port, uiPort, ui } = plan;
  const uiUpstream = ui === null ? null : `${ui.ip}:${ui.port}`;
  const { cliVersion, serverVersion } = options.binary;
  const owner = (await markOf(process.pid)) ?? { pid: process.pid, startedAt: '' };
  writeRecord(options.dataDirectory, {
    ...{ ...mark, address, uiUrl, port, uiPort, uiUpstream },
    ...{ cliVersion, serverVersion, owner },
  });
}

async function portsFor(options: LaunchSettings, ip: string): Promise<{ port: number; uiPort: number | null }> {
  const wantedPort = options.port ?? (options.ephemeral === true ? 0 : undefined);
  const wantedUiPort = options.uiPort === undefined && options.ephemeral === true ? null : options.uiPort;
  const pair = await choosePorts(
    {
      ...(wantedPort === undefined ? {} : { port: wantedPort }),
      ...(wantedUiPort === undefined ? {} : { uiPort: wantedUiPort }),
    },
    ip,
    options.preferredPorts,
  );
  const preferred = options.preferredPorts?.port ?? 7233;
  if (wantedPort === undefined && pair.port !== preferred) {
    options.onProgress?.(`Port ${preferred} or its UI port is in use: the Temporal service takes port ${pair.port}`);
  }
  return pair;
}

async function becomeReady(
  exited: Promise<ServiceExit>,
  { address, namespace }: LaunchPlan,
  options: LaunchSettings,
  toError: (how: string) => Promise<TemporalServiceError>,
): Promise<void> {
  const ended = new AbortController();
  void exited.then((exit) => ended.abort(exit));
  const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
  try {
    await withProgress(
      options.onProgress,
      () => `Starting the Temporal service on ${address}`,
      () => waitUntilReady(address, namespace, { timeoutMs: START_TIMEOUT_MS, signal }),
    );
  } catch (error) {
    if (ended.signal.aborted) throw await toError(`it ended with ${describeExit(await exited)}`);
    options.signal?.throwIfAborted();
    throw await toError(`it was not ready within ${START_TIMEOUT_MS / 1000} s: ${reasonOf(error)}`);
  }
}

/** Checks that the answer is not from another start that has taken the port meanwhile. */
async function requireOurs({ port, where }: LaunchPlan, pid: number): Promise<void> {
  const holder = await findPortHolder(port);
  if (holder === undefined || holder.pid === pid) return;
  const message = `The Temporal service (${where}) could not start: ${holder.name} (pid ${holder.pid}) took port ${port} meanwhile.`;
  throw new TemporalServiceError('portTaken', message);
}

/** Otherwise any open web page on this machine could send messages to threads. */
async function requireClosedHttpApi({ ip, httpPort, where }: LaunchPlan, binary: TemporalBinary): Promise<void> {
  const answer = await fetch(`http://${ip}:${httpPort}/api/v1/namespaces`, {
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  await answer?.body?.cancel();
  if (answer === undefined || answer.status === 403) return;
  throw new TemporalServiceError(
    'startFailed',
    `The Temporal service (${where}) lets every web page use its HTTP API: server ${binary.serverVersion} does not know ` +
      'the setting frontend.httpAllowedHosts. Use a newer Temporal CLI, or let Bobbin obtain one.',
  );
}

function describeExit(exit: ServiceExit): string {
  return exit.signal === null ? `code ${exit.exitCode ?? 'none'}` : exit.signal;
}

async function stopChild(options: LaunchSettings, exited: Promise<ServiceExit>, mark: ProcessMark): Promise<void> {
  await endProcess(mark);
  await exited;
  if (options.ephemeral !== true) removeRecord(options.dataDirectory, mark);
}
