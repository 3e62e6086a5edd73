import { describe, expect, it } from 'vitest';
import type { SubThreadStatus, ThreadEvent, TreeCursor, TreeEvent } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import { advanceCursor, mergeTree } from './tree-events.ts';

/** The event at the place of a thread's log that reports the status of a child. */
const child = (threadId: string, status: SubThreadStatus = 'running') => ({
  type: 'subThread/updated',
  subThread: { threadId, name: 'a', role: 'agent', turnId: 't', status, lastAgentMessage: null },
});
const said = (message: string) => ({ type: 'warning', message });

type Logs = Record<string, object[]>;

/** Threads with these logs, which have all ended; and what was asked of them. */
function treeOf(logs: Logs) {
  const asked: [threadId: string, after: number][] = [];
  let open = 0;
  let mostOpen = 0;
  const read = new Map<string, number>();
  async function* follow(threadId: string, after: number): AsyncGenerator<ThreadEvent> {
    asked.push([threadId, after]);
    const log = logs[threadId];
    if (log === undefined) throw new BobbinError('threadNotFound', threadId);
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    try {
      for (const [index, body] of log.entries()) {
        if (index < after) continue;
        await Promise.resolve();
        read.set(threadId, index + 1);
        yield { seq: index + 1, at: 0, ...body } as ThreadEvent;
      }
      if (log === TERMINATED) throw new BobbinError('threadClosed', 'it ended without closing');
    } finally {
      open -= 1;
    }
  }
  return { follow, asked, read, mostOpen: () => mostOpen };
}

async function readAll(logs: Logs, after: TreeCursor = {}) {
  const tree = treeOf(logs);
  const events: TreeEvent[] = [];
  for await (const event of mergeTree('r', { after }, tree.follow)) events.push(event);
  return { ...tree, events };
}

const seqsOf = (events: readonly TreeEvent[]) => {
  const seqs: Record<string, number[]> = {};
  for (const { threadId, event } of events) if ('seq' in event) (seqs[threadId] ??= []).push(event.seq);
  return seqs;
};

/** The log of a root that an operator terminated. */
const TERMINATED = [said('one'), child('r/1')];

const TREE: Logs = {
  r: [said('one'), child('r/1', 'pendingInit'), child('r/1'), said('two'), child('r/1', 'shutdown'), child('r/2')],
  'r/1': [said('a'), child('r/1/1'), said('b'), { type: 'thread/closed', reason: null }],
  'r/1/1': [said('deep')],
  'r/2': [],
};

describe('the events of a tree', () => {
  it('are those of every thread, each in order, with the way to it, read once', async () => {
    const { events, asked } = await readAll(TREE);
    expect(seqsOf(events)).toEqual({ r: [1, 2, 3, 4, 5, 6], 'r/1': [1, 2, 3, 4], 'r/1/1': [1] });
    expect(events.find(({ threadId }) => threadId === 'r/1/1')?.path).toEqual(['r/1', 'r/1/1']);
    expect(events.find(({ threadId }) => threadId === 'r')?.path).toEqual([]);
    expect(asked.map(([threadId]) => threadId).sort()).toEqual(['r', 'r/1', 'r/1/1', 'r/2']);
  });

  it('continue at any cursor without a gap or a repetition', async () => {
    const { events } = await readAll(TREE);
    for (let taken = 0; taken <= events.length; taken++) {
      const before = events.slice(0, taken);
      const { events: rest } = await readAll(TREE, before.reduce<TreeCursor>(advanceCursor, {}));
      const both = seqsOf([...before, ...rest]);
      expect(both).toEqual(seqsOf(events));
    }
  });

  it('come from a thread that works again after its end, and not from one that was terminated or never began', async () => {
    const again = {
      ...TREE,
      r: [child('r/1'), child('r/3'), ...Array.from({ length: 20 }, () => said('x')), child('r/1')],
    };
    const { asked } = await readAll(again);
    expect(asked.filter(([threadId]) => threadId === 'r/1')).toEqual([
      ['r/1', 0],
      ['r/1', 4],
    ]);
    expect(asked).toContainEqual(['r/3', 0]);
  });

  it('fail with the thread that is read, and with a thread below for any other reason', async () => {
    await expect(readAll({})).rejects.toMatchObject({ code: 'threadNotFound' });
    const broken = mergeTree('r', {}, async function* (threadId) {
      await Promise.resolve();
      if (threadId === 'r') yield { seq: 1, at: 0, ...child('r/1') } as ThreadEvent;
      else throw new BobbinError('internal', 'broken');
    });
    await broken.next();
    await expect(broken.next()).rejects.toThrow('broken');
  });

  it('of threads that are no children of the one that names them are not read', async () => {
    const { asked } = await readAll({ r: [child('other/1'), child('rr')] });
    expect(asked).toEqual([['r', 0]]);
  });

  it('of a thousand threads are read from a bounded number in parallel, and no thread is read ahead', async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `r/${n + 1}`);
    const logs: Logs = { r: ids.map((id) => child(id)) };
    for (const id of ids) logs[id] = [said('1'), said('2'), said('3')];
    const tree = treeOf(logs);
    const taken = new Map<string, number>();
    let count = 0;
    for await (const { threadId } of mergeTree('r', {}, tree.follow)) {
      taken.set(threadId, (taken.get(threadId) ?? 0) + 1);
      count += 1;
      if (count % 100 !== 0) continue;
      for (const [id, read] of tree.read) expect(read - (taken.get(id) ?? 0)).toBeLessThanOrEqual(1);
    }
    expect(count).toBe(4_000);
    expect(tree.mostOpen()).toBeLessThanOrEqual(256);
  });

  it('end with the signal, also while nobody takes them', async () => {
    const stop = new AbortController();
    const tree = treeOf(TREE);
    const events = mergeTree('r', { signal: stop.signal }, tree.follow);
    await events.next();
    stop.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

it('has the events below a root that was terminated, before it says so', async () => {
  const below = Array.from({ length: 5 }, (_, index) => said(String(index)));
  const events: TreeEvent[] = [];
  const reading = async () => {
    for await (const event of mergeTree('r', {}, treeOf({ r: TERMINATED, 'r/1': below }).follow)) events.push(event);
  };
  await expect(reading()).rejects.toMatchObject({ code: 'threadClosed' });
  expect(seqsOf(events)).toEqual({ r: [1, 2], 'r/1': [1, 2, 3, 4, 5] });
});
