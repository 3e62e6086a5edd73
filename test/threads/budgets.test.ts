/** Budgets on the real service, with what the offline model server says that it used up. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { ThreadRequest, ThreadView } from '../../src/contract/index.ts';
import { runCli } from '../parts/run-cli.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_BUDGET: '{"turn":{"steps":50}}' }, worker: false });
  const own = join(environment.data, '..', 'models.json');
  const price = { input: 2, cachedInput: 1, output: 10 };
  const near = { type: 'openai', baseUrl: `${environment.model.url}/v1` };
  writeFileSync(own, JSON.stringify({ models: [{ model: 'offline/bobbin-*', price }], providers: { near } }));
  environment.env['BOBBIN_MODELS'] = own;
  await environment.worker();
});
afterAll(() => environment.close());

type BudgetRequest = Extract<ThreadRequest, { type: 'budget' }>;

async function budgetRequest(thread: ThreadHandle, number = 1): Promise<BudgetRequest> {
  const { request } = await waitForEvent(
    thread,
    'turn/budget/requestApproval',
    (event) => event.request.requestId === `budget_${number}`,
  );
  if (request.type !== 'budget') throw new Error(`${request.requestId} is no request for more`);
  return request;
}

const child = (thread: ThreadHandle, number: number) => environment.bobbin.threads.get(`${thread.threadId}/${number}`);

/** Tokens of all turns that have ended, as their completions say. */
async function tokensOf(thread: ThreadHandle): Promise<number> {
  const events = await eventsSoFar(thread);
  return events.reduce((sum, event) => sum + (event.type === 'turn/completed' ? event.turn.usage.totalTokens : 0), 0);
}

describe('a thread with a budget', () => {
  it('pauses at its limit with a request, continues with as much again, and ends where more is refused', async () => {
    const thread = await environment.start({ budget: { thread: { steps: 2 } } });
    const asked = turn('run: echo 1\nrun: echo 2\nrun: echo 3\nrun: echo 4\nrun: echo 5');
    await thread.submit(asked);
    const first = await budgetRequest(thread);
    expect(first).toMatchObject({ scope: 'thread', limit: 'steps', spent: 2, max: 2, grants: 2, turnId: asked.turnId });
    expect((await thread.view()).activeTurn?.phase).toEqual({ type: 'waitingForBudget' });
    await thread.resolve({ requestId: first.requestId, decision: 'accept' });
    const second = await budgetRequest(thread, 2);
    expect(second).toMatchObject({ spent: 4, max: 4 });
    await thread.resolve({ requestId: second.requestId, decision: 'decline' });
    expect(await thread.completion(asked.turnId)).toMatchObject({ status: 'aborted', reason: 'budgetLimited' });
    const { budget } = await thread.view();
    expect(budget.thread).toMatchObject({ spent: { steps: 4 }, limits: { steps: 4 } });
  });

  it('keeps what was used up and asked when its worker is gone in between', async () => {
    const own = await openEnvironment({ worker: false });
    const before = await own.worker();
    const thread = await own.start({ budget: { thread: { steps: 2 } } });
    const asked = turn('run: echo 1\nrun: echo 2\nsay: all');
    await thread.submit(asked);
    const request = await budgetRequest(thread);
    const { budget } = await thread.view();
    await before.stop();
    await own.worker();
    const after = await thread.view();
    expect(after.openRequests).toEqual([request]);
    expect(after.budget).toEqual(budget);
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    const end = await thread.completion(asked.turnId);
    expect(end.status).toBe('completed');
    expect((await thread.view()).budget.thread.spent).toMatchObject({ tokens: end.usage.totalTokens, steps: 3 });
    await own.close();
  });

  it('that nobody watches ends at its limit by itself', async () => {
    const thread = await environment.start({ budget: { turn: { steps: 1 } }, unattended: { approvals: 'accept' } });
    expect(await runTurn(thread, 'run: echo 1\nrun: echo 2')).toMatchObject({
      status: 'aborted',
      reason: 'budgetLimited',
      quiescent: true,
    });
    expect(await runTurn(thread, 'say: each turn has its own')).toMatchObject({ status: 'completed' });
  });

  it('in time leaves a command that runs alone until more is refused, and then stops it with proof', async () => {
    const thread = await environment.start({ budget: { turn: { wallMs: 1_500 } } });
    const slow = turn('run: sleep 60');
    await thread.submit(slow);
    const request = await budgetRequest(thread);
    expect(request).toMatchObject({ limit: 'wallMs', max: 1_500 });
    const ended = (await eventsSoFar(thread)).filter(
      (event) => event.type === 'item/completed' && event.item.type === 'commandExecution',
    );
    expect(ended).toEqual([]);
    await thread.resolve({ requestId: request.requestId, decision: 'decline' });
    expect(await thread.completion(slow.turnId)).toMatchObject({
      status: 'aborted',
      reason: 'budgetLimited',
      quiescent: true,
    });
  });

  it('has defaults from the configuration, scope by scope', async () => {
    const thread = await environment.start({ budget: { thread: { tokens: 1_000_000 } } });
    expect((await thread.view()).settings.budget).toEqual({ turn: { steps: 50 }, thread: { tokens: 1_000_000 } });
  });
});

