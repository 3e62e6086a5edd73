/**
 * A query that waits for a worker that is gone is answered by another one, which reads the history as far as it goes: also
 * what no workflow task has taken up yet. What it makes of that must not be told to anybody, nor be gone on with.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { EventsPage, ThreadEvent } from '../../src/contract/index.ts';
import { type KillFixture, openFixture } from '../kill/fixture.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { eventsSoFar, turn, waitForRequest } from '../environment.ts';

const DEADLINE_MS = 8_000;
const SIGNALS = 10;

let fixture: KillFixture;
beforeAll(async () => {
  fixture = await openFixture({ BOBBIN_REQUEST_DEADLINE_MS: String(DEADLINE_MS) });
});
afterAll(() => fixture.close());

let others: WorkerChild[] = [];
afterEach(async () => {
  for (const worker of others.splice(0)) await worker.kill();
});

async function startWorker(): Promise<WorkerChild> {
  const worker = await fixture.worker();
  others.push(worker);
  return worker;
}

async function killAllBut(kept: WorkerChild): Promise<void> {
  for (const worker of others.filter((one) => one !== kept)) await worker.kill();
  others = [kept];
}

async function readPage(thread: ThreadHandle, deadlineMs = 5_000): Promise<ThreadEvent[] | undefined> {
  const { client } = fixture.bobbin.service;
  const handle = client.workflow.getHandle(thread.workflowId);
  const query = () => handle.query<EventsPage, [unknown]>('events', { after: 0, limit: 500 });
  const page = await client.withDeadline(Date.now() + deadlineMs, query).catch(() => undefined);
  return page?.events;
}

function countRejected(events: readonly ThreadEvent[]): number {
  return events.filter(({ type }) => type === 'message/rejected').length;
}

it('an answer that was given while the death of a worker was noticed is never taken back', async () => {
  await startWorker();
  const cwd = fixture.workspace('answers');
  const thread = await fixture.bobbin.threads.start({ threadId: 'answers', workspace: { cwd } });
  const handle = fixture.bobbin.service.client.workflow.getHandle(thread.workflowId);
  await thread.view();
  const second = await startWorker();
  await killAllBut(second);

  const answers: ThreadEvent[][] = [];
  const asking = Array.from({ length: 4 }, async (_, reader) => {
    for (let rejected = 0; rejected < SIGNALS;) {
      const page = await readPage(thread);
      if (page !== undefined) answers.push(page);
      rejected = countRejected(page ?? []);
      await sleep(10 + 5 * reader);
    }
  });
  // Each leaves one event, of the time at which it was taken up.
  for (let number = 1; number <= SIGNALS; number++) {
    await sleep(100);
    await handle.signal('submitTurn', { number });
  }
  await Promise.all(asking);

  await killAllBut(await startWorker());
  const recorded = await eventsSoFar(thread);
  expect(countRejected(recorded)).toBe(SIGNALS);
  for (const answer of answers) expect(answer).toEqual(recorded.slice(0, answer.length));
});

it('a thread continues as its history says, and every later worker agrees', async () => {
  await startWorker();
  const cwd = fixture.workspace('ordered');
  const thread = await fixture.bobbin.threads.start({
    ...{ threadId: 'ordered', workspace: { cwd }, approvalPolicy: 'untrusted' },
  });
  const asking = turn('run: touch made');
  await thread.submit(asking);
  const { requestId, deadlineAt } = await waitForRequest(thread);
  const second = await startWorker();
  await killAllBut(second);
  // The query is on its way to the dead worker when the deadline comes; the answer comes after both.
  await sleep((deadlineAt ?? 0) - 600 - Date.now());
  await readPage(thread);
  await thread.requestResolve({ requestId, decision: 'accept' });
  expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
  const told = await eventsSoFar(thread);

  await killAllBut(await startWorker());
  expect(await eventsSoFar(thread)).toEqual(told);
  const next = turn('say: still there');
  await thread.submit(next);
  expect(await thread.completion(next.turnId)).toMatchObject({ status: 'completed' });
});

/** Takes a workflow task of this thread, as a worker does that then is gone. Queries that come first are not answered either. */
async function takeTaskAndLoseIt(workflowId: string): Promise<void> {
  const { connection, namespace, taskQueue } = fixture.bobbin.service;
  const { workflowService } = connection;
  for (;;) {
    const poll = { namespace, taskQueue: { name: taskQueue }, identity: 'lost' };
    const task = await connection.withDeadline(Date.now() + 10_000, () => workflowService.pollWorkflowTaskQueue(poll));
    if (task.workflowExecution?.workflowId === workflowId && task.query == null) return;
  }
}

it('what a worker took up and never ended is told to nobody: the next one does it at another time', async () => {
  const first = await startWorker();
  const cwd = fixture.workspace('lost');
  const thread = await fixture.bobbin.threads.start({ threadId: 'lost', workspace: { cwd } });
  const { client, connection, namespace } = fixture.bobbin.service;
  await thread.view();
  await first.stop();
  others = [];
  const { workflowId } = thread;
  await connection.workflowService.resetStickyTaskQueue({ namespace, execution: { workflowId } });
  // They wait for a worker, beside the task that comes after them; one or two go to whoever takes that.
  const asking = Array.from({ length: 4 }, () => readPage(thread, 20_000));
  await sleep(300);
  await client.workflow.getHandle(workflowId).signal('submitTurn', { number: 1 });
  await takeTaskAndLoseIt(workflowId);
  await startWorker();
  const early = (await Promise.all(asking)).filter((page) => page !== undefined);
  await expect.poll(async () => countRejected((await readPage(thread)) ?? []), { timeout: 20_000 }).toBe(1);
  await killAllBut(await startWorker());
  const recorded = await eventsSoFar(thread);
  for (const answer of early) expect(answer).toEqual(recorded.slice(0, answer.length));
});

it('a reader is answered by the worker that takes a thread over without another replay', async () => {
  const first = await startWorker();
  const cwd = fixture.workspace('followed');
  const thread = await fixture.bobbin.threads.start({ threadId: 'followed', workspace: { cwd } });
  const reader = thread.events();
  const readTo = async (turnId: string) => {
    for (;;) {
      const { value } = await reader.next();
      if (value === undefined || (value.type === 'turn/completed' && value.turn.turnId === turnId)) return value;
    }
  };
  const before = turn('say: hi');
  await thread.submit(before);
  expect(await readTo(before.turnId)).toBeDefined();
  await first.stop();
  others = [];
  const second = await startWorker();
  const next = turn('run: true\nsay: here');
  await thread.submit(next);
  expect(await readTo(next.turnId)).toMatchObject({ turn: { status: 'completed' } });
  await reader.return();
  const refusals = second.output().split('Failed to process Workflow Activation').slice(1);
  expect(refusals.filter((refusal) => refusal.includes(thread.workflowId))).toEqual([]);
});
