import { describe, expect, it } from 'vitest';
import type { Item, ThreadSettings } from '../../src/contract/index.ts';
import type { ThreadContext } from '../ports.ts';
import { createContextCache } from './context-cache.ts';

const settings = { cwd: '/w' } as ThreadSettings;
/** A thread that was never compacted. */
const whole = { settings, first: 0, compaction: null };
const signal = new AbortController().signal;

function message(index: number): Item {
  return { id: `item_${index}`, turnId: 't', step: 0, type: 'agentMessage', text: `text ${index}` };
}

/** A thread with that many items, the first ones archived in one segment; counts how often it is asked. */
function openThread(count: number, archivedTo = 0) {
  const all = Array.from({ length: count }, (_, index) => message(index));
  const segment = { segmentId: 's', items: { from: 0, to: archivedTo }, events: { from: 1, to: 2 } };
  const thread = {
    asked: [] as number[],
    context(_threadId: string, after: number): Promise<ThreadContext> {
      thread.asked.push(after);
      const from = Math.max(after, archivedTo);
      const archived = after < archivedTo ? [segment] : [];
      return Promise.resolve({ ...whole, archived, from, items: all.slice(from), stable: all.length });
    },
  };
  const archive = {
    write: () => Promise.resolve(),
    read: () => Promise.resolve(JSON.stringify({ items: all.slice(0, archivedTo) })),
  };
  return { all, thread, cache: createContextCache({ threads: thread, archive }) };
}

describe('the context of a model step', () => {
  it('is asked for from the first item on, and then only for what is new', async () => {
    const { all, thread, cache } = openThread(5);
    expect(await cache.read('t', 5, signal)).toEqual({ ...whole, items: all });
    expect(await cache.read('t', 3, signal)).toEqual({ ...whole, items: all.slice(0, 3) });
    expect(thread.asked).toEqual([0, 5]);
  });

  it('has what lies in the archive, read once', async () => {
    const { all, thread, cache } = openThread(5, 3);
    expect((await cache.read('t', 5, signal)).items).toEqual(all);
    expect((await cache.read('t', 5, signal)).items).toEqual(all);
    expect(thread.asked).toEqual([0, 5]);
  });

  it('is not asked for where the thread has offered it', async () => {
    const { all, thread, cache } = openThread(5);
    cache.offer('t', { ...whole, archived: [], from: 0, items: all.slice(0, 2), stable: 2 });
    cache.offer('t', { ...whole, archived: [], from: 2, items: all.slice(2), stable: 5 });
    expect(await cache.read('t', 5, signal)).toEqual({ ...whole, items: all });
    expect(thread.asked).toEqual([]);
  });

  it('of a run that was reset is not taken from the run before it; of one that continues, it is', async () => {
    const { all, thread, cache } = openThread(5);
    const other = { ...whole, archived: [], from: 0, items: all.slice(1), stable: 4 };
    cache.offer('t', other, { runId: 'old' });
    expect((await cache.read('t', 4, signal, 'reset')).items).toEqual(all.slice(0, 4));
    expect(thread.asked).toEqual([0]);
    cache.offer(
      't',
      { ...whole, archived: [], from: 4, items: all.slice(4), stable: 5 },
      { runId: 'next', continuedFrom: 'reset' },
    );
    expect((await cache.read('t', 5, signal, 'next')).items).toEqual(all);
    expect(thread.asked).toEqual([0]);
    cache.offer('t', { ...other, from: 4, items: all.slice(4) }, { runId: 'again', continuedFrom: 'old' });
    expect((await cache.read('t', 5, signal, 'again')).items).toEqual(all);
    expect(thread.asked).toEqual([0, 0]);
  });

  it('is offered whole to a worker that has nothing: what lies in the archive is read there, and nothing is asked', async () => {
    const { all, thread, cache } = openThread(6, 3);
    const { archived } = await thread.context('t', 0);
    thread.asked.length = 0;
    cache.offer('t', { ...whole, archived, from: 3, items: all.slice(3, 4), stable: 4 });
    cache.offer('t', { ...whole, archived: [], from: 4, items: all.slice(4), stable: 5 });
    expect(await cache.read('t', 6, signal)).toEqual({ ...whole, items: all });
    cache.offer('t', { ...whole, archived: [], from: 5, items: all.slice(5), stable: 6 });
    expect(await cache.read('t', 6, signal)).toEqual({ ...whole, items: all });
    expect(thread.asked).toEqual([]);
  });

  it('is asked for where an offer leaves a gap, or comes short', async () => {
    const { all, thread, cache } = openThread(5);
    cache.offer('t', { ...whole, archived: [], from: 2, items: all.slice(2), stable: 5 });
    expect((await cache.read('t', 5, signal)).items).toEqual(all);
    expect(thread.asked).toEqual([0]);
  });

  it('takes no item for final that may still change', async () => {
    const { all, thread, cache } = openThread(5);
    const running = { ...message(4), text: 'not yet' } as Item;
    cache.offer('t', { ...whole, archived: [], from: 0, items: [...all.slice(0, 4), running], stable: 4 });
    cache.offer('t', { ...whole, archived: [], from: 4, items: all.slice(4), stable: 5 });
    expect((await cache.read('t', 5, signal)).items).toEqual(all);
    expect(thread.asked).toEqual([]);
  });

  it('fails as unreadable where the thread has less than the step needs', async () => {
    const { cache } = openThread(2);
    await expect(cache.read('t', 3, signal)).rejects.toMatchObject({ code: 'threadUnreadable' });
  });
});

