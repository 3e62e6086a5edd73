/** A separate Temporal service, embedded or a cluster, with its data on disk, that can be stopped or killed and started again on that data. */
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import { startCluster, usesCluster } from '../cluster/cluster.ts';
import { findLastingPort } from '../parts/lasting-port.ts';
import type { RestartableService } from '../parts/restartable-service.ts';

export async function startDiskService(dataDirectory: string): Promise<RestartableService> {
  if (usesCluster()) return startCluster();
  const binary = await findTemporalBinary({ allowDownload: true });
  const port = await findLastingPort();
  let running = false;
  const launch = async (): Promise<TemporalService> => {
    const launched = await startTemporalService({ binary, dataDirectory, port, uiPort: null });
    running = true;
    void launched.exited.then(() => (running = false));
    return launched;
  };
  let service = await launch();
  // Where the test runner is ended before it can tear down, this still runs.
  const endAtExit = () => running && process.kill(service.pid, 'SIGKILL');
  process.once('exit', endAtExit);
  return {
    address: service.address,
    namespace: service.namespace,
    serverVersion: service.version.server,
    async kill() {
      process.kill(service.pid, 'SIGKILL');
      await service.exited;
    },
    stop: () => service.stop(),
    async start() {
      service = await launch();
    },
    close: () => service.stop(),
  };
}
