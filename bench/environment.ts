/** What all parts measure on: one Temporal service as `bobbin dev` runs it, the stand-ins, a workspace, workers on demand. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bobbin, connectBobbin } from '../src/client/index.ts';
import { findTemporalBinary } from '../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../src/dev/temporal-service/types.ts';
import { type Child, startChild } from './processes/child.ts';
import type { ServedRequest, ServicesReady } from './processes/services.ts';

export interface TestEnvironment extends AsyncDisposable {
  temporal: TemporalService;
  services: ServicesReady;
  /** A git repository with one commit. */
  repository: string;
  /** A folder that goes away with the stand. */
  root: string;
  progress: (line: string) => void;
  /** Requests that the stand-ins have answered since the last call. */
  takeRequests(): Promise<ServedRequest[]>;
  delayRegistrations(delayMs: number): Promise<void>;
  /** A Bobbin worker in a separate process, on its own task queue unless one is given, and a client for it. */
  bobbin(options?: WorkerOptions): Promise<BobbinWorker>;
  /** The same for the bare workflow. */
  bare(): Promise<BareWorker>;
}

export interface WorkerOptions {
  taskQueue?: string;
  env?: Record<string, string>;
  /** Loads the probe, which tells of memory and of outgoing calls. */
  probed?: boolean;
}

export interface BobbinWorker extends AsyncDisposable {
  child: Child;
  bobbin: Bobbin;
  taskQueue: string;
}

export interface BareWorker extends AsyncDisposable {
  child: Child;
  service: Bobbin['service'];
}

export async function openEnvironment(progress: (line: string) => void, signal: AbortSignal): Promise<TestEnvironment> {
  const cleanUps: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  };
  try {
    return await assemble(progress, signal, cleanUps, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(
  progress: (line: string) => void,
  signal: AbortSignal,
  cleanUps: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<TestEnvironment> {
  const root = mkdtempSync(join(tmpdir(), 'bobbin-bench-'));
  cleanUps.push(() => rm(root, { recursive: true, force: true }));
  const temporal = await startTemporal(root, progress, signal);
  cleanUps.push(() => temporal.stop());
  const { child, ready } = await startChild<ServicesReady>({
    name: 'The process of the stand-ins',
    entry: new URL('./processes/services.ts', import.meta.url),
    env: baseEnvironment(),
    logFile: join(root, 'services.log'),
  });
  cleanUps.push(() => child.stop());
  const env = {
    ...baseEnvironment(),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    BOBBIN_DATA_DIR: join(root, 'data'),
    BOBBIN_OFFLINE_MODEL_URL: ready.modelUrl,
    BOBBIN_IDENTITY_URL: ready.identityUrl,
    BOBBIN_IDENTITY_TOKEN: 'bench',
    BOBBIN_SHUTDOWN_GRACE_MS: '1000',
    BOBBIN_LOG_LEVEL: 'WARN',
  };
  const connect = async (taskQueue: string) => {
    const { address, namespace } = temporal;
    // Not closed: it goes away with the process, and a call that is to be repeated does not take a closed one well.
    return await connectBobbin({ connection: { address }, namespace, taskQueue });
  };
  const launch = async (name: string, entry: URL, taskQueue: string, options: WorkerOptions) => {
    const { child: worker } = await startChild({
      name,
      entry,
      execArgv: options.probed === true ? PROBE : [],
      // The identity of an account is kept on the task queue that asked for it first.
      env: { ...env, ...options.env, BOBBIN_TASK_QUEUE: taskQueue, BOBBIN_IDENTITY_ACCOUNT: taskQueue },
      logFile: join(root, `${taskQueue}.log`),
    });
    cleanUps.push(() => worker.stop());
    return worker;
  };
  return {
    temporal,
    services: ready,
    repository: makeRepository(join(root, 'repository')),
    root,
    progress,
    takeRequests: async () => (await child.ask<{ requests: ServedRequest[] }>({ type: 'takeRequests' })).requests,
    async delayRegistrations(delayMs) {
      await child.ask({ type: 'delayRegistrations', ...{ delayMs } });
    },
    async bobbin(options = {}) {
      const taskQueue = options.taskQueue ?? `bobbin-${randomUUID()}`;
      const worker = await launch('A Bobbin worker', BOBBIN_WORKER, taskQueue, options);
      const bobbin = await connect(taskQueue);
      return { child: worker, bobbin, taskQueue, [Symbol.asyncDispose]: () => worker.stop() };
    },
    async bare() {
      const taskQueue = `bare-${randomUUID()}`;
      const worker = await launch('The bare worker', BARE_WORKER, taskQueue, {});
      const { service } = await connect(taskQueue);
      return { child: worker, service, [Symbol.asyncDispose]: () => worker.stop() };
    },
    [Symbol.asyncDispose]: close,
  };
}

const BOBBIN_WORKER = new URL('../src/worker/main.ts', import.meta.url);
const BARE_WORKER = new URL('./bare/worker.ts', import.meta.url);
const PROBE = ['--expose-gc', '--import', new URL('./processes/probe.ts', import.meta.url).href];

async function startTemporal(root: string, onProgress: (line: string) => void, signal: AbortSignal) {
  const binary = await findTemporalBinary({ allowDownload: true, onProgress, signal });
  const service = await startTemporalService({
    binary,
    dataDirectory: join(root, 'temporal'),
    port: 0,
    uiPort: 0,
    signal,
  });
  // The last resort, where the bench itself ends without having stopped it.
  process.on('exit', () => {
    try {
      process.kill(service.pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  });
  return service;
}

/** Nothing of the caller's own settings may change what is measured, and no key may reach a model. */
function baseEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'USER'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function makeRepository(cwd: string): string {
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'README.md'), '# A repository of the bench\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', ...args], { cwd });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'Begin');
  return cwd;
}
