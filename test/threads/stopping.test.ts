import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { SandboxMode, TurnCompletion } from '../../src/contract/index.ts';
import type { RunningWorker } from '../../src/worker/worker.ts';
import { findMarked, isAlive } from '../kill/marked-processes.ts';
import { startWorkerChild, type WorkerChild } from '../kill/worker-child.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
  itemsOf,
} from '../environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'bobbin-stopping-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What stopping may take on a busy machine; how quick it is on an idle one is for the benchmark. */
const PROMPT_MS = 30_000;

function newAccount(): Record<string, string> {
  return { BOBBIN_IDENTITY_ACCOUNT: `stopping-${randomUUID()}` };
}

/** Starts a turn whose command says `ready` in a file, and resolves once it has. */
async function startCommand(
  environment: TestEnvironment,
  command: string,
  sandbox: SandboxMode = 'danger-full-access',
) {
  const thread = await environment.start({ sandbox });
  const ready = `ready-${randomUUID()}`;
  const running = turn(`run: ${command.replace('READY', `echo yes > ${ready}`)}`);
  await thread.submit(running);
  await vi.waitFor(() => expect(readFileSync(join(environment.cwd, ready), 'utf8')).toBe('yes\n'), {
    timeout: 60_000,
    interval: 10,
  });
  const pids = findMarked(`tool/${thread.threadId}/`).map(({ pid }) => pid);
  expect(pids).not.toEqual([]);
  return { thread, turnId: running.turnId, pids };
}

async function expectOneEnd(thread: ThreadHandle, turnId: string): Promise<TurnCompletion> {
  const ends = (await eventsSoFar(thread)).flatMap((event) =>
    event.type === 'turn/completed' && event.turn.turnId === turnId ? [event.turn] : [],
  );
  expect(ends).toHaveLength(1);
  return ends[0]!;
}

async function expectNextTurnRuns(environment: TestEnvironment, thread: ThreadHandle): Promise<void> {
  const file = `after-${randomUUID()}`;
  expect(await runTurn(thread, `run: echo after > ${file}`)).toMatchObject({ status: 'completed' });
  expect(readFileSync(join(environment.cwd, file), 'utf8')).toBe('after\n');
}

function expectGone(thread: ThreadHandle, pids: readonly number[]): void {
  expect(findMarked(`tool/${thread.threadId}/`)).toEqual([]);
  expect(pids.filter(isAlive)).toEqual([]);
}

const STUBBORN = `trap '' TERM HUP INT; READY; while :; do sleep 0.05; done`;
const DETACHING = [
  'setsid sleep 300 &',
  'nohup sleep 300 > /dev/null 2>&1 &',
  '(sleep 300 > /dev/null 2>&1 &) ;',
  `(setsid sh -c "trap '' TERM HUP; sleep 300 & while :; do sleep 0.1; done" > /dev/null 2>&1 &) ;`,
  'READY; sleep 300',
].join(' ');

