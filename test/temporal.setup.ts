import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type TemporalBinary, findTemporalBinary } from '../src/dev/temporal-service/obtain/binary.ts';
import type { Progress } from '../src/dev/temporal-service/obtain/progress.ts';
import { startTemporalService } from '../src/dev/temporal-service/service.ts';
import { startCluster, usesCluster } from './cluster/cluster.ts';
import { makeRepository } from './parts/repositories.ts';
import type { RestartableService } from './parts/restartable-service.ts';

const FILES = { 'README.md': '# A repository of the tests\n' };

declare module 'vitest' {
  interface ProvidedContext {
    /** The Temporal service of this run of the tests: `const { address } = inject('temporal')`. `binary` is the CLI. */
    temporal: { address: string; namespace: string; serverVersion: string; binary: string };
    /** A git repository with one commit, to be copied: a copy costs a third of a new one. */
    repository: string;
  }
}

/**
 * One Temporal service for all test files, found or obtained before the first of them and stopped after the last: a
 * development server, or a cluster.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  const binary = await findTemporalBinary({ allowDownload: true, onProgress });
  const dataDirectory = await mkdtemp(join(tmpdir(), 'bobbin-tests-'));
  // Where the test runner is ended before it can tear down, this still runs.
  const removeData = () => rmSync(dataDirectory, { recursive: true, force: true });
  process.once('exit', removeData);
  const service = usesCluster()
    ? await startCluster(onProgress)
    : await startEmbedded(dataDirectory, onProgress, binary);
  const { address, namespace, serverVersion } = service;
  project.provide('repository', makeRepository(join(dataDirectory, 'repository'), FILES));
  project.provide('temporal', { address, namespace, serverVersion, binary: binary.path });
  return async () => {
    await service.close();
    process.off('exit', removeData);
    removeData();
  };
}

async function startEmbedded(
  dataDirectory: string,
  onProgress: Progress,
  binary: TemporalBinary,
): Promise<Pick<RestartableService, 'address' | 'namespace' | 'serverVersion' | 'close'>> {
  const service = await startTemporalService({ binary, dataDirectory, ephemeral: true, onProgress });
  const endAtExit = () => process.kill(service.pid, 'SIGKILL');
  process.once('exit', endAtExit);
  const { address, namespace, version } = service;
  return {
    ...{ address, namespace, serverVersion: version.server },
    async close() {
      process.off('exit', endAtExit);
      await service.stop();
    },
  };
}
