/** What the model is shown after compactions is the same whoever reads it, and costs what the last stretch costs. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArchive } from '../../src/adapters/archive/archive.ts';
import { createFolderStore } from '../../src/adapters/store/folder-store.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item, TurnSubmission } from '../../src/contract/index.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import { compactionsOf, inputsOf, shown } from '../parts/model-view.ts';
import { type TestEnvironment, openEnvironment, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' } });
  environment.model.offerCompaction(false);
});
afterAll(() => environment.close());

/** A worker that writes down which segments of the archive its steps read. */
async function startReadingWorker() {
  const archive = createArchive({ store: createFolderStore(join(environment.data, 'archive')) });
  const read: string[] = [];
  const counting = {
    ...archive,
    read(segmentId: string) {
      read.push(segmentId);
      return archive.read(segmentId);
    },
  };
  return { read, worker: await environment.worker({}, { archive: counting }) };
}

/** To its end, read from where the thread stands: a reader of all events has the worker read the archive, too. */
async function run(thread: ThreadHandle, submission: TurnSubmission): Promise<void> {
  const { lastSeq } = await thread.view();
  await thread.submit(submission);
  expect(await thread.completion(submission.turnId, { after: lastSeq })).toMatchObject({ status: 'completed' });
}

const compact = (thread: ThreadHandle) => run(thread, { turnId: `compact-${randomUUID()}`, kind: 'compact' });

async function say(thread: ThreadHandle, words: readonly string[]): Promise<void> {
  for (const word of words) await run(thread, turn(`say: ${word}`));
}

/** Enough turns for the first of them to be old enough for the archive. */
const MANY = Array.from({ length: 16 }, (_, index) => `${index}`);

describe('after two compactions', () => {
  it('all stays readable, and the view is the same in new runs and in a worker that reads nothing of before', async () => {
    const first = await startReadingWorker();
    const compacted = await environment.start();
    await say(compacted, MANY);
    await compact(compacted);
    await say(compacted, ['a', 'b']);
    await compact(compacted);
    await say(compacted, MANY);
    const whole = await environment.start();
    await say(whole, [...MANY, ...MANY]);
    const before = inputsOf(environment, compacted).at(-1) ?? [];
    const kept = [...MANY, 'a', 'b'].map((word) => `user: say: ${word}`);
    const later = MANY.flatMap((word) => [
      `user: say: ${word}`,
      expect.stringContaining(`assistant: ${word}`) as string,
    ]);
    expect(shown(before)).toEqual([...kept, 'summary', ...later.slice(0, -1)]);
    expect((await compacted.view()).runCount).toBeGreaterThan(2);
    const items: Item[] = [];
    for await (const item of compacted.items()) items.push(item);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `item_${index}`));
    expect(items.filter(({ type }) => type === 'agentMessage')).toHaveLength(2 * MANY.length + 2);
    await first.worker.stop();

    const second = await startReadingWorker();
    await say(compacted, ['once more']);
    const after = inputsOf(environment, compacted).at(-1) ?? [];
    expect(after.slice(0, before.length)).toEqual(before);
    expect(shown(after.slice(before.length))).toEqual([
      expect.stringContaining('assistant: 15'),
      'user: say: once more',
    ]);
    // What the newest compaction does not replace is read, and none of what it does.
    const { firstItem } = (await compacted.view()).context;
    const ends = second.read.map((segmentId) => Number(/\/\d+-(\d+)\./.exec(segmentId)?.[1]));
    expect(ends.every((end) => end > firstItem)).toBe(true);
    const ofCompacted = second.read.length;
    await say(whole, ['once more']);
    expect(second.read.length - ofCompacted).toBeGreaterThan(ofCompacted);
    await second.worker.stop();
  });
});

describe('a worker that is killed in the middle of a compaction', () => {
  it('leaves it to the next one, and it is recorded once', async () => {
    const first = await startWorkerChild(environment.env, join(environment.data, '..', 'killed.log'));
    const thread = await environment.start();
    await run(thread, turn('say: one\nsummary: hang: 1'));
    const { turnId } = await thread.compact();
    await environment.model.waitForRequest(({ body }) => {
      const { prompt_cache_key: key, input } = body as { prompt_cache_key?: string; input?: [] };
      return key === thread.threadId && shown(input).includes('summary request');
    });
    await first.kill();
    const second = await startReadingWorker();
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    expect(await compactionsOf(thread)).toHaveLength(1);
    await say(thread, ['two']);
    expect(shown(inputsOf(environment, thread).at(-1))).toEqual(['user: say: one', 'summary', 'user: say: two']);
    await second.worker.stop();
  });
});
