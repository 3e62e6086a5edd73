/** The composition root: adapters into ports, ports into activities, activities and workflows into a worker. */
import { join } from 'node:path';
import {
  type InjectedSinks,
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
  type TunerHolder,
  Worker,
} from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import { createActivities } from '../../activities/index.ts';
import { type ContextCache, createContextCache } from '../../activities/model/context-cache.ts';
import type { Place, Ports, ThreadContext } from '../../activities/ports.ts';
import { openArchive } from '../adapters/archive/open-archive.ts';
import { openStoreCleaner } from '../adapters/cleaning/open-cleaner.ts';
import { createImageFiles } from '../adapters/files/image-files.ts';
import { createPatcher } from '../adapters/files/patcher.ts';
import { assertOpen, assertWorkspace } from '../adapters/files/workspace.ts';
import { createProjectDocs } from '../adapters/files/project-docs.ts';
import { createGit } from '../adapters/git/git.ts';
import { openPacks } from '../adapters/git/packs/open-packs.ts';
import { createManagedWorkspaces } from '../adapters/git/managed/managed-workspaces.ts';
import type { FetchLimits } from '../adapters/git/managed/mirror.ts';
import { createReviewTargets } from '../adapters/git/targets/review-targets.ts';
import { tokensOf } from '../adapters/credentials/tokens-of.ts';
import { startLauncher } from '../adapters/launcher/launcher.ts';
import { createIdentityAdapter } from '../adapters/identity/identity-adapter.ts';
import { machine } from '../adapters/machine.ts';
import { createMcp } from '../adapters/mcp/mcp-adapter.ts';
import { createAbilities } from '../adapters/model/abilities.ts';
import { createCatalog } from '../adapters/model/catalog/catalog.ts';
import { createContextLimits } from '../adapters/model/context-windows.ts';
import { createModels } from '../adapters/model/models.ts';
import { typeOfProvider } from '../adapters/model/providers.ts';
import { createPrices } from '../adapters/model/prices.ts';
import { createSkills } from '../adapters/skills/skills.ts';
import { createTrustedSkills } from '../adapters/skills/trusted-skills.ts';
import { type HostFile, markMachine, newHost, openHostFile } from '../folders/host-file.ts';
import { findOwnSettings } from '../folders/own-settings.ts';
import { followLinks } from '../folders/real-path.ts';
import { createS3Store } from '../adapters/store/s3-store.ts';
import type { Store } from '../adapters/store/store.ts';
import { createSupervisedCommands } from '../adapters/shell/supervisor/supervised-commands.ts';
import { type OwnHost, claimHost, createHostDirectory } from './directories/host-directory.ts';
import { createIdentityDirectory } from './directories/identity-directory.ts';
import { createLedgerDirectory } from './directories/ledger-directory.ts';
import { createRulesDirectory } from './directories/rules-directory.ts';
import { createSearchAttributePort } from './directories/search-attributes.ts';
import { serviceIdOf } from '../client/threads/thread-folders.ts';
import { connectService } from '../client/service.ts';
import { createThreadLifetimes } from './directories/thread-lifetimes.ts';
import { createThreadReader } from './directories/thread-reader.ts';
import { toWorkflowId } from '../contract/index.ts';
import { toHostQueue } from '../contract/plain/hosts.ts';
import type { ThreadSinks } from '../../workflows/thread/shell/sinks.ts';
import { loadBundle, payloadConverterPath } from './bundle.ts';
import type { WorkerConfig } from './config.ts';
import { createStepSlots } from './step-slots.ts';
import { prepareFolders } from './prepare-folders.ts';
import { toRulesHost } from './rules-host.ts';
import { takeOverRules } from './take-over-rules.ts';
import { createOwnTasks } from './own-code/tasks.ts';
import { createOwnTools } from './own-code/tools.ts';
import { type LocalLooks, createLookRegistry, lookAt } from './look-registry.ts';
import { type LocalSteps, createStepRegistry } from './step-registry.ts';

export interface WorkerTarget {
  connection: NativeConnectionOptions & { address: string };
  namespace: string;
}

export interface RunningWorker {
  /** The host whose steps it runs. */
  hostId: string;
  /** Resolves when the worker has stopped, rejects if it failed. */
  done: Promise<void>;
  /** False before it has begun, and from the moment on at which it takes no new work. */
  isServing(): boolean;
  /** Takes no new work, gives running steps the grace time, then ends them. */
  stop(): Promise<void>;
}

const VERSION = '0.1.0';

