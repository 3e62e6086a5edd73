import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { RecordedRequest } from '../../src/dev/model-server/server.ts';
import { findMarked } from '../kill/marked-processes.ts';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
} from '../environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'bobbin-drain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_ACCOUNT: `drain-${randomUUID()}` } });
  // The identity of the account exists from here on.
  const worker = await startWorker();
  await runTurn(await environment.start(), 'say: ready');
  await worker.stop();
});
afterAll(() => environment.close());

const workers: WorkerChild[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.kill();
});

async function startWorker(env: Record<string, string> = {}): Promise<WorkerChild> {
  const worker = await startWorkerChild({ ...environment.env, ...env }, join(folder, `${randomUUID()}.log`));
  workers.push(worker);
  return worker;
}

function requestsOf(thread: ThreadHandle): RecordedRequest[] {
  return environment.model.requests.filter(({ body }) => JSON.stringify(body).includes(thread.threadId));
}

/** Resolves when the Nth request of this thread is being answered. */
async function requestUnderWay(thread: ThreadHandle, number: number, status = 200): Promise<void> {
  const answered = () => requestsOf(thread).filter((request) => request.status === status).length >= number;
  await environment.model.waitForRequest(() => answered());
}

async function troubleOf(thread: ThreadHandle) {
  return (await eventsSoFar(thread)).filter(({ type }) => type === 'warning' || type === 'error');
}

/** Below the 15 s of one try, which would be waited for in vain. */
const SOON_MS = 14_000;

describe('a worker that is told to stop', () => {
  it('lets a running command finish within the grace time, and the turn continues at the next worker', async () => {
    const first = await startWorker({ BOBBIN_SHUTDOWN_GRACE_MS: '90000' });
    const thread = await environment.start();
    const working = turn('run: until [ -e go-one ]; do sleep 0.05; done; echo one >> log\nrun: echo two >> log');
    await thread.submit(working);
    await vi.waitFor(() => expect(findMarked(`tool/${thread.threadId}/`)).not.toEqual([]), 60_000);
    first.signal('SIGTERM');
    await startWorker();
    writeFileSync(join(environment.cwd, 'go-one'), '');
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(environment.cwd, 'log'), 'utf8')).toBe('one\ntwo\n');
    const commands = (await itemsOf(thread)).filter(({ type }) => type === 'commandExecution');
    expect(commands).toMatchObject([
      { status: 'completed', exitCode: 0 },
      { status: 'completed', exitCode: 0 },
    ]);
    expect(await troubleOf(thread)).toEqual([]);
  });

  it('leaves a model step that outlasts the grace time to the next worker, and its output enters history once', async () => {
    const first = await startWorker({ BOBBIN_SHUTDOWN_GRACE_MS: '300' });
    const thread = await environment.start();
    const streaming = turn('stream: 600 20');
    await thread.submit(streaming);
    await requestUnderWay(thread, 1);
    const stopped = first.stop();
    await startWorker();
    expect(await stopped).toEqual({ code: 0, signal: null });
    const end = await thread.completion(streaming.turnId);
    expect(end).toMatchObject({ status: 'completed' });
    expect(requestsOf(thread).map(({ closedByClient }) => closedByClient)).toEqual([true, false]);
    const answers = (await itemsOf(thread)).filter((item) => item.type === 'agentMessage');
    expect(answers.map(({ text }) => text)).toEqual([end.lastAgentMessage]);
    expect((await thread.view()).counters.droppedResults).toBe(0);
    expect(await troubleOf(thread)).toEqual([]);
  });

  it('leaves a command that outlasts the grace time to the next worker, which gets all of its output', async () => {
    const first = await startWorker({ BOBBIN_SHUTDOWN_GRACE_MS: '300' });
    const cwd = environment.workspace();
    const thread = await environment.start({ workspace: { cwd } });
    const working = turn('run: echo begun; until [ -e go ]; do sleep 0.05; done; echo ended\nrun: echo next');
    await thread.submit(working);
    await vi.waitFor(async () => {
      expect(await thread.progress()).toMatchObject([{ type: 'command', output: 'begun\n' }]);
    }, 60_000);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    expect(findMarked(`tool/${thread.threadId}/`)).not.toEqual([]);
    await startWorker();
    writeFileSync(join(cwd, 'go'), '');
    expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
    const commands = (await itemsOf(thread)).filter((item) => item.type === 'commandExecution');
    expect(commands).toMatchObject([{ status: 'completed', exitCode: 0 }, { status: 'completed' }]);
    expect(commands[0]!.output).toContain('begun\nended\n');
    expect(await troubleOf(thread)).toEqual([]);
  });

  it('stops soon although a registration is under way, which the next worker makes', async () => {
    await environment.identity.control({ delayMs: 30_000 });
    try {
      const asked = () => environment.identity.state().requests['POST /v1/agent/{id}/task/register'] ?? 0;
      const before = asked();
      const first = await startWorker({ BOBBIN_SHUTDOWN_GRACE_MS: '0' });
      const thread = await environment.start();
      const waiting = turn('say: registered');
      await thread.submit(waiting);
      await vi.waitFor(() => expect(asked()).toBe(before + 1), 60_000);
      const stoppingAt = Date.now();
      expect(await first.stop()).toEqual({ code: 0, signal: null });
      expect(Date.now() - stoppingAt).toBeLessThan(SOON_MS);
      await environment.identity.control({ delayMs: 0 });
      await startWorker();
      expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'completed' });
      expect(await troubleOf(thread)).toEqual([]);
    } finally {
      await environment.identity.control({ delayMs: 0 });
    }
  });

  /** One try of registering an identity, which a stopping worker waits for: 15 s for the request, and some to spare. */
  const ONE_TRY_MS = 28_000;

  it('stops soon although an identity is being registered, which the next worker makes', async () => {
    const account = { BOBBIN_IDENTITY_ACCOUNT: `fresh-${randomUUID()}` };
    await environment.identity.control({ delayMs: 30_000 });
    try {
      const asked = () => environment.identity.state().requests['POST /v1/agent/register'] ?? 0;
      const before = asked();
      const first = await startWorker({ BOBBIN_SHUTDOWN_GRACE_MS: '0', ...account });
      const thread = await environment.start();
      const waiting = turn('say: registered');
      await thread.submit(waiting);
      await vi.waitFor(() => expect(asked()).toBe(before + 1), 60_000);
      const stoppingAt = Date.now();
      expect(await first.stop()).toEqual({ code: 0, signal: null });
      expect(Date.now() - stoppingAt).toBeLessThan(ONE_TRY_MS);
      await environment.identity.control({ delayMs: 0 });
      await startWorker(account);
      expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'completed' });
      expect(await troubleOf(thread)).toEqual([]);
    } finally {
      await environment.identity.control({ delayMs: 0 });
    }
  });
});

