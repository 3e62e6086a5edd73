import { Connection } from '@temporalio/client';
import { locateTemporalBinary } from '../temporal-service/obtain/binary.ts';
import type { TemporalBinary } from '../temporal-service/obtain/binary.ts';
import { serviceCapabilities } from '../temporal-service/run/capabilities.ts';
import { missingSearchAttributes } from '../temporal-service/run/search-attributes.ts';
import { connectTarget } from '../temporal-service/run/connect-target.ts';
import type { ConnectTarget } from '../temporal-service/run/connect-target.ts';
import { findPortHolder } from '../temporal-service/run/port-holder.ts';
import { PREFERRED_PORTS, isPortFree } from '../temporal-service/run/ports.ts';
import { isAlive } from '../../folders/process-mark.ts';
import { findOnPath } from '../temporal-service/obtain/program.ts';
import { reasonOf } from '../temporal-service/run/service-error.ts';
import { readRecord } from '../temporal-service/state/service-record.ts';
import type { ServiceRecord } from '../temporal-service/state/service-record.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { lookForProgram } from './machine.ts';

const ANSWER_TIMEOUT_MS = 3_000;

const INSTALL = 'Install the Temporal CLI (https://docs.temporal.io/cli), or set BOBBIN_TEMPORAL to its path.';

/** Checks the configured Temporal service, or the program to run one. */
export const temporalProbes: Probe[] = [
  {
    name: 'Temporal binary',
    need: 'a `temporal` program, which the first start can obtain; not needed if TEMPORAL_ADDRESS is set',
    look: lookForBinary,
  },
  {
    name: 'Temporal service',
    need: 'the one that TEMPORAL_ADDRESS or a Temporal profile names, or one that Bobbin runs',
    look: lookAtService,
  },
  {
    name: 'search attributes',
    need: 'registered with the service, so that its UI can filter threads; threads work without',
    look: lookAtSearchAttributes,
  },
  portProbe('Temporal port', 'port'),
  portProbe('Temporal UI port', 'uiPort'),
  {
    name: 'Go toolchain',
    need: 'only to build the Temporal service if there is no other way to get it',
    look: lookForGo,
  },
];

async function lookForBinary(context: CheckContext): Promise<Finding> {
  const binary = await locate(context);
  if (binary !== undefined) {
    return {
      status: 'ok',
      found: `${binary.path} (${binary.source}), CLI ${binary.cliVersion}, server ${binary.serverVersion}`,
    };
  }
  const target = connectTarget(context.env);
  if (target !== undefined) return { status: 'ok', found: `none, and not needed: ${target.namedBy} names a service` };
  const go = findOnPath('go', context.env);
  const next = `none yet; the first start downloads one with the Temporal SDK${go === undefined ? '' : `, or builds it with ${go}`}`;
  return { status: 'warning', found: next, howTo: INSTALL };
}

async function locate({ env, cacheDirectory, signal }: CheckContext): Promise<TemporalBinary | undefined> {
  const located = await locateTemporalBinary({ allowDownload: false, env, cacheDirectory, signal });
  return 'binary' in located ? located.binary : undefined;
}

async function lookAtService(context: CheckContext): Promise<Finding> {
  const target = await findTarget(context);
  if (target === undefined)
    return { status: 'ok', found: `not configured: Bobbin runs one on ${context.dataDirectory}` };
  return await lookAtTarget(target);
}

/** The configured service, or the one that is running on the data directory. */
export async function findTarget({ env, dataDirectory }: CheckContext): Promise<ConnectTarget | undefined> {
  const target = connectTarget(env);
  if (target !== undefined) return target;
  const running = await findRunning(dataDirectory);
  if (running === undefined) return undefined;
  const namedBy = `pid ${running.pid}, run on ${dataDirectory}`;
  return { connectionOptions: { address: running.address }, namespace: 'default', namedBy };
}

async function lookAtSearchAttributes(context: CheckContext): Promise<Finding> {
  const target = await findTarget(context);
  if (target === undefined) return { status: 'ok', found: 'registered by the embedded service' };
  try {
    const missing = await ask(target, (connection) => missingSearchAttributes(connection, target.namespace));
    if (missing === null) return { status: 'ok', found: `registered in namespace ${target.namespace}` };
    return {
      status: 'warning',
      found: `not in namespace ${target.namespace}: ${missing}`,
      howTo:
        'Run `bobbin search-attributes register`, so that the Temporal UI can filter threads. If threads have used them, this is ' +
        'urgent: those threads wait until the attributes are registered again.',
    };
  } catch (error) {
    const found = `cannot be read: ${reasonOf(error)}`;
    return { status: 'warning', found, howTo: 'Threads work without them. See docs/operators.md.' };
  }
}

async function lookAtTarget(target: ConnectTarget): Promise<Finding> {
  const { address } = target.connectionOptions;
  const where = `${address}, namespace ${target.namespace} (${target.namedBy})`;
  try {
    const { serverVersion, workerCommands } = await ask(target, (connection) =>
      serviceCapabilities(connection, target.namespace),
    );
    const cancellation = workerCommands ? 'pushes cancellations' : 'sends cancellations with heartbeats';
    return { status: 'ok', found: `${where}: server ${serverVersion}, ${cancellation}` };
  } catch (error) {
    return {
      status: 'missing',
      found: `${where} does not work: ${reasonOf(error)}`,
      howTo:
        'Start that service, or correct or unset the setting that names it. Also check its namespace and TLS settings.',
    };
  }
}

export async function ask<T>(target: ConnectTarget, question: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = Connection.lazy({
    ...target.connectionOptions,
    connectTimeout: ANSWER_TIMEOUT_MS,
    interceptors: [],
  });
  try {
    return await connection.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () => question(connection));
  } finally {
    await connection.close();
  }
}

async function findRunning(dataDirectory: string): Promise<ServiceRecord | undefined> {
  const record = readRecord(dataDirectory);
  return record !== undefined && (await isAlive(record)) ? record : undefined;
}

function portProbe(name: string, key: 'port' | 'uiPort'): Probe {
  const port = PREFERRED_PORTS[key];
  return {
    name,
    need: `port ${port} on 127.0.0.1, else the next free pair`,
    look: async ({ dataDirectory }) => await lookAtPort(port, dataDirectory),
  };
}

/** Exported for tests, which must not depend on the preferred ports. */
export async function lookAtPort(port: number, dataDirectory: string): Promise<Finding> {
  if (await isPortFree(port, '127.0.0.1')) return { status: 'ok', found: `${port} is free` };
  const running = await findRunning(dataDirectory);
  if (running !== undefined && (running.port === port || running.uiPort === port)) {
    return { status: 'ok', found: `${port} is used by the embedded service (pid ${running.pid})` };
  }
  const holder = await findPortHolder(port);
  const who = holder === undefined ? 'an unknown process' : `${holder.name} (pid ${holder.pid})`;
  return {
    status: 'warning',
    found: `${port} is in use by ${who}`,
    howTo:
      'Nothing to do: Bobbin uses another port. If this is a Temporal service that you want to use, set TEMPORAL_ADDRESS.',
  };
}

async function lookForGo(context: CheckContext): Promise<Finding> {
  const finding = await lookForProgram(
    context,
    'go',
    'Install Go (https://go.dev/dl) or, better, the Temporal CLI.',
    'version',
  );
  if (finding.status === 'ok') return finding;
  const served = connectTarget(context.env) !== undefined || (await locate(context)) !== undefined;
  return served ? { status: 'ok', found: 'none, and not needed' } : { ...finding, status: 'warning' };
}
