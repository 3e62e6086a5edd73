import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type ThreadEvent, toWorkflowId } from '../../src/contract/index.ts';
import { type KillFixture, openFixture } from '../kill/fixture.ts';
import { findMarked } from '../kill/marked-processes.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { conversationOf, lastAsked, lastAskedApart, message } from '../parts/model-requests.ts';
import { assertHealthy, json, startRaw } from '../parts/raw-client.ts';
import {
  type TestEnvironment,
  closeThread,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' } });
});
afterAll(() => environment.close());

const handleOf = (thread: { workflowId: string }) =>
  environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
const terminate = (thread: ThreadHandle) => handleOf(thread).terminate('by an operator');
const runIdOf = async (thread: ThreadHandle) => (await handleOf(thread).describe()).runId;

describe('a closed thread', () => {
  it('is resumed by reading: its history and time of change stay, and the next request is what it would have been', async () => {
    const thread = await environment.start({ title: 'mine' });
    const end = await runTurn(thread, 'say: one');
    const asked = lastAskedApart(environment.model, thread.threadId);
    const { agentTask } = await thread.view();
    await closeThread(thread);
    const before = { view: await thread.view(), items: await itemsOf(thread), events: await eventsSoFar(thread) };

    const resumed = await environment.bobbin.threads.resume(thread.threadId);
    expect(resumed).toMatchObject({ rejoined: false, warnings: [] });
    const after = await thread.view();
    expect(before.view.agentTask).toEqual({ ...agentTask, renewsAt: null });
    expect(after).toEqual({ ...before.view, status: 'idle', runCount: before.view.runCount + 1, agentTask });
    expect(await itemsOf(thread)).toEqual(before.items);
    expect(await eventsSoFar(thread)).toEqual(before.events);

    await runTurn(thread, 'say: two');
    expect(lastAskedApart(environment.model, thread.threadId)).toEqual({
      ...asked,
      input: [...asked.input, message('assistant', end.lastAgentMessage ?? ''), message('user', 'say: two')],
    });
    const now = await thread.view();
    expect(now.updatedAt).toBeGreaterThan(before.view.updatedAt);
    expect(now.agentTask).toEqual(agentTask);
    expect((await handleOf(thread).describe()).memo).toMatchObject({ title: 'mine', cwd: environment.cwd });
    await assertHealthy(environment, thread.workflowId);
  });

  it('is read as one history, over its end and its new beginning, also where it is archived', async () => {
    const thread = await environment.start();
    for (let i = 0; i < 20; i++) await runTurn(thread, `say: turn ${i}`);
    await closeThread(thread);
    await environment.bobbin.threads.resume(thread.threadId);
    const next = turn('say: again');
    await thread.submit(next);
    const events: ThreadEvent[] = [];
    for await (const event of thread.events()) {
      events.push(event);
      if (event.type === 'turn/completed' && event.turn.turnId === next.turnId) break;
    }
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'thread/closed')).toHaveLength(1);
    const items = await itemsOf(thread);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `item_${index}`));
    expect(items.filter(({ type }) => type === 'userMessage')).toHaveLength(21);
    const users = conversationOf(lastAsked(environment.model, thread.threadId)).filter(({ role }) => role === 'user');
    expect(users).toHaveLength(21);
  });

  it('is resumed with other settings, which leave no trace before a turn', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    await closeThread(thread);
    const { updatedAt } = await thread.view();
    await environment.bobbin.threads.resume(thread.threadId, { instructions: 'Be brief.', sandbox: 'read-only' });
    expect(await thread.view()).toMatchObject({ updatedAt, settings: { sandbox: 'read-only', cwd: environment.cwd } });
    await runTurn(thread, 'say: two');
    expect(lastAsked(environment.model, thread.threadId).instructions).toContain('Be brief.');
  });

  it('gets one run from two who resume it at once, and a turn id is still known', async () => {
    const thread = await environment.start();
    const first = turn('say: one');
    await thread.startTurn(first);
    await thread.completion(first.turnId);
    await closeThread(thread);
    const resumed = await Promise.all([1, 2, 3].map(() => environment.bobbin.threads.resume(thread.threadId)));
    expect(resumed.map(({ rejoined }) => rejoined).sort()).toEqual([false, true, true]);
    expect((await thread.view()).runCount).toBe(2);
    await thread.startTurn(first);
    expect((await thread.view()).turnCount).toBe(1);
  });
});

describe('a running thread', () => {
  it('is rejoined as it is, with its open request, and settings that are given are not taken', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('run: touch made-after-rejoining');
    await thread.submit(asking);
    const request = await waitForRequest(thread);
    const runId = await runIdOf(thread);
    const { thread: rejoined, ...how } = await environment.bobbin.threads.resume(thread.threadId, { model: 'another' });
    expect(how).toEqual({ rejoined: true, warnings: [expect.stringContaining('model') as string] });
    expect(await runIdOf(thread)).toBe(runId);
    expect((await rejoined.view()).openRequests).toEqual([request]);
    await rejoined.resolve({ requestId: request.requestId, decision: 'accept' });
    expect(await rejoined.completion(asking.turnId)).toMatchObject({ status: 'completed' });
  });
});

