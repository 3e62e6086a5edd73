import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunningWorker } from '../../src/worker/worker.ts';
import { findMarked, isAlive } from '../kill/marked-processes.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import { startSeverableProxy } from '../parts/severable-proxy.ts';
import { type TestEnvironment, itemsOf, openEnvironment, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' }, worker: false });
});
afterAll(() => environment.close());

// A worker that another test has left would take the steps of the next one.
const others: RunningWorker[] = [];
afterEach(async () => {
  for (const worker of others.splice(0)) await worker.stop();
});

it('a worker whose SDK stops serving exits although a command still runs, and another one takes over', async () => {
  const worker = await startWorkerChild(
    {
      ...environment.env,
      BOBBIN_SHUTDOWN_GRACE_MS: '90000',
      NODE_OPTIONS: `--import ${new URL('../parts/failing-sdk.mjs', import.meta.url).href}`,
    },
    join(environment.cwd, '../lost-worker.log'),
  );
  try {
    const cwd = environment.workspace();
    const thread = await environment.start({ workspace: { cwd } });
    const waiting = turn('run: touch began; sleep 300');
    await thread.submit(waiting);
    await expect.poll(() => existsSync(join(cwd, 'began')), { timeout: 60_000 }).toBe(true);
    process.kill(worker.pid, 'SIGUSR2');
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.output()).toContain('no longer serves its task queue, and exits');
    others.push(await environment.worker());
    await thread.interrupt({ turnId: waiting.turnId });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'aborted' });
  } finally {
    await worker.kill();
  }
});

it('a worker that is killed costs its command nothing: the next one gets its whole output and its exit code', async () => {
  const first = await startWorkerChild(environment.env, join(environment.cwd, '../killed.log'));
  const cwd = environment.workspace();
  const thread = await environment.start({ workspace: { cwd } });
  const working = turn('run: echo ran >> count; echo before; until [ -e go ]; do sleep 0.05; done; echo after; exit 3');
  await thread.submit(working);
  await expect.poll(() => thread.progress(), { timeout: 60_000 }).toMatchObject([{ output: 'before\n' }]);
  await first.kill();
  others.push(await environment.worker());
  writeFileSync(join(cwd, 'go'), '');
  expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
  expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
    { status: 'failed', exitCode: 3, output: expect.stringContaining('before\nafter\n') as string },
  ]);
  expect(readFileSync(join(cwd, 'count'), 'utf8')).toBe('ran\n');
});

describe('a command that runs', () => {
  const WAITING = 'run: echo ran >> count; echo before; until [ -e go ]; do sleep 0.05; done; echo after';

  /** A turn whose command has begun, at a worker that reaches the service through a proxy. */
  async function startCommand() {
    const { TEMPORAL_ADDRESS: address = '' } = environment.env;
    const proxy = await startSeverableProxy(`http://${address}`);
    const worker = await startWorkerChild(
      { ...environment.env, TEMPORAL_ADDRESS: new URL(proxy.url).host },
      join(environment.cwd, `../${randomUUID()}.log`),
    );
    const cwd = environment.workspace();
    const thread = await environment.start({ workspace: { cwd } });
    const working = turn(WAITING);
    await thread.submit(working);
    await expect.poll(() => thread.progress(), { timeout: 60_000 }).toMatchObject([{ output: 'before\n' }]);
    const commands = () => findMarked(`tool/${thread.threadId}/`);
    const close = async () => {
      await worker.kill();
      await proxy.close();
    };
    return { proxy, cwd, thread, turnId: working.turnId, commands, close };
  }

  it('survives that its worker cannot reach the service until its step has timed out', async () => {
    const { proxy, cwd, thread, turnId, close } = await startCommand();
    try {
      const workflow = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
      const attempt = async () => (await workflow.describe()).raw.pendingActivities?.[0]?.attempt;
      proxy.sever();
      await expect.poll(attempt, { timeout: 60_000 }).toBe(2);
      proxy.mend();
      writeFileSync(join(cwd, 'go'), '');
      expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
      const [command] = await itemsOf(thread, 'commandExecution');
      expect(command).toMatchObject({ status: 'completed', exitCode: 0 });
      expect(command?.output).toContain('before\nafter\n');
      expect(readFileSync(join(cwd, 'count'), 'utf8')).toBe('ran\n');
    } finally {
      await close();
    }
  });

  it('is ended when its thread is terminated, which no longer waits for it', async () => {
    const { cwd, thread, commands, close } = await startCommand();
    try {
      const pids = commands().map(({ pid }) => pid);
      expect(pids).not.toEqual([]);
      await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate('by an operator');
      await expect.poll(() => pids.filter(isAlive), { timeout: 60_000 }).toEqual([]);
      expect(existsSync(join(cwd, 'go'))).toBe(false);
    } finally {
      await close();
    }
  });
});

it('a worker that was killed serves no longer after three heartbeats that did not come', async () => {
  const own = await openEnvironment({ worker: false });
  const worker = await startWorkerChild(own.env, join(own.cwd, '../killed-worker.log'));
  try {
    const identities = async () => (await own.bobbin.workers()).map(({ identity }) => identity);
    const served = `${worker.pid}@${hostname()}`;
    await expect.poll(identities, { timeout: 60_000 }).toEqual([served]);
    // The second heartbeat says how often they come.
    await expect.poll(() => seconds(own), { timeout: 60_000 }).toBeGreaterThan(0);
    await worker.kill();
    await expect.poll(identities, { timeout: 60_000 }).toEqual([]);
    // By its requests alone it would still count.
    const { namespace, connection } = own.bobbin.service;
    const taskQueue = { name: own.taskQueue };
    const { pollers } = await connection.workflowService.describeTaskQueue({ namespace, taskQueue });
    expect(pollers.map(({ identity }) => identity)).toEqual([served]);
    expect(Date.now() - Number(pollers[0]?.lastAccessTime?.seconds) * 1_000).toBeLessThan(65_000);
  } finally {
    await worker.kill();
    await own.close();
  }
});

async function seconds({ bobbin: { service }, taskQueue }: TestEnvironment): Promise<number> {
  const query = `TaskQueue = "${taskQueue}"`;
  const { workersInfo } = await service.connection.workflowService.listWorkers({ namespace: service.namespace, query });
  return Number(workersInfo[0]?.workerHeartbeat?.elapsedSinceLastHeartbeat?.seconds ?? 0);
}
