import { cacheDirectory } from '../../folders/folders.ts';
import type { Environment } from '../temporal-service/obtain/program.ts';
import { reasonOf } from '../temporal-service/run/service-error.ts';
import { accountsProbe } from './accounts.ts';
import type { Check, CheckContext, Finding, Probe } from './check.ts';
import { dataProbes } from './data.ts';
import { hostProbe } from './host.ts';
import { limitsProbe } from './limits.ts';
import { machineProbes } from './machine.ts';
import { mcpProbe } from './mcp.ts';
import { sandboxProbe } from './sandbox.ts';
import { settingProbes } from './settings.ts';
import { skillsProbe } from './skills.ts';
import { temporalProbes } from './temporal.ts';
import { waitingProbe } from './waiting.ts';

export interface CheckOptions {
  /** Where the embedded service would store its data. */
  dataDirectory: string;
  cacheDirectory?: string;
  /** Defaults to the environment of this process. */
  env?: Environment;
  /** Timeout of a check in milliseconds; 5,000 by default. */
  timeoutMs?: number;
}

/**
 * Runs all checks in parallel. Starts no service, downloads nothing, leaves nothing behind, and returns within `timeoutMs`.
 * Never rejects: a check that throws is a result.
 */
export async function runChecks(options: CheckOptions): Promise<Check[]> {
  const env = options.env ?? process.env;
  const context: Omit<CheckContext, 'signal'> = {
    env,
    dataDirectory: options.dataDirectory,
    cacheDirectory: options.cacheDirectory ?? cacheDirectory(env),
  };
  const probes = [
    ...machineProbes,
    ...dataProbes,
    hostProbe,
    ...temporalProbes,
    waitingProbe,
    sandboxProbe,
    limitsProbe,
    ...settingProbes,
    accountsProbe,
    mcpProbe,
    skillsProbe,
  ];
  return await Promise.all(probes.map((probe) => toCheck(probe, context, options.timeoutMs ?? 5_000)));
}

async function toCheck(probe: Probe, context: Omit<CheckContext, 'signal'>, timeoutMs: number): Promise<Check> {
  const { name, need } = probe;
  const finding = await lookWithin(timeoutMs, (signal) => probe.look({ ...context, signal }));
  return { name, need, howTo: '', ...finding };
}

async function lookWithin(timeoutMs: number, look: (signal: AbortSignal) => Promise<Finding>): Promise<Finding> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const reason = new Error(`no answer within ${timeoutMs / 1000} s`);
      controller.abort(reason);
      reject(reason);
    }, timeoutMs);
  });
  try {
    return await Promise.race([look(controller.signal), givenUp]);
  } catch (error) {
    return { status: 'missing', found: reasonOf(error), howTo: 'Correct it, and run the check again.' };
  } finally {
    clearTimeout(timer);
  }
}
