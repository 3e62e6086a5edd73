import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item, ItemsPage, ThreadEvent } from '../../src/contract/index.ts';
import { type KillFixture, openFixture } from '../kill/fixture.ts';
import { type Watch, watchThread } from '../kill/watch.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

/** What a reader saw from the first event on is what is recorded, each event once, without a gap. */
async function expectSeenAsRecorded(thread: ThreadHandle, watch: Watch): Promise<ThreadEvent[]> {
  const { lastSeq } = await thread.view();
  await watch.waitFor(({ seq }) => seq === lastSeq, `event ${lastSeq}`);
  const recorded = await eventsSoFar(thread);
  expect(recorded.map(({ seq }) => seq)).toEqual(recorded.map((_, index) => index + 1));
  expect(watch.events.slice(0, recorded.length)).toEqual(recorded);
  return recorded;
}

function typesOf(events: readonly ThreadEvent[], ...types: ThreadEvent['type'][]): ThreadEvent[] {
  return events.filter(({ type }) => types.includes(type));
}

describe('on a Temporal service that is restarted', () => {
  let fixture: KillFixture;
  beforeAll(async () => {
    fixture = await openFixture();
  });
  afterAll(() => fixture.close());

  const workers: WorkerChild[] = [];
  const startWorker = async () => void workers.push(await fixture.worker());
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.kill();
  });

  const ways = [
    {
      how: 'told to stop',
      goDown: async () => {
        for (const worker of workers.splice(0)) await worker.stop();
        await fixture.service.stop();
      },
    },
    {
      how: 'killed',
      goDown: async () => {
        await Promise.all([...workers.splice(0).map((worker) => worker.kill()), fixture.service.kill()]);
      },
    },
  ];

  it.each(ways)('a turn that was submitted before any worker came is run once: service $how', async (way) => {
    const threadId = `early-${randomUUID()}`;
    const cwd = fixture.workspace(threadId);
    const early = turn('run: echo made >> made');
    const thread = await fixture.bobbin.threads.startWith({ threadId, workspace: { cwd } }, early);
    const watch = watchThread(thread);
    await fixture.bobbin.threads.startWith({ threadId, workspace: { cwd } }, early);
    await way.goDown();
    await fixture.service.start();
    await startWorker();
    expect(await thread.completion(early.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(cwd, 'made'), 'utf8')).toBe('made\n');
    const events = await expectSeenAsRecorded(thread, watch);
    expect(typesOf(events, 'turn/started', 'turn/completed')).toHaveLength(2);
    await watch.stop();
  });

  it.each(ways)('an open approval is still open, and is answered exactly once: both $how', async (way) => {
    await startWorker();
    const threadId = `approval-${randomUUID()}`;
    const cwd = fixture.workspace(threadId);
    const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd }, approvalPolicy: 'untrusted' });
    const watch = watchThread(thread);
    const asking = turn('run: echo approved >> approved');
    await thread.submit(asking);
    const request = await waitForRequest(thread);
    const { agentTask } = await thread.view();
    await way.goDown();
    await fixture.service.start();
    await startWorker();
    expect((await thread.view()).openRequests).toEqual([request]);
    const answer = { requestId: request.requestId, decision: 'accept' } as const;
    await thread.resolve(answer);
    await expect(thread.resolve(answer)).rejects.toMatchObject({ code: 'requestNotOpen' });
    await thread.requestResolve({ ...answer, decision: 'decline' });
    expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(cwd, 'approved'), 'utf8')).toBe('approved\n');
    await watch.waitFor(({ type }) => type === 'message/rejected', 'refusal of the late answer');
    const events = await expectSeenAsRecorded(thread, watch);
    expect(typesOf(events, 'serverRequest/resolved')).toMatchObject([{ decision: 'accept', by: 'person' }]);
    expect(typesOf(events, 'message/rejected')).toMatchObject([{ code: 'requestNotOpen', id: request.requestId }]);
    expect((await thread.view()).agentTask).toEqual(agentTask);
    await watch.stop();
  });

  it('an answer that was given while no worker was up counts, and only the first one', async () => {
    await startWorker();
    const threadId = `answer-${randomUUID()}`;
    const cwd = fixture.workspace(threadId);
    const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd }, approvalPolicy: 'untrusted' });
    const asking = turn('run: echo approved >> approved');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    for (const worker of workers.splice(0)) await worker.kill();
    await thread.requestResolve({ requestId, decision: 'accept' });
    await thread.requestResolve({ requestId, decision: 'decline' });
    await startWorker();
    expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(cwd, 'approved'), 'utf8')).toBe('approved\n');
    const events = await eventsSoFar(thread);
    expect(typesOf(events, 'serverRequest/resolved')).toMatchObject([{ decision: 'accept' }]);
    expect(typesOf(events, 'message/rejected')).toHaveLength(1);
  });

  it.each(ways)(
    'a reader continues in the middle of a turn, and misses and repeats nothing: both $how',
    async (way) => {
      await startWorker();
      const threadId = `reader-${randomUUID()}`;
      const cwd = fixture.workspace(threadId);
      const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd } });
      const watch = watchThread(thread);
      const lines = Array.from({ length: 8 }, (_, index) => `line-${index + 1}`);
      const working = turn(lines.map((line) => `run: sleep 0.05; echo ${line} >> log`).join('\n'));
      await thread.submit(working);
      await watch.waitFor((event) => event.type === 'item/completed' && event.item.id === 'item_3', 'third command');
      await way.goDown();
      await fixture.service.start();
      await startWorker();
      expect(await thread.completion(working.turnId)).toMatchObject({ status: 'completed' });
      const events = await expectSeenAsRecorded(thread, watch);
      const commands = events.flatMap((event) =>
        event.type === 'item/completed' && event.item.type === 'commandExecution' ? [event.item] : [],
      );
      expect(commands).toHaveLength(lines.length);
      const written = readFileSync(join(cwd, 'log'), 'utf8').trimEnd().split('\n');
      expect(new Set(written).size).toBe(written.length);
      const kept = lines.filter((_, index) => commands[index]?.status !== 'lost');
      expect(written).toEqual(expect.arrayContaining(kept));
      await watch.stop();
    },
  );
});

