import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AskedOfModel, askedFor } from '../parts/model-requests.ts';
import { compactionsOf, inputsOf, shown } from '../parts/model-view.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';
import type { ThreadHandle } from '../../src/client/index.ts';

/** Far above what these conversations weigh; turns reach it by telling the offline model what to report. */
const LIMIT = 50_000;
const FULL = `tokens: ${LIMIT}`;

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_AUTO_COMPACT_TOKENS: String(LIMIT) } });
});
beforeEach(() => environment.model.offerCompaction(false));
afterAll(() => environment.close());

/** Compacts on demand, to its end. */
async function compact(thread: ThreadHandle) {
  const { turnId } = await thread.compact();
  return thread.completion(turnId);
}

const newest = (thread: ThreadHandle) => shown(inputsOf(environment, thread).at(-1));

describe('a compaction that is asked for', () => {
  it('replaces what was said by the latest messages of the person and one summary', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    await runTurn(thread, 'run: echo two\nsummary: say: The person counts.');
    const { usage } = await thread.view();
    const end = await compact(thread);
    expect(end).toMatchObject({ kind: 'compact', status: 'completed' });
    expect(end.usage.totalTokens).toBeGreaterThan(0);
    expect((await thread.view()).usage.totalTokens).toBe(usage.totalTokens + end.usage.totalTokens);
    await runTurn(thread, 'say: three');
    expect(newest(thread)).toEqual(['user: say: one', 'user: run: echo two', 'summary', 'user: say: three']);
    expect(JSON.stringify(inputsOf(environment, thread).at(-1))).toContain('The person counts.');
    expect(await compactionsOf(thread)).toMatchObject([
      {
        trigger: 'manual',
        summary: expect.stringContaining('The person counts.') as string,
        userMessages: ['say: one', 'run: echo two\nsummary: say: The person counts.'],
        provider: null,
        droppedEntries: 0,
      },
    ]);
  });

  it('asks the model for no call of the tools that it always has, with the whole conversation and the words it always has before it', async () => {
    const thread = await environment.start({ instructions: 'Be exact.' });
    await runTurn(thread, 'run: echo one');
    await compact(thread);
    const asked = askedFor(environment.model, thread.threadId) as (AskedOfModel & { tools?: unknown[] })[];
    const [before, request] = asked.filter((one) => 'tools' in one).slice(-2);
    expect(request).toMatchObject({
      tool_choice: 'none',
      instructions: expect.stringContaining('Be exact.') as string,
    });
    // What an endpoint caches: tools, instructions, and the conversation up to here.
    expect(request?.tools).toEqual(before?.tools);
    expect(request?.instructions).toBe(before?.instructions);
    expect(request?.input.slice(0, before?.input.length)).toEqual(before?.input);
    expect(newest(thread).slice(-2)).toEqual([expect.stringMatching(/^assistant: /), 'summary request']);
  });

  it('does nothing, and says so, where there is nothing to compact', async () => {
    const thread = await environment.start();
    expect(await compact(thread)).toMatchObject({ status: 'completed' });
    await runTurn(thread, 'say: one');
    await compact(thread);
    const asked = inputsOf(environment, thread).length;
    expect(await compact(thread)).toMatchObject({ status: 'completed' });
    expect(inputsOf(environment, thread)).toHaveLength(asked);
    const warnings = (await eventsSoFar(thread)).filter(({ type }) => type === 'warning');
    expect(warnings).toHaveLength(2);
    expect(await compactionsOf(thread)).toHaveLength(1);
  });

  it('cannot be steered, and takes no input', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one\nsummary: hang:');
    const { turnId } = await thread.compact();
    await environment.model.waitForRequest((request) => shownRequest(request.body, thread).includes('summary request'));
    const steer = { expectedTurnId: turnId, input: [{ type: 'text' as const, text: 'more' }] };
    await expect(thread.steer(steer)).rejects.toMatchObject({ code: 'turnNotSteerable' });
    await expect(thread.startTurn(turn('words', { kind: 'compact' }))).rejects.toMatchObject({ code: 'invalid' });
    await thread.interrupt();
  });
});

function shownRequest(body: unknown, thread: ThreadHandle): string[] {
  const { prompt_cache_key: key, input } = body as { prompt_cache_key?: string; input?: [] };
  return key === thread.threadId ? shown(input) : [];
}

