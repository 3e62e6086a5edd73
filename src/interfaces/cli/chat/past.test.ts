import { describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent } from '../../../contract/index.ts';
import { readPast } from './past.ts';

/** A log of turns with so many events each, and how many of its events were read. */
function logOf(turns: readonly number[]) {
  const events: ThreadEvent[] = [];
  const add = (body: object) => events.push({ seq: events.length + 1, at: 0, ...body } as ThreadEvent);
  turns.forEach((length, index) => {
    add({ type: 'turn/started', turnId: `turn-${index}`, kind: 'regular', besideTurnId: null });
    for (let n = 2; n < length; n++) add({ type: 'warning', message: `${index}.${n}` });
    add({ type: 'turn/completed', turn: { turnId: `turn-${index}` } });
  });
  let read = 0;
  const thread = {
    async *events({ after = 0 }: { after?: number } = {}) {
      for (const event of events.slice(after)) {
        read += 1;
        yield event;
        await Promise.resolve();
      }
    },
  } as unknown as ThreadHandle;
  return { thread, lastSeq: events.length, turnCount: turns.length, read: () => read };
}

const never = new AbortController().signal;

describe('the past of a thread', () => {
  it('is whole if it is short', async () => {
    const { thread, ...view } = logOf([5, 5]);
    const past = await readPast(thread, view, never);
    expect(past).toMatchObject({ earlierTurns: 0, events: { length: 10 } });
  });

  it('of ten thousand turns is its newest turns, whole, and the number of those before, for a thousand events', async () => {
    const { thread, read, ...view } = logOf(Array.from({ length: 10_000 }, () => 7));
    const { events, earlierTurns } = await readPast(thread, view, never);
    expect(events[0]).toMatchObject({ type: 'turn/started', turnId: `turn-${earlierTurns}` });
    expect(events).toHaveLength((10_000 - earlierTurns) * 7);
    expect(events.length).toBeGreaterThan(950);
    expect(read()).toBeLessThanOrEqual(1_000);
  });

  it('contains its newest turn, however long that is', async () => {
    const { thread, ...view } = logOf([10, 10, 3_000]);
    const { events, earlierTurns } = await readPast(thread, view, never);
    expect({ first: events[0]?.seq, count: events.length, earlierTurns }).toEqual({
      first: 1,
      count: 3_020,
      earlierTurns: 0,
    });
    const long = logOf([3_000, 3_000, 3_000]);
    const newest = await readPast(long.thread, long, never);
    expect(newest).toMatchObject({ earlierTurns: 2, events: { length: 3_000, 0: { turnId: 'turn-2' } } });
  });

  it('ends where it ended when the view was read', async () => {
    const { thread } = logOf([5, 5]);
    const { events } = await readPast(thread, { lastSeq: 7, turnCount: 1 }, never);
    expect(events.at(-1)?.seq).toBe(7);
  });
});