describe('what a turn costs', () => {
  it('is computed from the prices of the worker, and limits in dollars are held', async () => {
    const thread = await environment.start({ budget: { thread: { costUsd: 0.000_01 } } });
    const asked = turn('run: echo 1\nsay: done');
    await thread.submit(asked);
    const request = await budgetRequest(thread);
    expect(request).toMatchObject({ limit: 'costUsd', max: 0.000_01, grants: 0.000_01 });
    await thread.requestInterrupt();
    const { usage } = await thread.completion(asked.turnId);
    const fresh = usage.inputTokens - usage.cachedInputTokens;
    expect(usage.costMicroUsd).toBe(fresh * 2 + usage.cachedInputTokens + usage.outputTokens * 10);
    expect(request.spent * 1_000_000).toBeCloseTo(usage.costMicroUsd ?? 0);
  });

  it('is not known for a model without a price: what is assumed of it is said once, and a budget in dollars is refused at the turn', async () => {
    const thread = await environment.start({ model: 'near/unpriced' });
    expect((await runTurn(thread, 'say: one')).usage.costMicroUsd).toBeNull();
    await runTurn(thread, 'say: two');
    const warnings = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings.toSorted()).toEqual([
      expect.stringContaining('Model near/unpriced has no price'),
      expect.stringContaining('window of model near/unpriced is not known, so 128000 tokens are assumed'),
    ]);
    const refused = await runTurn(thread, 'say: three', { overrides: { budget: { turn: { costUsd: 1 } } } });
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'modelPriceUnknown' } });
  });
});

describe('a tree with a budget', () => {
  it('asks at the root for all of it, lets all go on, and counts every thread once', async () => {
    const thread = await environment.start({ budget: { tree: { steps: 6 } } });
    const work = 'run: echo 1\nrun: echo 2\nrun: echo 3';
    const asked = turn(`spawn: run: sleep 0.1\nspawn: ${work.split('\n')[0]}\ncall: wait_agent {}\n${work}`);
    await thread.submit(asked);
    const request = await waitForRequest(thread);
    expect(request).toMatchObject({ type: 'budget', scope: 'tree', limit: 'steps', origin: null, grants: 6 });
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    const next = await Promise.race([
      thread.completion(asked.turnId),
      budgetRequest(thread, 2).then(async ({ requestId }) => {
        await thread.resolve({ requestId, decision: 'accept' });
        return thread.completion(asked.turnId);
      }),
    ]);
    expect(next.status).toBe('completed');
    for (const number of [1, 2]) await waitForEvent(child(thread, number), 'turn/completed');
    // The words of a child are taken a moment after it has said them.
    const own = await tokensOf(thread);
    const below = (await tokensOf(child(thread, 1))) + (await tokensOf(child(thread, 2)));
    await expect.poll(async () => (await thread.view()).budget.tree.spent.tokens).toBe(own + below);
    expect((await thread.view()).budget.thread.spent.tokens).toBe(own);
    expect((await child(thread, 1).view()).settings.budget).toMatchObject({ turn: { steps: 50 } });
  });

  it('stops an agent that is at work when nobody watches', async () => {
    const thread = await environment.start({ budget: { tree: { steps: 4 } }, unattended: { approvals: 'decline' } });
    const end = await runTurn(thread, `spawn: call: list_agents {}\ncall: wait_agent {}\nrun: echo 1\nrun: echo 2`);
    expect(end).toMatchObject({ status: 'aborted', reason: 'budgetLimited' });
    const [event] = (await eventsSoFar(child(thread, 1))).filter(({ type }) => type === 'turn/completed');
    expect(event).toBeDefined();
  });
});

describe('bobbin run with a budget', () => {
  const bobbin = (args: string[]) => runCli(args, environment);

  it('ends with the exit code of an abort, and `thread show` says what was used up', async () => {
    const ran = await bobbin(['run', '--unattended', 'decline', '--budget-steps', '1', 'run: echo 1\nrun: echo 2']);
    expect(ran).toMatchObject({ code: 4, stdout: expect.stringContaining('turn aborted (budgetLimited)') as string });
    const threadId = /^thread (\S+)$/m.exec(ran.stdout)?.[1] ?? '';
    expect((await bobbin(['thread', 'show', threadId])).stdout).toMatch(/by the thread: .* 1 model step\b/);
    const shown = await bobbin(['thread', 'show', threadId, '--json']);
    expect((JSON.parse(shown.stdout) as ThreadView).budget.tree.limits).toEqual({ steps: 1 });
  });

  it('refuses what is no amount', async () => {
    expect(await bobbin(['run', '--budget-usd', 'much', 'say: hi'])).toMatchObject({ code: 2 });
  });
});
