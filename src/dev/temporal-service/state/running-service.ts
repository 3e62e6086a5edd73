import { setTimeout as sleep } from 'node:timers/promises';
import type { LoopbackListener } from '../../loopback-http.ts';
import { isAlive, markOf } from '../../../folders/process-mark.ts';
import { withProgress } from '../obtain/progress.ts';
import { waitUntilReady } from '../run/readiness.ts';
import { endProcess } from '../run/server-process.ts';
import type { ServiceExit } from '../run/server-process.ts';
import { TemporalServiceError, reasonOf } from '../run/service-error.ts';
import { readRecord, removeRecord, writeRecord } from './service-record.ts';
import type { ServiceRecord } from './service-record.ts';
import type { StartOptions, TemporalService } from '../types.ts';
import { guardUi } from '../run/ui-guard.ts';

const ANSWER_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 250;

/**
 * Finds the running service of this data by the record of its start. Undefined if none is running; removes the record
 * of an ended one. Throws `serviceUnresponsive` if one is alive and does not answer, because a second one on the same
 * database would lose data.
 */
export async function adoptRunningService(options: StartOptions): Promise<TemporalService | undefined> {
  const record = readRecord(options.dataDirectory);
  if (record === undefined) return undefined;
  if (!(await isAlive(record))) {
    removeRecord(options.dataDirectory, record);
    return undefined;
  }
  const namespace = options.namespace ?? 'default';
  if (!(await answers(record, namespace, options))) return undefined;
  const orphaned = !(await isAlive(record.owner));
  const mayStop = options.stopReused === true || (options.stopReused === 'orphaned' && orphaned);
  if (mayStop && orphaned && record.uiUpstream === undefined) {
    // A service of an earlier release answers every web page, so it is restarted. Its data is on disk.
    await end(options.dataDirectory, record);
    return undefined;
  }
  options.onProgress?.(`Found the Temporal service of this data directory running on ${record.address}`);
  const guard = orphaned ? await guardAgain(record) : undefined;
  const served = { ...record, uiUrl: guard?.url ?? record.uiUrl };
  if (mayStop) await takeOver(options.dataDirectory, served);
  return toService(served, { namespace, orphaned, mayStop, dataDirectory: options.dataDirectory, guard });
}

/** The guard of the UI has ended with the process that started the service. */
async function guardAgain({ address, uiPort, uiUpstream }: ServiceRecord): Promise<LoopbackListener | undefined> {
  if (!uiUpstream) return undefined;
  const [ip, ui] = [address, uiUpstream].map((place) => new URL(`http://${place}`));
  const place = { ip: ui?.hostname ?? '', port: Number(ui?.port) };
  const open = (port: number | null) => guardUi(ip?.hostname ?? '', port, place);
  return await open(uiPort).catch(() => open(0));
}

/** False if the service ended meanwhile. */
async function answers(record: ServiceRecord, namespace: string, options: StartOptions): Promise<boolean> {
  const timeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  try {
    await withProgress(
      options.onProgress,
      () => `Waiting for the Temporal service that runs on ${record.address} (pid ${record.pid})`,
      () => waitUntilReady(record.address, namespace, { timeoutMs, signal: options.signal }),
    );
    return true;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(await isAlive(record))) return false;
    throw new TemporalServiceError(
      'serviceUnresponsive',
      `The Temporal service of ${options.dataDirectory} runs as pid ${record.pid} but does not answer on ` +
        `${record.address}: ${reasonOf(error)}. End it with \`kill ${record.pid}\` and start again.`,
      error,
    );
  }
}

async function takeOver(dataDirectory: string, record: ServiceRecord): Promise<void> {
  const self = await markOf(process.pid);
  if (self !== undefined) writeRecord(dataDirectory, { ...record, owner: self });
}

function toService(
  record: ServiceRecord,
  found: {
    namespace: string;
    orphaned: boolean;
    mayStop: boolean;
    dataDirectory: string;
    guard: LoopbackListener | undefined;
  },
): TemporalService {
  const { address, uiUrl, pid, cliVersion, serverVersion } = record;
  const stop = async () => {
    await found.guard?.close();
    if (found.mayStop) await end(found.dataDirectory, record);
  };
  let stopped: Promise<void> | undefined;
  return {
    ...{ address, uiUrl, pid, namespace: found.namespace, version: { cli: cliVersion, server: serverVersion } },
    ...{ reused: true, orphaned: found.orphaned, exited: watchExit(record).finally(() => found.guard?.close()) },
    stop: () => (stopped ??= stop()),
  };
}

async function end(dataDirectory: string, record: ServiceRecord): Promise<void> {
  await endProcess(record);
  removeRecord(dataDirectory, record);
}

/** Polls, because the process is not our child. Does not keep this process running. */
async function watchExit(record: ServiceRecord): Promise<ServiceExit> {
  while (await isAlive(record)) await sleep(LOOK_EVERY_MS, undefined, { ref: false });
  return { exitCode: null, signal: null };
}
