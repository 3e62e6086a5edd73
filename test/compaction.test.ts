import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import type { Item } from '../src/contract/index.ts';
import { type Stand, openStand, runTurn } from './stand.ts';

/** Far above what these conversations weigh; turns reach it by telling the offline model what to report. */
const LIMIT = 50_000;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({
    requireAssertion: true,
    env: { BOBBIN_AUTO_COMPACT_TOKENS: String(LIMIT), BOBBIN_CONTEXT_WINDOW: '100000' },
  });
  stand.model.offerCompaction(false);
});
afterEach(() => stand.model.offerCompaction(false));
afterAll(() => stand.close());

type Wire = { type: string; role?: string; content?: { text: string }[]; call_id?: string; encrypted_content?: string };

/** What each request of this thread held, oldest first. */
function inputsOf(thread: ThreadHandle, path = '/v1/responses'): Wire[][] {
  return stand.model.requests.flatMap((request) => {
    const body = request.body as { prompt_cache_key?: string; input?: Wire[] };
    return request.path === path && body.prompt_cache_key === thread.threadId ? [body.input ?? []] : [];
  });
}

/** One short line for each entry; a summary by its first words. */
function shown(input: readonly Wire[] = []): string[] {
  return input.map((entry) => {
    const text = (entry.content ?? []).map((part) => part.text).join('');
    if (text.startsWith('<context_summary>')) return 'summary';
    if (text.startsWith('<context_summary_request>')) return 'summary request';
    return entry.type === 'message' ? `${entry.role ?? ''}: ${text.split('\n')[0] ?? ''}` : entry.type;
  });
}

async function compact(thread: ThreadHandle) {
  const turnId = `compact-${randomUUID()}`;
  await thread.submit({ turnId, kind: 'compact' });
  return thread.completion(turnId);
}

async function itemsOf(thread: ThreadHandle): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of thread.items()) items.push(item);
  return items;
}

async function compactionsOf(thread: ThreadHandle) {
  return (await itemsOf(thread)).filter((item) => item.type === 'contextCompaction');
}

describe('a compaction that is asked for', () => {
  it('replaces what was said by the latest messages of the person and one summary', async () => {
    const thread = await stand.start();
    await runTurn(thread, 'say: one');
    await runTurn(thread, 'run: echo two\nsummary: say: The person counts.');
    expect(await compact(thread)).toMatchObject({ kind: 'compact', status: 'completed' });
    await runTurn(thread, 'say: three');
    expect(shown(inputsOf(thread).at(-1))).toEqual([
      'user: say: one',
      'user: run: echo two',
      'summary',
      'user: say: three',
    ]);
    expect(JSON.stringify(inputsOf(thread).at(-1))).toContain('The person counts.');
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
});
