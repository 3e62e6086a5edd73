/** Who waits with an abort signal leaves nothing behind on it: the signal of a reader lives as long as the reader does. */
import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchHistory } from '../../src/client/threads/history-changes.ts';
import { createThreadReader } from '../../src/worker/directories/thread-reader.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

test('a reader of the history, however often it asks', async () => {
  const thread = await environment.start();
  const stop = new AbortController();
  const changes = watchHistory(environment.bobbin.service, thread.workflowId, stop.signal);
  for (let turns = 0; turns < 4; turns++) {
    await runTurn(thread, 'say: on');
    await changes.next();
  }
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  stop.abort();
});

test('a step that asks for its conversation', async () => {
  const thread = await environment.start();
  await runTurn(thread, 'say: on');
  const { signal } = new AbortController();
  const reader = createThreadReader(environment.bobbin.service);
  for (let asked = 0; asked < 3; asked++) await reader.context(thread.threadId, 0, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