describe('a turn of 50 tool calls with an open approval', () => {
  const CALLS = 50;
  const ASKING = 25;
  let environment: TestEnvironment;
  beforeEach(async () => {
    const env = { BOBBIN_CONTINUE_AFTER_EVENTS: '60', BOBBIN_IDENTITY_ACCOUNT: `durability-${randomUUID()}` };
    environment = await openEnvironment({ env, requireAssertion: true });
  });
  afterEach(() => environment.close());

  it('goes on over several runs, and its history is what a reader saw', async () => {
    const thread = await environment.start();
    const watch = watchThread(thread);
    const numbers = Array.from({ length: CALLS }, (_, index) => index + 1);
    const script = numbers.map((number) => `${number === ASKING ? 'escalate' : 'run'}: echo ${number} >> log`);
    const long = turn(script.join('\n'));
    await thread.submit(long);

    const request = await waitForRequest(thread);
    const asked = (await thread.view()).runCount;
    expect(asked).toBeGreaterThan(1);
    for (let shells = 1; (await thread.view()).runCount < asked + 2; shells++) {
      expect(shells).toBeLessThan(30);
      expect(await runTurn(thread, `echo beside ${shells}`, { kind: 'user_shell' })).toMatchObject({
        status: 'completed',
      });
    }
    expect((await thread.view()).openRequests).toEqual([request]);
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });

    expect(await thread.completion(long.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(environment.cwd, 'log'), 'utf8')).toBe(numbers.map((number) => `${number}\n`).join(''));
    const events = await expectSeenAsRecorded(thread, watch);
    const view = await thread.view();
    expect(view.runCount).toBeGreaterThan(asked + 3);
    expect(view.agentTask).toMatchObject({ status: 'registered' });
    expect(typesOf(events, 'agentTask/registered', 'warning', 'error')).toHaveLength(1);

    const items: Item[] = [];
    for await (const item of thread.items()) items.push(item);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `item_${index}`));
    expect(items).toHaveLength(view.itemCount);
    const completed = events.flatMap((event) => (event.type === 'item/completed' ? [event.item] : []));
    expect([...completed].sort((a, b) => numberOf(a) - numberOf(b))).toEqual(items);
    const calls = items.filter((item) => item.type === 'commandExecution' && item.source === 'agent');
    expect(calls.map((item) => ('callId' in item ? item.status : null))).toEqual(numbers.map(() => 'completed'));
    expect(await firstPageIsArchived(thread)).toBe(true);
    await waitForEvent(thread, 'turn/completed', ({ turn: { turnId } }) => turnId === long.turnId);
    await watch.stop();
  });

  async function firstPageIsArchived(thread: ThreadHandle): Promise<boolean> {
    const handle = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
    return (await handle.query<ItemsPage, [unknown]>('items', { after: 0, limit: 1 })).archived !== null;
  }

  function numberOf(item: Item): number {
    return Number(item.id.slice('item_'.length));
  }
});