/** @param extend replaces ports by others: those of the operator's own code, or of a test */
export async function runWorker(
  target: WorkerTarget,
  config: WorkerConfig,
  env: NodeJS.ProcessEnv,
  extend: (ports: Ports) => Ports = (ports) => ports,
): Promise<RunningWorker> {
  const service = await connectService({
    connection: target.connection,
    namespace: target.namespace,
    taskQueue: config.taskQueue,
  });
  prepareFolders(config, warn);
  startLauncher();
  const own = ownHost(config);
  const [connection] = await Promise.all([
    NativeConnection.connect(target.connection),
    claimHost(service, own, { say: warn }),
  ]);
  const rulesHost = toRulesHost(own, config);
  await takeOverRules(service, { directory: config.rulesDirectory, host: rulesHost }, warn);
  const steps = createStepRegistry();
  const looks = createLookRegistry();
  const serviceId = await serviceIdOf(service);
  const ports = extend(createPorts(config, env, { steps, looks }, service, { own, rulesHost, serviceId }));
  const contexts = createContextCache(ports);
  const common = {
    connection,
    namespace: target.namespace,
    dataConverter: { payloadConverterPath: payloadConverterPath() },
    activities: { ...createActivities(ports, contexts) },
    // The longest time until a step notices a cancellation that comes with a heartbeat.
    maxHeartbeatThrottleInterval: config.heartbeatEveryMs,
    shutdownGraceTime: config.shutdownGraceMs,
  };
  const workflowBundle = await loadBundle(config);
  // The start may have taken so long that another machine has the host by now.
  await claimHost(service, own, { say: warn });
  const workers = await Promise.all([
    Worker.create({
      ...common,
      tuner: toTuner(config),
      taskQueue: config.taskQueue,
      workflowBundle,
      sinks: toSinks({ steps, contexts, looks }, ports, config),
      // How long a thread waits for a worker that is gone.
      stickyQueueScheduleToStartTimeout: '1s',
      maxCachedWorkflows: config.maxCachedThreads,
    }),
    // Without workflows: it takes only the steps of this host.
    Worker.create({ ...common, tuner: toTuner(config), taskQueue: toHostQueue(config.taskQueue, own.hostId) }),
  ]);
  const done = runTogether(workers).finally(async () => {
    await ports.mcp.close();
    await ports.commands.close?.();
    await connection.close();
    await service.close();
  });
  return {
    done,
    hostId: own.hostId,
    isServing: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    async stop() {
      shutDown(workers);
      await done;
    },
  };
}

/** What is not about steps is as by default. */
function toTuner({ maxSteps }: WorkerConfig): TunerHolder {
  const ofSize = (numSlots: number) => ({ type: 'fixed-size', numSlots }) as const;
  return {
    workflowTaskSlotSupplier: ofSize(40),
    activityTaskSlotSupplier: createStepSlots(maxSteps),
    localActivityTaskSlotSupplier: ofSize(100),
    nexusTaskSlotSupplier: ofSize(100),
  };
}

