import { existsSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Environment } from '../obtain/program.ts';
import { TemporalServiceError, reasonOf } from './service-error.ts';

/** An external Temporal service. */
export interface ConnectTarget {
  /** For `Connection.connect` and `NativeConnection.connect`. */
  connectionOptions: Pick<NativeConnectionOptions, 'apiKey' | 'metadata' | 'tls'> & { address: string };
  namespace: string;
  /** The setting that names it, for messages: `TEMPORAL_ADDRESS` or the path of a profile's file. */
  namedBy: string;
}

/**
 * The service named by `TEMPORAL_ADDRESS`, or by a Temporal profile (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`, or the
 * default file if it exists and its profile has an address), with TLS, API key and namespace from the same source.
 * Undefined if none is configured, so that Bobbin runs an embedded one. Throws `configurationInvalid` if a setting names
 * something that does not exist or cannot be read.
 */
export function connectTarget(env: Environment = process.env): ConnectTarget | undefined {
  // Many shells and compose files use an empty variable for "not set".
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  ) as Record<string, string>;
  const file = set['TEMPORAL_CONFIG_FILE'] ?? defaultConfigFile(set);
  if (set['TEMPORAL_CONFIG_FILE'] !== undefined && !existsSync(file)) throw invalid(set, `${file} does not exist`);
  const { connectionOptions, namespace } = load(set);
  const { address, apiKey, tls, metadata } = connectionOptions;
  if (address === undefined) {
    if (set['TEMPORAL_PROFILE'] === undefined && set['TEMPORAL_CONFIG_FILE'] === undefined) return undefined;
    throw invalid(set, `the profile in ${file} names no address`);
  }
  return {
    connectionOptions: {
      address,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(tls === undefined ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    namespace: namespace ?? 'default',
    namedBy: set['TEMPORAL_ADDRESS'] === undefined ? file : 'TEMPORAL_ADDRESS',
  };
}

function load(env: Record<string, string>): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig({ overrideEnvVars: env });
  } catch (error) {
    throw invalid(env, reasonOf(error), error);
  }
}

/** The default profile file of the Temporal CLI and the SDKs. */
function defaultConfigFile(env: Record<string, string>): string {
  const home = env['HOME'] ?? homedir();
  const directory =
    platform() === 'darwin'
      ? join(home, 'Library', 'Application Support')
      : platform() === 'win32'
        ? (env['APPDATA'] ?? home)
        : (env['XDG_CONFIG_HOME'] ?? join(home, '.config'));
  return join(directory, 'temporalio', 'temporal.toml');
}

function invalid(env: Record<string, string>, problem: string, cause?: unknown): TemporalServiceError {
  const settings = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE']
    .flatMap((name) => (env[name] === undefined ? [] : `${name}=${env[name]}`))
    .join(' ');
  return new TemporalServiceError(
    'configurationInvalid',
    `The Temporal settings${settings === '' ? '' : ` (${settings})`} cannot be used: ${problem}. ` +
      'Correct them, or unset them to have Bobbin run a service of its own.',
    cause,
  );
}
