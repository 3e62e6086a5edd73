/** How much a model reasons, and similar options, as settings of threads and of turns. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestEnvironment, closeThread, eventsSoFar, itemsOf, openEnvironment, runTurn } from '../environment.ts';
import { lastAsked } from '../parts/model-requests.ts';
import { runCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_WEB_SEARCH: 'cached' } });
});
afterAll(() => environment.close());

it('are those of the thread, and a turn changes them for itself and later ones', async () => {
  const thread = await environment.start({ effort: 'low', verbosity: 'high' });
  await runTurn(thread, 'say: one');
  expect(lastAsked(environment.model, thread.threadId)).toMatchObject({
    reasoning: { effort: 'low' },
    text: { verbosity: 'high' },
  });
  await runTurn(thread, 'say: two', { overrides: { effort: 'high', summary: 'auto', verbosity: 'default' } });
  await runTurn(thread, 'say: three');
  const asked = lastAsked(environment.model, thread.threadId);
  expect(asked).toMatchObject({ reasoning: { effort: 'high', summary: 'auto' } });
  expect(asked).not.toHaveProperty('text');
  expect((await thread.view()).settings).toMatchObject({ effort: 'high', summary: 'auto', verbosity: 'default' });
});

it('that the model does not know fail the turn in the words of the endpoint, and the thread goes on', async () => {
  const thread = await environment.start({ effort: 'xhigh' });
  const end = await runTurn(thread, 'say: one');
  expect(end).toMatchObject({ status: 'failed', error: { code: 'modelBadRequest' } });
  expect(end.status === 'failed' && end.error.message).toContain('\'reasoning.effort\' does not support "xhigh"');
  expect(await runTurn(thread, 'say: two', { overrides: { effort: 'default' } })).toMatchObject({
    status: 'completed',
  });
});

it('come from the command line when a turn is sent, a thread is forked and a thread is resumed', async () => {
  const { threadId } = await environment.start();
  const fork = `${threadId}-fork`;
  const bobbin = async (...args: string[]) => {
    expect(await runCli(['thread', ...args], environment)).toMatchObject({ code: 0, stderr: '' });
  };
  const settingsOf = async (id: string) => (await environment.bobbin.threads.get(id).view()).settings;
  await bobbin('send', threadId, 'say: one', '--effort', 'high', '--summary', 'auto', '--wait');
  expect(await settingsOf(threadId)).toMatchObject({ effort: 'high', summary: 'auto' });
  await bobbin('fork', threadId, '--id', fork, '--effort', 'low', '--service-tier', 'flex');
  expect(await settingsOf(fork)).toMatchObject({ effort: 'low', serviceTier: 'flex' });
  await closeThread(environment.bobbin.threads.get(threadId));
  await bobbin('resume', threadId, '--verbosity', 'low');
  expect(await settingsOf(threadId)).toMatchObject({ effort: 'high', verbosity: 'low' });
});

it('that nobody knows are refused when they are given', async () => {
  await expect(environment.start({ effort: 'immense' as 'high' })).rejects.toThrow(/effort/);
});

it('go to agents of the thread that have its model', async () => {
  const thread = await environment.start({ effort: 'low' });
  await runTurn(thread, 'spawn: say: hello');
  const { body } = await environment.model.waitForRequest(({ body }) =>
    String((body as { prompt_cache_key?: string }).prompt_cache_key).startsWith(`${thread.threadId}/`),
  );
  expect(body).toMatchObject({ reasoning: { effort: 'low' } });
});

it('make reasoning tokens part of the usage, and of what a budget counts', async () => {
  const thread = await environment.start({ summary: 'auto', unattended: { approvals: 'decline' } });
  const plain = await runTurn(thread, 'say: one');
  const thought = await runTurn(thread, `think: ${'thought '.repeat(50)}\nsay: one`);
  expect(plain.usage.reasoningOutputTokens).toBe(0);
  const { reasoningOutputTokens, outputTokens, inputTokens } = thought.usage;
  expect(reasoningOutputTokens).toBe(100);
  expect(outputTokens).toBe(plain.usage.outputTokens + reasoningOutputTokens);
  const tokens = inputTokens + outputTokens;
  expect((await thread.view()).budget.thread.spent.tokens).toBe(
    plain.usage.inputTokens + plain.usage.outputTokens + tokens,
  );
});

it('let a model search the web, as far as the operator allows it, and its searches are items', async () => {
  const thread = await environment.start({ webSearch: 'live' });
  await runTurn(thread, 'search: bobbin\nsay: found');
  const types = (body: object) =>
    (body as { tools: { type: string }[] }).tools.filter(({ type }) => type === 'web_search');
  const searches = [{ type: 'web_search', external_web_access: false }];
  expect(types(lastAsked(environment.model, thread.threadId))).toEqual(searches);
  const items = await itemsOf(thread);
  expect(items.map(({ type }) => type)).toEqual(['userMessage', 'webSearch', 'agentMessage']);
  expect(items[1]).toMatchObject({ action: { type: 'search', queries: ['bobbin'] } });
  const warnings = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings).toEqual(['The thread has webSearch "live", and its operator allows "cached" (BOBBIN_WEB_SEARCH).']);
  await runTurn(thread, 'say: two', { overrides: { webSearch: 'off' } });
  const asked = lastAsked(environment.model, thread.threadId);
  expect(types(asked)).toEqual([]);
  expect(asked.input).toContainEqual({
    type: 'web_search_call',
    status: 'completed',
    action: { type: 'search', query: 'bobbin' },
  });
});

it('let no review search the web, and no thread that was not told to', async () => {
  const thread = await environment.start({ webSearch: 'cached' });
  await runTurn(thread, '', {
    kind: 'review',
    input: [],
    review: { target: { type: 'custom', instructions: 'say: ok' } },
  });
  const { body } = await environment.model.waitForRequest(({ body }) =>
    String((body as { prompt_cache_key?: string }).prompt_cache_key).startsWith(`${thread.threadId}/`),
  );
  expect(JSON.stringify((body as { tools: unknown }).tools)).not.toContain('web_search');
  const other = await environment.start();
  await runTurn(other, 'search: bobbin');
  expect(JSON.stringify(lastAsked(environment.model, other.threadId))).not.toContain('web_search');
  expect((await itemsOf(other)).map(({ type }) => type)).toEqual(['userMessage', 'agentMessage']);
});
