/** A state that another release left is waited with, and never ends what it belongs to. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChecks } from '../../src/dev/checks/checks.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { startDiskService } from '../kill/disk-service.ts';
import type { RestartableService } from '../parts/restartable-service.ts';

let environment: TestEnvironment;
let connection: NativeConnection;
let service: RestartableService;
let folder: string;
beforeAll(async () => {
  // A separate service: doctor looks at the newest workflows of all.
  folder = mkdtempSync(join(tmpdir(), 'bobbin-versions-'));
  service = await startDiskService(folder);
  environment = await openEnvironment({ worker: false, address: service.address });
  connection = await NativeConnection.connect({ address: service.address });
});
afterAll(async () => {
  await connection.close();
  await environment.close();
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const handleOf = (workflowId: string) => environment.bobbin.service.client.workflow.getHandle(workflowId);

/** While a worker of the later release serves that task queue. */
async function withLaterRelease(taskQueue: string, body: () => Promise<void>): Promise<void> {
  const { namespace } = environment.bobbin.service;
  const workflowsPath = join(import.meta.dirname, '../parts/later-release.ts');
  const worker = await Worker.create({ connection, namespace, taskQueue, workflowsPath });
  await worker.runUntil(body);
}

/** Its first run leaves a state of a version that is not known here. */
async function startOnLaterRelease(type: string, taskQueue: string): Promise<string> {
  const workflowId = `${type}/later-${randomUUID()}`;
  const args = [{ taskQueue: environment.taskQueue }];
  const options = { workflowId, taskQueue, args, followRuns: false };
  const { firstExecutionRunId } = await environment.bobbin.service.client.workflow.start(type, options);
  const runId = async () => (await handleOf(workflowId).describe()).runId;
  await expect.poll(runId, { timeout: 20_000 }).not.toBe(firstExecutionRunId);
  return workflowId;
}

async function taskFailureOf(workflowId: string): Promise<string> {
  const { events } = await handleOf(workflowId).fetchHistory();
  const failed = events?.findLast((event) => event.workflowTaskFailedEventAttributes != null);
  return failed?.workflowTaskFailedEventAttributes?.failure?.message ?? '';
}

async function waitingByDoctor(): Promise<string> {
  const checks = await runChecks({ dataDirectory: environment.data, env: environment.env });
  const check = checks.find(({ name }) => name === 'waiting workflows');
  return `${check?.status ?? ''}: ${check?.found ?? ''} ${check?.howTo ?? ''}`;
}

describe('a state of a version that this release does not know', () => {
  it('keeps a thread, a batch, a ledger and the rules of a repository waiting, whom doctor names, until a worker comes that knows it', async () => {
    const ids: string[] = [];
    const elsewhere = `later-${randomUUID()}`;
    await withLaterRelease(elsewhere, async () => {
      for (const type of ['thread', 'batchReview', 'reviewLedger', 'approvalRules'])
        ids.push(await startOnLaterRelease(type, elsewhere));
    });
    const worker = await environment.worker();
    for (const id of ids) {
      await expect.poll(() => taskFailureOf(id), { timeout: 20_000 }).toMatch(/^stateVersionUnknown: .* version 99/);
    }
    await expect.poll(waitingByDoctor, { timeout: 60_000 }).toMatch(/^missing: .*thread.* version 99/);
    for (const id of ids)
      await expect.poll(waitingByDoctor, { timeout: 60_000 }).toContain(`${id} (stateVersionUnknown: `);
    expect(await waitingByDoctor()).toContain('workers of the release that wrote');
    for (const id of ids) expect((await handleOf(id).describe()).status.name).toBe('RUNNING');
    await worker.stop();
    await withLaterRelease(environment.taskQueue, async () => {
      for (const id of ids) expect(await handleOf(id).result()).toMatchObject({ found: expect.anything() as unknown });
    });
    await expect.poll(waitingByDoctor, { timeout: 60_000 }).not.toContain(ids[0]);
  });
});