describe.each([
  { how: 'by the local fast path and heartbeats', env: {} },
  { how: 'by heartbeats alone', env: { BOBBIN_LOCAL_STOP: 'false' } },
])('a turn that is interrupted is stopped $how:', ({ env }) => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await openEnvironment({ env: { ...newAccount(), ...env } });
  });
  afterAll(() => environment.close());

  it('a model step, whose stream is closed', async () => {
    const thread = await environment.start();
    const streaming = turn('stream: 10000 20');
    await thread.submit(streaming);
    const isOurs = (body: unknown) => JSON.stringify(body).includes(thread.threadId);
    await environment.model.waitForRequest(({ body, status }) => isOurs(body) && status === 200);
    const stoppedAt = Date.now();
    expect(await thread.interrupt({ turnId: streaming.turnId, reason: 'enough' })).toEqual({
      turnId: streaming.turnId,
    });
    await environment.model.waitForRequest(({ body, closedByClient }) => isOurs(body) && closedByClient);
    expect(Date.now() - stoppedAt).toBeLessThan(PROMPT_MS);
    expect(await expectOneEnd(thread, streaming.turnId)).toMatchObject({
      ...{ status: 'aborted', reason: 'interrupted', detail: 'enough', quiescent: true },
    });
    await expectNextTurnRuns(environment, thread);
  });

  it.each(['workspace-write', 'danger-full-access'] as const)(
    'a command that ignores SIGTERM, in mode %s',
    async (sandbox) => {
      const { thread, turnId, pids } = await startCommand(environment, STUBBORN, sandbox);
      const stoppedAt = Date.now();
      await thread.interrupt({ turnId });
      expectGone(thread, pids);
      expect(Date.now() - stoppedAt).toBeLessThan(PROMPT_MS);
      expect(await expectOneEnd(thread, turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
      const [command] = await itemsOf(thread, 'commandExecution');
      expect(command?.output).toMatch(/ignored SIGTERM for 100 ms and (was|were) killed/);
      const { message } = await waitForEvent(thread, 'warning');
      expect(message).toMatch(/^item_\d+ of turn \S+ did not end when it was told to, and was killed\./);
      await expectNextTurnRuns(environment, thread);
    },
  );

  it.each(['workspace-write', 'danger-full-access'] as const)(
    'a command with grandchildren that detach, in mode %s',
    async (sandbox) => {
      const { thread, turnId } = await startCommand(environment, DETACHING, sandbox);
      const pids = await vi.waitFor(() => {
        const found = findMarked(`tool/${thread.threadId}/`).map(({ pid }) => pid);
        // The shell, four that got away, and the child of one of them.
        expect(found.length).toBeGreaterThanOrEqual(6);
        return found;
      }, 60_000);
      await thread.interrupt({ turnId });
      expectGone(thread, pids);
      expect(await expectOneEnd(thread, turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
      await expectNextTurnRuns(environment, thread);
    },
  );

  it('a thread whose workflow is cancelled: its turn is stopped with proof, and it is closed', async () => {
    const { thread, turnId, pids } = await startCommand(environment, STUBBORN, 'danger-full-access');
    const workflow = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
    await workflow.cancel();
    expect(await workflow.result()).toMatchObject({ status: 'closed', reason: 'the workflow was cancelled' });
    expectGone(thread, pids);
    const completion = { status: 'aborted', reason: 'threadClosed', quiescent: true };
    expect((await eventsSoFar(thread)).slice(-2)).toMatchObject([
      { type: 'turn/completed', turn: { turnId, ...completion } },
      { type: 'thread/closed', reason: 'the workflow was cancelled' },
    ]);
  });

  it('a command of the person, as its own turn', async () => {
    const thread = await environment.start();
    const shell = turn("trap '' TERM; echo up > shell-up; while :; do sleep 0.05; done", { kind: 'user_shell' });
    await thread.submit(shell);
    await vi.waitFor(() => expect(existsSync(join(environment.cwd, 'shell-up'))).toBe(true), 60_000);
    const pids = findMarked(`tool/${thread.threadId}/`).map(({ pid }) => pid);
    expect(pids).not.toEqual([]);
    await thread.interrupt({ turnId: shell.turnId });
    expectGone(thread, pids);
    rmSync(join(environment.cwd, 'shell-up'));
    expect(await expectOneEnd(thread, shell.turnId)).toMatchObject({ status: 'aborted', quiescent: true });
    await expectNextTurnRuns(environment, thread);
  });
});

describe('an interrupt', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await openEnvironment({ env: newAccount() });
  });
  afterAll(() => environment.close());

  it('ends a turn that waits for an approval, and withdraws the request after the item', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('run: touch never-made');
    await thread.submit(asking);
    const request = await waitForRequest(thread);
    await thread.interrupt({ turnId: asking.turnId });
    expect(await expectOneEnd(thread, asking.turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
    const events = await eventsSoFar(thread);
    const last = events.slice(events.findIndex(({ type }) => type === 'item/commandExecution/requestApproval') + 1);
    expect(last.map(({ type }) => type)).toEqual([
      ...['item/completed', 'serverRequest/resolved', 'item/started', 'item/completed', 'turn/completed'],
    ]);
    expect(last[0]).toMatchObject({ item: { type: 'commandExecution', status: 'aborted' } });
    expect(last[1]).toMatchObject({ requestId: request.requestId, decision: 'cancel', by: 'abort' });
    expect(last[2]).toMatchObject({ item: { type: 'turnAborted' } });
    const late = thread.resolve({ requestId: request.requestId, decision: 'accept' });
    await expect(late).rejects.toMatchObject({ code: 'requestNotOpen' });
    expect(existsSync(join(environment.cwd, 'never-made'))).toBe(false);
    expect(await runTurn(thread, 'say: next')).toMatchObject({ status: 'completed' });
  });

  it('given many times at once ends the turn once', async () => {
    const { thread, turnId, pids } = await startCommand(environment, STUBBORN);
    const asked = await Promise.allSettled([
      thread.interrupt({ turnId }),
      thread.requestInterrupt({ turnId }),
      thread.interrupt({ turnId }),
      thread.requestInterrupt({ turnId, reason: 'again' }),
      thread.interrupt(),
    ]);
    expect(asked.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(3);
    expectGone(thread, pids);
    expect(await expectOneEnd(thread, turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
    const markers = (await eventsSoFar(thread)).filter(
      (event) => event.type === 'item/completed' && event.item.type === 'turnAborted',
    );
    expect(markers).toHaveLength(1);
    await expectNextTurnRuns(environment, thread);
  });

  it('of a turn that is not active is refused, and changes nothing', async () => {
    const { thread, turnId, pids } = await startCommand(environment, STUBBORN);
    await expect(thread.interrupt({ turnId: 'another' })).rejects.toMatchObject({ code: 'turnNotActive' });
    expect(isAlive(pids[0]!)).toBe(true);
    await thread.interrupt({ turnId });
    await expect(thread.interrupt({ turnId })).rejects.toMatchObject({ code: 'turnNotActive' });
    await expectOneEnd(thread, turnId);
  });

  it('ends a model step that waits to be tried again, and it is not tried again', async () => {
    const thread = await environment.start();
    const failing = turn('retry-after: 300\nstatus: 500 100');
    await thread.submit(failing);
    const ours = () =>
      environment.model.requests.filter(({ body, status }) => {
        return status === 500 && JSON.stringify(body).includes(thread.threadId);
      });
    const workflow = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
    const attempts = async () => (await workflow.describe()).raw.pendingActivities?.map(({ attempt }) => attempt);
    await expect.poll(attempts, { timeout: 60_000 }).toEqual([2]);
    await thread.interrupt({ turnId: failing.turnId });
    expect(await expectOneEnd(thread, failing.turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
    expect((await attempts()) ?? []).toEqual([]);
    await expectNextTurnRuns(environment, thread);
    expect(ours()).toHaveLength(1);
  });

  it('of a turn that is waiting in the queue ends it before it begins', async () => {
    const { thread, turnId } = await startCommand(environment, STUBBORN);
    const queued = turn('say: never', { onBusy: 'queue' });
    await thread.submit(queued);
    await waitForEvent(thread, 'turn/queued');
    await thread.interrupt({ turnId: queued.turnId });
    expect(await expectOneEnd(thread, queued.turnId)).toMatchObject({ status: 'aborted', startedAt: null });
    expect((await thread.view()).activeTurn).toMatchObject({ turnId });
    await thread.interrupt({ turnId });
    await expectOneEnd(thread, turnId);
  });
});

describe('a turn whose worker was killed', () => {
  let environment: TestEnvironment;
  let dying: WorkerChild | undefined;
  let next: RunningWorker | undefined;
  beforeAll(async () => {
    environment = await openEnvironment({ worker: false, env: newAccount() });
  });
  afterEach(async () => {
    await dying?.kill();
    await next?.stop();
  });
  afterAll(() => environment.close());

  it.each(['danger-full-access', 'workspace-write'] as const)(
    'is stopped with proof by the next worker, and no later turn runs before its processes are ended, in mode %s',
    async (sandbox) => {
      dying = await startWorkerChild(environment.env, join(folder, 'dying.log'));
      const { thread, turnId, pids } = await startCommand(environment, STUBBORN, sandbox);
      await dying.kill();
      expect(isAlive(pids[0]!)).toBe(true);
      await thread.requestInterrupt({ turnId });
      next = await environment.worker();
      expect(await thread.completion(turnId)).toMatchObject({
        ...{ status: 'aborted', reason: 'interrupted', quiescent: true },
      });
      expectGone(thread, pids);
      // Asked from inside the next turn: by then they are gone.
      const look = `for pid in ${pids.join(' ')}; do grep '^State:.[^ZX]' /proc/$pid/status; done > left 2> /dev/null; true`;
      const looking = turn(`run: ${look}`, { overrides: { sandbox: 'danger-full-access' } });
      await thread.submit(looking);
      expect(await thread.completion(looking.turnId)).toMatchObject({ status: 'completed' });
      expect(readFileSync(join(environment.cwd, 'left'), 'utf8')).toBe('');
      expectGone(thread, pids);
      await expectOneEnd(thread, turnId);
    },
  );
});
