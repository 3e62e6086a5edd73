import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporalBinary } from '../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../src/dev/temporal-service/service.ts';
import { makeRepository } from './parts/repositories.ts';

const FILES = { 'README.md': '# A repository of the tests\n' };

declare module 'vitest' {
  interface ProvidedContext {
    /** The Temporal service of this run of the tests, in memory: `const { address } = inject('temporal')`. */
    temporal: { address: string; namespace: string; serverVersion: string; binary: string };
    /** A git repository with one commit, to be copied: a copy costs a third of a new one. */
    repository: string;
  }
}

/** One Temporal service for all test files, found or obtained before the first of them and stopped after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  const binary = await findTemporalBinary({ allowDownload: true, onProgress });
  const dataDirectory = await mkdtemp(join(tmpdir(), 'bobbin-tests-'));
  const service = await startTemporalService({ binary, dataDirectory, ephemeral: true, onProgress });
  // Where the test runner is ended before it can tear down, this still runs.
  const endAtExit = () => {
    process.kill(service.pid, 'SIGKILL');
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  process.once('exit', endAtExit);
  const { address, namespace, version } = service;
  project.provide('repository', makeRepository(join(dataDirectory, 'repository'), FILES));
  project.provide('temporal', { address, namespace, serverVersion: version.server, binary: binary.path });
  return async () => {
    process.off('exit', endAtExit);
    await service.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
}