describe('the context of a thread that was compacted', () => {
  /** Sixty items, the first forty archived in segments of ten; what the newest compaction replaces can be changed. */
  function openCompacted() {
    const all = Array.from({ length: 60 }, (_, index) => message(index));
    const segments = [0, 10, 20, 30].map((from) => ({
      segmentId: `s${from}`,
      items: { from, to: from + 10 },
      events: { from: from + 1, to: from + 11 },
    }));
    const thread = {
      compacted: { first: 0, compaction: null as number | null },
      asked: [] as number[],
      read: [] as string[],
      answer(after: number): ThreadContext {
        const { first } = thread.compacted;
        const from = Math.max(after, first, 40);
        const archived = segments.filter(({ items }) => items.to > Math.max(after, first));
        return { settings, ...thread.compacted, archived, from, items: all.slice(from), stable: 60 };
      },
    };
    const threads = {
      context(_threadId: string, after: number) {
        thread.asked.push(after);
        return Promise.resolve(thread.answer(after));
      },
      items: () => Promise.reject(new Error('not asked for here')),
      segment: () => Promise.reject(new Error('not asked for here')),
      ended: () => Promise.reject(new Error('nobody asks')),
    };
    const archive = {
      write: () => Promise.resolve(),
      read(segmentId: string) {
        thread.read.push(segmentId);
        const from = Number(segmentId.slice(1));
        return Promise.resolve(JSON.stringify({ items: all.slice(from, from + 10) }));
      },
    };
    return { all, thread, cache: createContextCache({ threads, archive }) };
  }

  it('is read from the first item that counts on, and nothing before that', async () => {
    const { all, thread, cache } = openCompacted();
    thread.compacted = { first: 33, compaction: 35 };
    const expected = { settings, first: 33, compaction: 35, items: all.slice(33, 60) };
    expect(await cache.read('t', 60, signal)).toEqual(expected);
    expect(thread.read).toEqual(['s30']);
    thread.read.length = 0;
    expect(await cache.read('t', 60, signal)).toEqual(expected);
    expect(thread.read).toEqual([]);
  });

  it('is not in the archive at all where that ends before it', async () => {
    const { all, thread, cache } = openCompacted();
    thread.compacted = { first: 45, compaction: 45 };
    expect((await cache.read('t', 50, signal)).items).toEqual(all.slice(45, 50));
    expect(thread.read).toEqual([]);
  });

  it('is dropped from here as far as a compaction replaced it, and asked for only where it is new', async () => {
    const { all, thread, cache } = openCompacted();
    await cache.read('t', 60, signal);
    thread.compacted = { first: 50, compaction: 55 };
    thread.read.length = 0;
    expect(await cache.read('t', 60, signal)).toEqual({ settings, ...thread.compacted, items: all.slice(50) });
    expect(thread.asked).toEqual([0, 60]);
    expect(thread.read).toEqual([]);
    cache.offer('t', { settings, ...thread.compacted, archived: [], from: 60, items: [message(60)], stable: 61 });
    expect((await cache.read('t', 61, signal)).items).toEqual([...all.slice(50), message(60)]);
    expect(thread.asked).toEqual([0, 60]);
  });

  it('is whole in an offer that begins with the first item that counts, whatever was known before', async () => {
    const { all, thread, cache } = openCompacted();
    thread.compacted = { first: 45, compaction: 50 };
    cache.offer('t', thread.answer(0));
    expect((await cache.read('t', 60, signal)).items).toEqual(all.slice(45));
    expect(thread.asked).toEqual([]);
  });

  it('is read again where a compaction was taken back', async () => {
    const { all, thread, cache } = openCompacted();
    thread.compacted = { first: 50, compaction: 55 };
    await cache.read('t', 60, signal);
    thread.compacted = { first: 25, compaction: 28 };
    cache.offer('t', { settings, ...thread.compacted, archived: [], from: 60, items: [message(60)], stable: 61 });
    expect(await cache.read('t', 60, signal)).toEqual({ settings, ...thread.compacted, items: all.slice(25) });
    expect(thread.read).toEqual(['s20', 's30']);
  });
});
