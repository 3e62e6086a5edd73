/** The embedded stack of `bobbin dev`: a Temporal service, a worker, and local substitutes for what has no key or URL. */
import { type ModelChoice, describeModelChoice } from '../adapters/model/models.ts';
import { endSupervisors } from '../adapters/shell/supervisor/supervised-commands.ts';
import { connectBobbin } from '../client/index.ts';
import { DEFAULT_TASK_QUEUE } from '../contract/index.ts';
import { dataLayout } from '../folders/folders.ts';
import { readVariable } from '../folders/variables.ts';
import { connectTarget } from './temporal-service/run/connect-target.ts';
import { findTemporalBinary } from './temporal-service/obtain/binary.ts';
import { startTemporalService } from './temporal-service/service.ts';
import type { TemporalService } from './temporal-service/types.ts';
import { startIdentityService } from './identity-service/server.ts';
import { type KeptProcess, type RunningProcess, keepRunning } from './keep-running.ts';
import { startModelServer } from './model-server/server.ts';
import { type WorkerProcess, startWorkerProcess } from './worker-process.ts';
import type { WorkerSettings } from './worker-settings.ts';

export interface StackOptions {
  /** Absolute path. The stack stores everything in it. */
  dataDirectory: string;
  env: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
  signal: AbortSignal;
  /** Starts the page; left out for none. A page that cannot start is no reason to stop the stack. */
  startPage?: (stack: Omit<StackAddresses, 'pageUrl'>) => Promise<PagePart>;
}

/** The addresses that other commands need; stored in `dev.json`. */
export interface StackAddresses {
  address: string;
  namespace: string;
  taskQueue: string;
  uiUrl: string | null;
  /** Without the token; null if the stack serves no page. */
  pageUrl: string | null;
}

export interface Stack extends StackAddresses {
  /** One line per part. */
  parts: { name: string; text: string }[];
  model: ModelChoice;
  /** Of all its workers. */
  workerSettings: WorkerSettings;
  /** Whether what a model needs is there: its key, or the offline model server. */
  canUse(model: string): boolean;
  /** Ends every process that this stack started, and only those. Idempotent. */
  stop(): Promise<void>;
}

interface Part {
  name: string;
  text: string;
  stop(): Promise<void>;
}