describe('a context at its limit', () => {
  it('is compacted before the first step of the next turn, whose own words stay as they are', async () => {
    const thread = await environment.start();
    await runTurn(thread, `say: one\n${FULL}`);
    expect((await thread.view()).context).toMatchObject({ compactAt: LIMIT, firstItem: 0, compactions: 0 });
    expect(await runTurn(thread, 'say: two')).toMatchObject({ status: 'completed', kind: 'regular' });
    expect(newest(thread)).toEqual(['user: say: one', 'summary', 'user: say: two']);
    const [only, ...more] = await compactionsOf(thread);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ trigger: 'preTurn', upTo: 2, userMessages: [`say: one\n${FULL}`] });
    expect(only?.tokensBefore).toBeGreaterThan(LIMIT);
    expect((await thread.view()).context).toMatchObject({ firstItem: 2, compactions: 1 });
    await runTurn(thread, 'say: three');
    expect(newest(thread)).toEqual([
      'user: say: one',
      'summary',
      'user: say: two',
      expect.stringMatching(/^assistant: two/),
      'user: say: three',
    ]);
  });

  it('is compacted in the middle of a turn, which continues where it was', async () => {
    const thread = await environment.start();
    const made = `made-${randomUUID()}`;
    const end = await runTurn(thread, `${FULL}\nrun: echo one >> ${made}\nrun: echo two >> ${made}`);
    expect(end).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(environment.cwd, made), 'utf8')).toBe('one\ntwo\n');
    expect(inputsOf(environment, thread).map(shown)).toEqual([
      [`user: ${FULL}`],
      [`user: ${FULL}`, 'function_call', 'function_call_output', 'summary request'],
      [`user: ${FULL}`, 'summary'],
      [`user: ${FULL}`, 'summary', 'function_call', 'function_call_output'],
    ]);
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'midTurn', turnId: end.turnId }]);
  });

  it('that a model with a smaller window has is compacted by the model before it', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one\ntokens: 9000');
    const small = 'offline/bobbin-offline-8k';
    expect(await runTurn(thread, 'say: two', { overrides: { model: small } })).toMatchObject({ status: 'completed' });
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'preTurn' }]);
    expect(modelsOf(thread)).toEqual(['bobbin-offline', 'bobbin-offline', 'bobbin-offline-8k']);
    expect(newest(thread)).toEqual(['user: say: one', 'summary', 'user: say: two']);
    expect((await thread.view()).context.compactAt).toBe(7_200);
  });
});

function modelsOf(thread: ThreadHandle): unknown[] {
  const bodies = environment.model.requests.map(({ body }) => body as { prompt_cache_key?: string; model?: string });
  return bodies.filter((body) => body.prompt_cache_key === thread.threadId).map(({ model }) => model);
}

describe('a model that takes no more', () => {
  it('is asked again once the context is compacted', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'answer: 80000');
    const end = await runTurn(thread, 'window: 12000\nsay: it fits');
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('it fits') as string });
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'overflow', upTo: 2 }]);
    expect(newest(thread)).toEqual(['user: answer: 80000', 'summary', 'user: window: 12000']);
  });

  it('fails the turn where nothing can be left out, and the thread continues', async () => {
    const thread = await environment.start();
    const failed = await runTurn(thread, 'window: 10\nsay: never');
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'contextWindowExceeded' } });
    const again = await runTurn(thread, 'window: 10\nsay: never');
    expect(again).toMatchObject({ status: 'failed', error: { code: 'contextWindowExceeded' } });
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'overflow' }]);
    expect(await runTurn(thread, 'say: fine')).toMatchObject({ status: 'completed' });
  });

  it('of the whole conversation summarises what is left without the oldest of it', async () => {
    const thread = await environment.start();
    for (let i = 0; i < 4; i++) await runTurn(thread, `answer: 30000\nnumber ${i}`);
    await runTurn(thread, 'say: last\nsummary: window: 14000');
    expect(await compact(thread)).toMatchObject({ status: 'completed' });
    const [only] = await compactionsOf(thread);
    // One fewer, then three, then seven of the ten.
    expect(only).toMatchObject({ droppedEntries: 7, userMessages: { length: 5 } });
  });
});