describe('a deploy', () => {
  /** More than any step has. */
  const DEPLOYS = 6;

  it('uses up no try of a model step, however often it is repeated', async () => {
    const thread = await environment.start();
    // Three failures of its own leave two of its five tries.
    const working = turn('status: 500 3\nstream: 500 20');
    await thread.submit(working);
    for (let deploy = 1; deploy <= DEPLOYS; deploy++) {
      const worker = await environment.worker({ BOBBIN_SHUTDOWN_GRACE_MS: '0' });
      await requestUnderWay(thread, deploy);
      await worker.stop();
    }
    const last = await environment.worker();
    expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
    expect(requestsOf(thread).filter(({ status }) => status === 500)).toHaveLength(3);
    expect(requestsOf(thread).filter(({ closedByClient }) => closedByClient)).toHaveLength(DEPLOYS);
    expect((await itemsOf(thread)).filter(({ type }) => type === 'agentMessage')).toHaveLength(1);
    expect(await troubleOf(thread)).toEqual([]);
    await last.stop();
  });

  it('uses up no try of a registration', async () => {
    const asked = () => environment.identity.state().requests['POST /v1/agent/{id}/task/register'] ?? 0;
    await environment.identity.control({ delayMs: 10_000 });
    const thread = await environment.start();
    const working = turn('say: registered');
    await thread.submit(working);
    for (let deploy = 1; deploy <= DEPLOYS; deploy++) {
      const before = asked();
      const worker = await environment.worker({ BOBBIN_SHUTDOWN_GRACE_MS: '0' });
      await vi.waitFor(() => expect(asked()).toBe(before + 1), 60_000);
      await worker.stop();
    }
    await environment.identity.control({ delayMs: 0 });
    const last = await environment.worker();
    expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
    await waitForEvent(thread, 'agentTask/registered');
    expect(await troubleOf(thread)).toEqual([]);
    await last.stop();
  });
});
