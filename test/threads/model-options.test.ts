/** How much a model reasons, and similar options, as settings of threads and of turns. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';
import { lastAsked } from '../parts/model-requests.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
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
