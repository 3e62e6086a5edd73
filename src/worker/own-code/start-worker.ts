/** Starts a worker from code, with the operator's own tools, tasks, model providers, archive and sandbox. */
import { z } from 'zod';
import { describeModelChoice } from '../../adapters/model/models.ts';
import { OFFLINE, PROVIDER_NAMES, providerOf } from '../../adapters/model/provider-table.ts';
import type { ServiceAddress } from '../../client/service.ts';
import { connectTarget } from '../../dev/temporal-service/run/connect-target.ts';
import { readWorkerConfig } from '../config.ts';
import { installRuntimeOnce } from '../runtime.ts';
import { type RunningWorker, type WorkerTarget, runWorker, warn } from '../worker.ts';
import { type OwnArchive, withinTime } from './archive.ts';
import { type OwnTask, type OwnTool, checkTasks, checkTools, refused } from './definitions.ts';
import { type OwnProvider, withProviders } from './providers.ts';
import { type OwnSandbox, SANDBOX_METHODS, withinPromises } from './sandbox.ts';
import { createOwnTasks } from './tasks.ts';
import { createOwnTools } from './tools.ts';
import { readVariable } from '../../folders/variables.ts';

export interface WorkerOptions {
  /** The Temporal service; as the environment says by default (`TEMPORAL_ADDRESS` and others). */
  connection?: Pick<ServiceAddress, 'tls' | 'metadata'> & { address: string; apiKey?: string };
  /** `default` by default. */
  namespace?: string;
  /** The name of the queue; as `BOBBIN_TASK_QUEUE` says by default. Its workers need the same definitions. */
  taskQueue?: string;
  /** `provider/model` of threads that name none; as the environment says by default. */
  model?: string;
  tools?: readonly OwnTool[];
  tasks?: readonly OwnTask[];
  /** By the name that comes before the slash in the name of a model. */
  providers?: Readonly<Record<string, OwnProvider>>;
  /** Where the past of threads is stored; in files by default. */
  archive?: OwnArchive;
  /** How commands run; in a sandbox on this machine by default. */
  sandbox?: OwnSandbox;
  /** All other settings, see docs/configuration.md; the environment of this process by default. */
  env?: NodeJS.ProcessEnv;
}

/**
 * Resolves once the worker serves its task queue. Rejects with an error that names every fault of the options. The caller
 * handles signals: call `stop()` before the process ends.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { providers, archive, sandbox, tools, tasks, model, ...where } = checkOptions(options);
  const env: NodeJS.ProcessEnv = {
    ...(options.env ?? process.env),
    ...(where.taskQueue && { BOBBIN_TASK_QUEUE: where.taskQueue }),
  };
  const config = readWorkerConfig(
    env,
    model ?? describeModelChoice(env, readVariable(env, 'BOBBIN_OFFLINE_MODEL_URL')).model,
  );
  installRuntimeOnce(env);
  return runWorker(toTarget(where, env), config, env, (ports) => ({
    ...ports,
    tools: createOwnTools(tools, warn),
    tasks: createOwnTasks(tasks, warn),
    models: withProviders(ports.models, new Map(Object.entries(providers))),
    ...(archive === undefined ? {} : { archive: withinTime(archive) }),
    ...(sandbox === undefined ? {} : { commands: withinPromises(sandbox, warn) }),
  }));
}

function toTarget({ connection, namespace }: Pick<WorkerOptions, 'connection' | 'namespace'>, env: NodeJS.ProcessEnv) {
  const found = connection === undefined ? connectTarget(env) : undefined;
  const given = connection ?? found?.connectionOptions ?? { address: '127.0.0.1:7233' };
  const target = given as WorkerTarget['connection'];
  return { connection: target, namespace: namespace ?? found?.namespace ?? 'default' };
}

const filled = z.string().min(1).optional();
const withMethods = (names: readonly string[]) =>
  z
    .custom<object>((value) => typeof value === 'object' && value !== null, { error: 'an object is needed' })
    .superRefine((value, context) => {
      const missing = names.filter((name) => typeof (value as Record<string, unknown>)[name] !== 'function');
      if (missing.length > 0)
        context.addIssue({ code: 'custom', message: `lacks ${missing.map((name) => `${name}()`).join(', ')}` });
    });

const OptionsSchema = z.strictObject({
  connection: z.looseObject({ address: z.string().min(1) }).optional(),
  namespace: filled,
  taskQueue: filled,
  model: filled,
  tools: z.unknown().optional(),
  tasks: z.unknown().optional(),
  providers: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]*$/, 'a name of lower-case letters, digits and - is needed'),
      z.custom((value) => typeof value === 'function', { error: 'a function is needed' }),
    )
    .optional(),
  archive: withMethods(['read', 'write'] satisfies (keyof OwnArchive)[]).optional(),
  sandbox: withMethods(SANDBOX_METHODS).optional(),
  env: z.record(z.string(), z.string().optional()).optional(),
});

const RESERVED_PROVIDERS: readonly string[] = [...PROVIDER_NAMES.filter((name) => providerOf(name).included), OFFLINE];

function checkOptions(options: WorkerOptions) {
  const parsed = OptionsSchema.safeParse(options);
  if (!parsed.success)
    throw refused(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`));
  const { providers = {}, tools = [], tasks = [] } = options;
  const taken = Object.keys(providers).filter((name) => RESERVED_PROVIDERS.includes(name));
  if (taken.length > 0) throw refused(taken.map((name) => `providers.${name}: Bobbin has a provider of this name`));
  return { ...options, providers, tools: checkTools(tools), tasks: checkTasks(tasks) };
}
