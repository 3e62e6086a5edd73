import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createThreadReader } from '../../src/worker/directories/thread-reader.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());

/** A worker that counts how often its steps ask a thread for context. */
async function startCountingWorker() {
  const reader = createThreadReader(environment.bobbin.service);
  const counter = { asked: 0 };
  const worker = await environment.worker(
    {},
    {
      threads: {
        ...reader,
        context: (threadId, after, signal) => {
          counter.asked++;
          return reader.context(threadId, after, signal);
        },
      },
    },
  );
  return { counter, worker };
}

describe('the conversation', () => {
  it('is at hand in the worker that serves the thread, and in one that takes the thread over', async () => {
    const first = await startCountingWorker();
    const thread = await environment.start();
    await runTurn(thread, 'run: echo one\nrun: echo two');
    await runTurn(thread, 'say: remember the bobbin');
    expect(first.counter.asked).toBe(0);
    await first.worker.stop();

    const second = await startCountingWorker();
    await runTurn(thread, 'say: who are you');
    await runTurn(thread, 'say: and once more');
    expect(second.counter.asked).toBe(0);
    const seen = await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes('and once more'));
    expect(JSON.stringify(seen.body)).toContain('remember the bobbin');
  });
});