describe('a thread whose workflow was terminated', () => {
  it('shows the unfinished turn as interrupted, once, on every resume; its usage and requests are settled', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('say: first this\nrun: touch never-made');
    await thread.submit(asking);
    await waitForRequest(thread);
    const queued = turn('say: later', { onBusy: 'queue' });
    await thread.startTurn(queued);
    const { usage, updatedAt } = await thread.view();
    for (let times = 1; times <= 2; times++) {
      await terminate(thread);
      await environment.bobbin.threads.resume(thread.threadId);
      expect(await thread.view()).toMatchObject({
        status: 'idle',
        openRequests: [],
        queuedTurns: [],
        usage,
        updatedAt,
      });
      const ends = (await eventsSoFar(thread)).flatMap((event) =>
        event.type === 'turn/completed' ? [event.turn] : [],
      );
      expect(ends).toMatchObject([
        { turnId: queued.turnId, status: 'aborted', reason: 'interrupted', startedAt: null },
        { turnId: asking.turnId, status: 'aborted', reason: 'interrupted', usage },
      ]);
    }
    expect((await itemsOf(thread)).map(({ type }) => type).slice(-2)).toEqual(['commandExecution', 'turnAborted']);
    await runTurn(thread, 'say: go on');
    const { input } = lastAsked(environment.model, thread.threadId);
    expect(JSON.stringify(input)).toContain('<turn_aborted>');
  });

  it('leaves its commands behind no longer than until the next step', async () => {
    const thread = await environment.start();
    const slow = turn('run: sleep 300');
    await thread.submit(slow);
    await expect.poll(() => findMarked(`tool/${thread.threadId}/`), { timeout: 60_000 }).not.toEqual([]);
    await terminate(thread);
    await environment.bobbin.threads.resume(thread.threadId);
    expect(await thread.completion(slow.turnId)).toMatchObject({ status: 'aborted', quiescent: false });
    expect(await runTurn(thread, 'run: echo next')).toMatchObject({ status: 'completed' });
    expect(findMarked(`tool/${thread.threadId}/`)).toEqual([]);
  });
});

describe('a thread that was terminated while no worker was up', () => {
  let own: TestEnvironment;
  beforeAll(async () => {
    own = await openEnvironment({ worker: false });
  });
  afterAll(() => own.close());

  it('is resumed as the last worker left it, although something had come since, and the first try to resume it was terminated, too', async () => {
    const handle = (thread: ThreadHandle) => own.bobbin.service.client.workflow.getHandle(thread.workflowId);
    const first = await own.worker();
    const thread = await own.start();
    await runTurn(thread, 'say: one');
    await first.stop();
    await thread.submit(turn('say: never taken up'));
    await handle(thread).terminate();
    const inVain = own.bobbin.threads.resume(thread.threadId).catch(() => undefined);
    await expect.poll(async () => (await handle(thread).describe()).status.name).toBe('RUNNING');
    await handle(thread).terminate();
    await own.worker();
    await own.bobbin.threads.resume(thread.threadId);
    expect(await thread.view()).toMatchObject({ turnCount: 1, status: 'idle' });
    expect(await runTurn(thread, 'say: two')).toMatchObject({ status: 'completed' });
    expect(JSON.stringify(lastAsked(own.model, thread.threadId).input)).toMatch(/say: one.*say: two/);
    await inVain;
  });
});

describe('what cannot be resumed', () => {
  it('is a thread that never was', async () => {
    await expect(environment.bobbin.threads.resume('no-such-thread')).rejects.toMatchObject({
      code: 'threadNotFound',
      message: expect.stringContaining('retention') as string,
    });
  });

  it('is a thread that was never open, a run that is not there, and a run that another one followed', async () => {
    const threadId = `never-${randomUUID()}`;
    await startRaw(environment, toWorkflowId(threadId), json({ nothing: 'of use' }));
    const result = (id: string) => environment.bobbin.service.client.workflow.getHandle(toWorkflowId(id)).result();
    expect(await result(threadId)).toMatchObject({ status: 'refused' });
    const argument = (id: string, runId: string) =>
      json({ threadId: id, workspace: { cwd: environment.cwd }, resume: { runId } });
    await expect(environment.bobbin.threads.resume(threadId)).rejects.toMatchObject({
      code: 'threadRefused',
      message: expect.stringContaining('was never open') as string,
    });

    const missing = `missing-${randomUUID()}`;
    await startRaw(environment, toWorkflowId(missing), argument(missing, randomUUID()));
    expect(await result(missing)).toMatchObject({ reason: expect.stringContaining('no longer keeps it') as string });

    const long = await environment.start();
    const firstRun = await runIdOf(long);
    while ((await long.view()).runCount === 1) await runTurn(long, 'run: echo on');
    await closeThread(long);
    await startRaw(environment, long.workflowId, argument(long.threadId, firstRun));
    expect(await result(long.threadId)).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('already continued in another run') as string,
    });
  });
});

describe('over a restart of worker and service', () => {
  let fixture: KillFixture;
  const workers: WorkerChild[] = [];
  beforeAll(async () => {
    fixture = await openFixture();
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.kill();
  });
  afterAll(() => fixture.close());

  it('a closed thread is resumed with its history, its rules and its agent task', async () => {
    workers.push(await fixture.worker());
    const threadId = `restarted-${randomUUID()}`;
    const cwd = fixture.workspace(threadId);
    const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd }, approvalPolicy: 'untrusted' });
    const asking = turn('run: touch made');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, decision: 'acceptForSession' });
    await thread.completion(asking.turnId);
    const { agentTask } = await thread.view();
    await closeThread(thread);
    const before = await thread.view();
    for (const worker of workers.splice(0)) await worker.kill();
    await fixture.service.kill();
    await fixture.service.start();
    workers.push(await fixture.worker());

    await fixture.bobbin.threads.resume(threadId);
    expect(await thread.view()).toEqual({ ...before, status: 'idle', runCount: 2, agentTask });
    expect(await runTurn(thread, 'run: touch made')).toMatchObject({ status: 'completed' });
    const opened = (await eventsSoFar(thread)).filter(({ type }) => type.endsWith('requestApproval'));
    expect(opened).toHaveLength(1);
    expect((await thread.view()).agentTask).toEqual(agentTask);
  });
});