describe('a compaction that fails', () => {
  it('fails a turn of its own and nothing else: the next turn sees all there was', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one\nsummary: status: 400');
    expect(await compact(thread)).toMatchObject({ status: 'failed', error: { code: 'modelBadRequest' } });
    expect(await compactionsOf(thread)).toEqual([]);
    await runTurn(thread, 'say: two');
    expect(newest(thread)).toEqual(['user: say: one', expect.stringMatching(/^assistant: one/), 'user: say: two']);
  });

  it('fails the turn it was for with its code, and the next turn tries again', async () => {
    const thread = await environment.start();
    await runTurn(thread, `say: one\n${FULL}\nsummary: status: 400`);
    const failed = await runTurn(thread, 'say: two\nsummary: say: Better.');
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'modelBadRequest' } });
    expect(await runTurn(thread, 'say: three')).toMatchObject({ status: 'completed' });
    expect(newest(thread)).toEqual(['user: say: one', 'user: say: two', 'summary', 'user: say: three']);
  });

  it('and is stopped by a person leaves nothing but one terminal event', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one\nsummary: stream: 2000 10');
    const { turnId } = await thread.compact();
    await environment.model.waitForRequest(({ body }) => shownRequest(body, thread).includes('summary request'));
    await thread.interrupt({ turnId });
    expect(await thread.completion(turnId)).toMatchObject({
      status: 'aborted',
      reason: 'interrupted',
      quiescent: true,
    });
    await environment.model.waitForRequest(
      ({ body, closedByClient }) => closedByClient && shownRequest(body, thread).includes('summary request'),
    );
    const events = await eventsSoFar(thread);
    const began = events.findIndex((event) => event.type === 'turn/started' && event.turnId === turnId);
    expect(events.slice(began).map(({ type }) => type)).toEqual(['turn/started', 'turn/completed']);
    await runTurn(thread, 'say: two');
    expect(newest(thread)).toEqual(['user: say: one', expect.stringMatching(/^assistant: one/), 'user: say: two']);
  });

  it('is stopped together with the regular turn it is a part of', async () => {
    const thread = await environment.start();
    const working = turn(`${FULL}\nrun: echo one\nsummary: hang:\nsay: done`);
    await thread.submit(working);
    await environment.model.waitForRequest(({ body }) => shownRequest(body, thread).includes('summary request'));
    expect((await thread.view()).activeTurn?.phase).toEqual({ type: 'compacting', trigger: 'midTurn' });
    await thread.interrupt({ turnId: working.turnId });
    expect(await thread.completion(working.turnId)).toMatchObject({ reason: 'interrupted', quiescent: true });
    expect(await compactionsOf(thread)).toEqual([]);
  });
});

describe('the agent task of a compaction', () => {
  it('is renewed once where it has run out', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    const { taskId } = await waitForEvent(thread, 'agentTask/registered');
    await environment.identity.control({ expireTasks: taskId });
    expect(await compact(thread)).toMatchObject({ status: 'completed' });
    expect(await compactionsOf(thread)).toHaveLength(1);
    const { agentTask } = await thread.view();
    expect(agentTask.status === 'registered' && agentTask.task.taskId !== taskId).toBe(true);
  });
});

describe("the provider's own compaction", () => {
  it('replaces the conversation by what the provider gave, word for word, and one after another', async () => {
    environment.model.offerCompaction(true);
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    expect(await compact(thread)).toMatchObject({ status: 'completed' });
    await runTurn(thread, 'say: two');
    const [asked] = inputsOf(environment, thread, '/v1/responses/compact');
    expect(shown(asked)).toEqual(['user: say: one', expect.stringMatching(/^assistant: one/)]);
    const [first] = await compactionsOf(thread);
    expect(first).toMatchObject({ summary: '', provider: { provider: 'offline' }, userMessages: ['say: one'] });
    const input = inputsOf(environment, thread).at(-1) ?? [];
    expect(shown(input)).toEqual(['user: say: one', 'compaction', 'user: say: two']);
    expect(input.slice(0, 2)).toEqual(first?.provider?.output);
    await compact(thread);
    await runTurn(thread, 'say: three');
    expect(newest(thread)).toEqual(['user: say: one', 'user: say: two', 'compaction', 'user: say: three']);
  });

  it('lets a turn go on in its middle', async () => {
    environment.model.offerCompaction(true);
    const thread = await environment.start();
    const end = await runTurn(thread, `${FULL}\nrun: echo one\nrun: echo two`);
    expect(end.lastAgentMessage).toContain('`echo one` gave');
    expect(end.lastAgentMessage).toContain('`echo two` gave');
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'midTurn', provider: { provider: 'offline' } }]);
  });

  it('is not asked for by a model of another name, which needs a summary that it can read', async () => {
    environment.model.offerCompaction(true);
    const thread = await environment.start();
    await runTurn(thread, 'say: one\ntokens: 9000');
    await runTurn(thread, 'say: two', { overrides: { model: 'offline/bobbin-offline-8k' } });
    expect(await compactionsOf(thread)).toMatchObject([{ trigger: 'preTurn', provider: null }]);
  });

  it('fails as any step does, where the endpoint is there and fails', async () => {
    environment.model.offerCompaction(true);
    const thread = await environment.start();
    await runTurn(thread, 'say: one\nsummary: status: 402');
    expect(await compact(thread)).toMatchObject({ status: 'failed', error: { code: 'usageLimitExceeded' } });
  });
});