/** The end of one ends the other: a host without one of them would leave threads waiting. */
async function runTogether(workers: readonly Worker[]): Promise<void> {
  const runs = workers.map((worker) => worker.run().finally(() => shutDown(workers)));
  const ends = await Promise.allSettled(runs);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

function shutDown(workers: readonly Worker[]): void {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
}

function ownHost({ stateDirectory, hostId, hostGroup }: WorkerConfig): OwnHost {
  const kept = keptHost(stateDirectory);
  const group = hostGroup === undefined ? {} : { group: hostGroup };
  return { ...kept, ...group, machine: markMachine(), hostId: hostId ?? kept.hostId };
}

/** A data folder that cannot be written costs the id at each start; the steps that need the folder fail anyway. */
function keptHost(stateDirectory: string): HostFile {
  try {
    return openHostFile(stateDirectory);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    warn(`The id of this host cannot be kept: ${error.message}`);
    return newHost();
  }
}

/** What the threads of this process share with its steps. */
interface Local {
  steps: LocalSteps;
  contexts: ContextCache;
  looks: LocalLooks;
}

/** Calls from the threads of this process, without the service. Never during a replay. */
function toSinks({ steps, contexts, looks }: Local, ports: Ports, config: WorkerConfig): InjectedSinks<ThreadSinks> {
  const threadOf = ({ workflowId }: WorkflowInfo) => workflowId.slice(toWorkflowId('').length);
  return {
    steps: {
      stop: {
        fn(info, actionId) {
          if (config.localStop) steps.stop(threadOf(info), actionId);
        },
      },
    },
    contexts: {
      offer: {
        fn(info, context: ThreadContext) {
          const { runId, continuedFromExecutionRunId: continuedFrom } = info;
          contexts.offer(threadOf(info), context, { runId, continuedFrom });
        },
      },
    },
    looks: {
      begin: {
        fn: (info, actionId, place: Place) => looks.begin(threadOf(info), actionId, () => lookAt(ports, place)),
      },
    },
  };
}

export const warn = (line: string): void => void Runtime.instance().logger.warn(line);

function toSealed({ store, storeKey: key }: WorkerConfig): { store: Store; key: Buffer } | undefined {
  if (store === undefined || key === undefined) return undefined;
  return { store: createS3Store({ ...store, prefix: `${store.prefix}keys/` }), key };
}

function createPorts(
  config: WorkerConfig,
  env: NodeJS.ProcessEnv,
  { steps, looks }: Pick<Local, 'steps' | 'looks'>,
  service: Awaited<ReturnType<typeof connectService>>,
  { own, rulesHost, serviceId }: { own: OwnHost; rulesHost: string; serviceId: string },
): Ports {
  const { accounts, closedFolders, deniedPaths, contextWindow, autoCompactTokens } = config;
  const { models, providers } = config.ownModels;
  const catalog = createCatalog(models, (provider) => typeOfProvider(provider, providers) ?? provider);
  const unreadable = [...closedFolders, config.workspacesDirectory, ...deniedPaths];
  const workspaces = createManagedWorkspaces({
    directory: config.workspacesDirectory,
    records: config.clonesDirectory,
    data: config.stateDirectory,
    service: serviceId,
    limits: toFetchLimits(config),
    allowHttp: config.fetching.allowHttp,
    closed: unreadable,
  });
  const snapshots = { directory: config.stateDirectory, apart: closedFolders, closed: unreadable };
  return {
    models: createModels({
      env,
      providers,
      effortsOf: (model) => catalog(model).efforts,
      ...(config.offlineModelUrl === undefined ? {} : { offlineUrl: config.offlineModelUrl }),
    }),
    contextLimits: createContextLimits(catalog, {
      ...(contextWindow === undefined ? {} : { contextWindow }),
      ...(autoCompactTokens === undefined ? {} : { autoCompactTokens }),
    }),
    abilities: createAbilities(catalog),
    prices: createPrices(catalog),
    commands: createSupervisedCommands({
      stateDirectory: config.stateDirectory,
      hostId: own.hostId,
      hiddenFolders: [...closedFolders, config.workspacesDirectory],
      deniedPaths,
      shownFolders: [config.skillsDirectory],
      limits: config.commandLimits,
      network: config.network,
      log: warn,
    }),
    mcp: createMcp({
      servers: config.mcpServers,
      stateDirectory: config.stateDirectory,
      hostId: own.hostId,
      version: VERSION,
      env,
      log: warn,
    }),
    tools: createOwnTools([], warn),
    tasks: createOwnTasks([], warn),
    patches: createPatcher({ closedFolders, deniedPaths }),
    imageFiles: createImageFiles({
      stateDirectory: config.stateDirectory,
      closed: unreadable,
      shown: [config.skillsDirectory],
    }),
    projectDocs: createProjectDocs({ deniedPaths: [...deniedPaths, ...closedFolders] }),
    skills: createSkills({
      own: config.skillsDirectory,
      trusted: createTrustedSkills(config.trustedSkillsDirectory),
      closed: unreadable,
    }),
    webSearch: config.webSearch,
    ownInstructions: config.ownInstructions,
    git: createGit(snapshots),
    packs: openPacks(config, service.namespace, snapshots),
    workspaces,
    machine,
    targets: createReviewTargets({ directory: config.workspacesDirectory, closed: unreadable, ...config.fetching }),
    identity: createIdentityAdapter({
      identityUrl: config.identityUrl ?? 'http://identity.invalid',
      keyDirectory: config.keyDirectory,
      sealed: toSealed(config),
      version: VERSION,
      runningLocation: `bobbin-${process.platform}`,
      accessToken: tokensOf(accounts, env),
    }),
    identityPolicy: (account) => accounts.of(account).mode,
    identities: createIdentityDirectory(service),
    ledgers: createLedgerDirectory(service),
    archive: openArchive(config),
    cleaner: openStoreCleaner(config, service.namespace, createThreadLifetimes(service)),
    rules: createRulesDirectory(service, rulesHost, (gitFolder) => workspaces.originOf(gitFolder)),
    threads: createThreadReader(service),
    hosts: createHostDirectory(service, own),
    steps,
    looks,
    defaults: config.defaults,
    searchAttributes: createSearchAttributePort(service, config.searchAttributes),
    requireWorkspace(cwd, root) {
      assertWorkspace(cwd, root);
      assertOpen(cwd, closedFolders);
    },
    ownSettingsIn: (cwd) => findOwnSettings(cwd, env),
    rootOf: followLinks,
    worktreeOf: (threadId) => join(config.workspacesDirectory, 'worktrees', toFolderName(threadId)),
    heartbeatEveryMs: config.heartbeatEveryMs,
    maxOutputBytes: config.maxOutputBytes,
  };
}

function toFetchLimits({ fetching, maxRepositoryBytes: maxBytes, maxMirrorBytes }: WorkerConfig): FetchLimits {
  return { deadlineMs: fetching.fetchTimeoutMs, idleMs: fetching.fetchIdleMs, maxBytes, maxMirrorBytes };
}

/** Two ids never share a folder, even on a file system that ignores case. */
function toFolderName(threadId: string): string {
  return threadId.replace(/[^a-z0-9_-]/g, (unit) => `=${unit.charCodeAt(0).toString(16)}`);
}