export interface PagePart extends Part {
  pageUrl: string | null;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Part[] = [];
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= stopAll(started));
  try {
    const temporal = await startTemporal(options);
    started.push(temporal);
    const model = await startModel(options);
    started.push(model);
    const identity = await startIdentity(options, model.choice);
    started.push(identity);
    const workerSettings = { ...model.settings, ...identity.settings };
    const worker = await startWorker(options, temporal, workerSettings);
    started.push(worker);
    const { address, namespace, uiUrl } = temporal;
    const taskQueue = readVariable(options.env, 'BOBBIN_TASK_QUEUE') ?? DEFAULT_TASK_QUEUE;
    const page = await options.startPage?.({ address, namespace, uiUrl, taskQueue });
    if (page !== undefined) started.push(page);
    const parts = started.map(({ name, text }) => ({ name, text }));
    const pageUrl = page?.pageUrl ?? null;
    const canUse = (name: string): boolean =>
      describeModelChoice({ ...options.env, BOBBIN_MODEL: name }, model.url).problem === undefined;
    return {
      ...{ address, namespace, uiUrl, pageUrl, taskQueue },
      ...{ parts, model: model.choice, workerSettings, canUse, stop },
    };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

/**
 * In the reverse order of starting, because the worker needs the service to drain. All of them, also if one cannot be
 * stopped; then rejects with the first reason.
 */
async function stopAll(started: Part[]): Promise<void> {
  const problems: unknown[] = [];
  for (const part of started.reverse()) await part.stop().catch((error: unknown) => problems.push(error));
  if (problems.length > 0) throw problems[0];
}

async function startTemporal({
  env,
  dataDirectory,
  onProgress,
  signal,
}: StackOptions): Promise<Part & StackAddressesOfService> {
  const target = connectTarget(env);
  if (target !== undefined) {
    const { address } = target.connectionOptions;
    // Checked before the worker starts, to report it clearly.
    const bobbin = await connectBobbin({ connection: target.connectionOptions, namespace: target.namespace });
    await bobbin.close();
    const text = `${address}, namespace ${target.namespace} (${target.namedBy})`;
    const uiUrl = readVariable(env, 'TEMPORAL_UI_URL') ?? null;
    return { name: 'Temporal', text, address, namespace: target.namespace, uiUrl, stop: () => Promise.resolve() };
  }
  const binary = await findTemporalBinary({ allowDownload: true, onProgress, signal, env });
  const kept = await keepService(
    (ports, stopping) =>
      startTemporalService({
        ...{ binary, dataDirectory, onProgress, env, stopReused: 'orphaned', ...ports },
        signal: AbortSignal.any([signal, stopping]),
      }),
    onProgress,
  );
  const { service } = kept.current();
  const how = service.reused ? 'found running' : `server ${service.version.server}`;
  return {
    name: 'Temporal',
    text: `${service.address} (${how}, data in ${dataDirectory})`,
    address: service.address,
    namespace: service.namespace,
    uiUrl: service.uiUrl,
    stop: () => kept.stop(),
  };
}

interface Ports {
  port?: number;
  uiPort?: number;
}

/** Restarts a service that ends unexpectedly, on the same data and ports. Nothing that was acknowledged is lost. */
function keepService(
  start: (ports: Ports, stopping: AbortSignal) => Promise<TemporalService>,
  onProgress: (line: string) => void,
): Promise<KeptProcess<RunningProcess & { service: TemporalService }>> {
  let ports: Ports = {};
  return keepRunning({
    what: 'the Temporal service',
    onProgress,
    async start(stopping) {
      const service = await start(ports, stopping);
      ports = portsOf(service);
      const exited = service.exited.then(({ exitCode, signal }) => signal ?? `exit code ${exitCode ?? 0}`);
      return { service, exited, stop: () => service.stop() };
    },
  });
}

function portsOf({ address, uiUrl }: TemporalService): Ports {
  const port = Number(address.split(':').at(-1));
  return uiUrl === null ? { port } : { port, uiPort: Number(new URL(uiUrl).port) };
}

type StackAddressesOfService = Pick<StackAddresses, 'address' | 'namespace' | 'uiUrl'>;

/** A part that workers find by settings. */
interface ServerPart extends Part {
  settings: WorkerSettings;
}

async function startModel({
  env,
}: StackOptions): Promise<ServerPart & { url: string | undefined; choice: ModelChoice }> {
  const given = readVariable(env, 'BOBBIN_OFFLINE_MODEL_URL');
  const real = describeModelChoice(env, given);
  if (real.via !== 'offline' || given !== undefined) {
    return {
      name: 'Model',
      text: `${real.model} (key ${real.key})`,
      url: given,
      choice: real,
      settings: given === undefined ? {} : { BOBBIN_OFFLINE_MODEL_URL: given },
      stop: () => Promise.resolve(),
    };
  }
  const server = await startModelServer({});
  const choice = describeModelChoice(env, server.url);
  const text = `${choice.model}, the offline model server at ${server.url} (set OPENAI_API_KEY for a real one)`;
  const settings = { BOBBIN_OFFLINE_MODEL_URL: server.url };
  return { name: 'Model', text, url: server.url, choice, settings, stop: () => server.close() };
}

/** Real model endpoints do not accept what the reference service signs, so it is only used with the offline model. */
async function startIdentity({ env, dataDirectory }: StackOptions, model: ModelChoice): Promise<ServerPart> {
  const given = readVariable(env, 'BOBBIN_IDENTITY_URL');
  const stop = () => Promise.resolve();
  if (given !== undefined) return { name: 'Identity', text: given, settings: { BOBBIN_IDENTITY_URL: given }, stop };
  if (model.via !== 'offline') {
    const text = 'none: requests carry the key of the model (set BOBBIN_IDENTITY_URL for agent assertions)';
    return { name: 'Identity', text, settings: {}, stop };
  }
  const server = await startIdentityService({ stateFile: dataLayout(dataDirectory).identities });
  return {
    name: 'Identity',
    text: `the reference identity service at ${server.url} (set BOBBIN_IDENTITY_URL for a real one)`,
    settings: { BOBBIN_IDENTITY_URL: server.url, ...referenceToken(env) },
    stop: () => server.close(),
  };
}

/** The reference service accepts any token, and reports that. */
function referenceToken(env: NodeJS.ProcessEnv): WorkerSettings {
  const own = ['BOBBIN_IDENTITY_TOKEN', 'BOBBIN_IDENTITY_TOKEN_FILE'].find((name) => readVariable(env, name));
  return own === undefined ? { BOBBIN_IDENTITY_TOKEN: 'reference' } : {};
}

async function startWorker(
  options: StackOptions,
  temporal: StackAddressesOfService,
  settings: WorkerSettings,
): Promise<Part> {
  const external = connectTarget(options.env) !== undefined;
  const worker: WorkerProcess = await startWorkerProcess({
    logFile: dataLayout(options.dataDirectory).workerLog,
    onProgress: options.onProgress,
    signal: options.signal,
    env: {
      ...options.env,
      ...(external ? {} : { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace }),
      BOBBIN_DATA_DIR: options.dataDirectory,
      ...settings,
    },
  });
  return {
    name: 'Worker',
    text: `process ${worker.pid}, log in ${dataLayout(options.dataDirectory).workerLog}`,
    async stop() {
      await worker.stop();
      // Nobody is left who would start the next worker.
      await endSupervisors(options.dataDirectory);
    },
  };
}
