import { join } from 'node:path';
import type { Postgres } from './postgres.ts';

export const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;

const DYNAMIC_CONFIG = join(import.meta.dirname, '../../deploy/dynamic-config.yaml');

/** The configuration of one node with all services. @param ports two for each of {@link SERVICES}; the first is that of the front end. */
export function toServerConfig({ port, user, password }: Postgres, ports: readonly number[]): object {
  const toStore = (databaseName: string, maxConns: number) => ({
    sql: {
      ...{ pluginName: 'postgres12', databaseName, connectProtocol: 'tcp', connectAddr: `127.0.0.1:${port}` },
      ...{ user, password, maxConns, maxIdleConns: maxConns, maxConnLifetime: '1h' },
    },
  });
  const services = SERVICES.map((name, index) => {
    const [grpcPort, membershipPort] = ports.slice(index * 2);
    return [name, { rpc: { grpcPort, membershipPort, bindOnLocalHost: true } }] as const;
  });
  const here = { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: `127.0.0.1:${ports[0]}` };
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      ...{ defaultStore: 'default', visibilityStore: 'visibility', numHistoryShards: 4 },
      datastores: { default: toStore('temporal', 20), visibility: toStore('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(services),
    clusterMetadata: {
      ...{ enableGlobalNamespace: false, failoverVersionIncrement: 10 },
      ...{ masterClusterName: 'active', currentClusterName: 'active', clusterInformation: { active: here } },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: DYNAMIC_CONFIG, pollInterval: '10s' },
  };
}
