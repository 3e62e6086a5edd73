/**
 * Everything a thread needs, each part killable: a Temporal service with its data on disk, workers as processes of their
 * own, and in this process the offline model server, which demands assertions, and the reference identity service.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endSupervisors } from '../../src/adapters/shell/supervisor/supervised-commands.ts';
import { type Bobbin, connectBobbin } from '../../src/client/index.ts';
import { type IdentityService, startIdentityService } from '../../src/dev/identity-service/server.ts';
import { type ModelServer, startModelServer } from '../../src/dev/model-server/server.ts';
import { startDiskService } from './disk-service.ts';
import type { RestartableService } from '../parts/restartable-service.ts';
import { type WorkerChild, startWorkerChild } from './worker-child.ts';

export interface KillFixture {
  service: RestartableService;
  model: ModelServer;
  identity: IdentityService;
  bobbin: Bobbin;
  /** An empty folder of its own. */
  workspace(name: string): string;
  /** Starts one more worker. */
  worker(env?: Record<string, string>): Promise<WorkerChild>;
  /** The newest worker if it is still running, else a new one. */
  runningWorker(): Promise<WorkerChild>;
  /** Ends every process that was started here. */
  close(): Promise<void>;
}

export async function openFixture(env: Record<string, string> = {}): Promise<KillFixture> {
  const root = mkdtempSync(join(tmpdir(), 'bobbin-arena-'));
  const service = await startDiskService(join(root, 'temporal'));
  const { address, namespace } = service;
  const identity = await startIdentityService({});
  const model = await startModelServer({ requireAssertion: true, verifyUrl: identity.url });
  const taskQueue = `arena-${randomUUID()}`;
  // Long, so that a loaded machine fails no test.
  const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue, deadlineMs: 30_000 });
  const workers: WorkerChild[] = [];
  const workerEnv = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    BOBBIN_TASK_QUEUE: taskQueue,
    BOBBIN_DATA_DIR: join(root, 'data'),
    BOBBIN_OFFLINE_MODEL_URL: model.url,
    BOBBIN_IDENTITY_URL: identity.url,
    BOBBIN_IDENTITY_TOKEN: 'test',
    BOBBIN_SHUTDOWN_GRACE_MS: '2000',
    BOBBIN_LOG_LEVEL: 'WARN',
    ...env,
  };
  const fixture: KillFixture = {
    service,
    model,
    identity,
    bobbin,
    workspace(name) {
      const path = join(root, 'workspaces', name);
      mkdirSync(path, { recursive: true });
      return path;
    },
    async worker(more = {}) {
      const worker = await startWorkerChild({ ...workerEnv, ...more }, join(root, `worker-${workers.length + 1}.log`));
      workers.push(worker);
      return worker;
    },
    async runningWorker() {
      const newest = workers.at(-1);
      return newest?.isRunning() ? newest : fixture.worker();
    },
    async close() {
      for (const worker of workers) await worker.kill();
      await endSupervisors(join(root, 'data'));
      await bobbin.close();
      await service.close();
      await model.close();
      await identity.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return fixture;
}
