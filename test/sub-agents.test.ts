/** Threads within threads, on the real service. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stand, eventsSoFar, openStand, runTurn } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(async () => {
  await stand.close();
});

describe('an agent that is spawned', () => {
  test('works as a thread of its own, and its end is told to the parent once', async () => {
    const thread = await stand.start();
    const end = await runTurn(
      thread,
      'spawn: run: echo from the child > child.txt\nrun: echo parent\ncall: wait_agent {}',
    );
    expect(end.status).toBe('completed');
    const view = await thread.view();
    expect(view.subThreads).toMatchObject([{ threadId: `${thread.threadId}/1`, role: 'agent', status: 'completed' }]);
    const child = stand.bobbin.threads.get(`${thread.threadId}/1`);
    expect(await child.view()).toMatchObject({ status: 'idle', turnCount: 1 });
    const events = await eventsSoFar(thread);
    const waits = events.flatMap((event) =>
      event.type === 'item/completed' && event.item.type === 'collabAgentToolCall' ? [event.item] : [],
    );
    expect(waits.map(({ tool, status }) => [tool, status])).toEqual([
      ['spawn_agent', 'completed'],
      ['wait_agent', 'completed'],
    ]);
    expect(waits[1]?.output).toContain('completed');
  });
});
