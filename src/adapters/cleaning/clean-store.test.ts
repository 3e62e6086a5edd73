import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreCleaning, ThreadLifetimes } from '../../../activities/ports.ts';
import { openSegmentStore } from '../archive/open-archive.ts';
import { toSegmentFileName } from '../archive/segment-file.ts';
import { openPackStore } from '../git/packs/open-packs.ts';
import { toPackName } from '../git/packs/pack-names.ts';
import type { Store } from '../store/store.ts';
import { createStoreCleaner } from './clean-store.ts';

const DAY_MS = 86_400_000;
const NAMESPACE = 'default';
const never = new AbortController().signal;

let data: string;
let packs: Store;
let segments: Store;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'bobbin-store-'));
  const place = { store: undefined, archiveDirectory: data };
  packs = openPackStore(place);
  segments = openSegmentStore(place);
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

async function write(store: Store, name: string, days: number): Promise<void> {
  await store.write(name, Buffer.alloc(10));
  const at = Date.now() / 1_000 - days * 86_400;
  utimesSync(join(store.place, name), at, at);
}

let count = 0;
/** Two packs of a thread, written that many days ago. */
async function addPacks(threadId: string, days: number, namespace = NAMESPACE): Promise<void> {
  for (let pack = 0; pack < 2; pack++) {
    const name = toPackName({ namespace, threadId }, String((count += 1)).padStart(64, '0'));
    await write(packs, name, days);
  }
}

const FORK_RUN = randomUUID();
const closedDaysAgo: Record<string, number> = { 'Closed/1': 40, young: 3, written: 40, silent: 40 };
const asked: string[] = [];
const threads = {
  endedAt: (threadId: string) => {
    if (threadId === 'open') return Promise.resolve('open' as const);
    const days = closedDaysAgo[threadId];
    return Promise.resolve(days === undefined ? ('unknown' as const) : Date.now() - days * DAY_MS);
  },
  createdAt: (threadId: string) => {
    asked.push(threadId);
    return Promise.resolve(threadId === 'silent' ? null : 1_000);
  },
  hasRun: (_threadId: string, runId: string) => Promise.resolve(runId === FORK_RUN),
  readAll: () => Promise.resolve(),
};

async function clean(more: Partial<StoreCleaning> = {}, signal = never) {
  const options = { keepMs: 30 * DAY_MS, archive: false, images: false, unknown: false, preview: false, ...more };
  const cleaned = [];
  const cleaner = createStoreCleaner({ packs, segments, namespace: NAMESPACE, threads });
  for await (const one of cleaner.clean(options, signal))
    cleaned.push([one.threadId, one.objects, one.bytes, one.kept]);
  return cleaned;
}

async function namesIn(store: Store): Promise<string[]> {
  const names = [];
  for await (const { name } of store.list('')) names.push(name);
  return names;
}

describe('the packs in a store', () => {
  beforeEach(async () => {
    for (const threadId of ['Closed/1', 'open', 'young', 'gone']) await addPacks(threadId, 50);
    await addPacks('written', 1);
    await addPacks('Closed/1', 50, 'another');
    await packs.write('default/strange', Buffer.from('x'));
  });

  it('go when their thread was closed long ago, and everything else stays, with the reason', async () => {
    const removed = ['Closed/1', 2, 20, null];
    const kept = [
      ['gone', 2, 20, 'the service does not know its thread'],
      ['open', 2, 20, 'its thread, or the one that started it, is open'],
      ['written', 2, 20, 'its thread was closed a short time ago'],
      ['young', 2, 20, 'its thread was closed a short time ago'],
    ];
    expect(await clean({ preview: true })).toEqual([removed, ...kept]);
    expect(await namesIn(packs)).toHaveLength(13);
    expect(await clean()).toEqual([removed, ...kept]);
    expect(await namesIn(packs)).toHaveLength(11);
    expect(await clean()).toEqual(kept);
  });

  it('of threads that the service does not keep any longer go by their own age, on request', async () => {
    await addPacks('gone-yesterday', 1);
    const cleaned = await clean({ unknown: true });
    expect(cleaned.filter(([, , , kept]) => kept === null).map(([threadId]) => threadId)).toEqual(['Closed/1', 'gone']);
  });

  it('are not removed after a signal', async () => {
    expect(await clean({ archive: true }, AbortSignal.abort())).toEqual([]);
    expect(await namesIn(packs)).toHaveLength(13);
  });

  it('stay if the folder cannot be read, and the failure is one that is tried again', async () => {
    rmSync(packs.place, { recursive: true });
    writeFileSync(packs.place, '');
    await expect(clean()).rejects.toMatchObject({ code: 'storeUnavailable', class: 'unavailable' });
  });
});

describe('the segments in a store', () => {
  const image = `image/${'ab'.repeat(32)}`;
  const long = `${'long'.repeat(60)}/1000/0-1.1-2`;
  const ids = (threadId: string, at = 1_000) => [
    `${threadId}/${at}/0-4.1-9@${randomUUID()}`,
    `${threadId}/${at}/4-6.9-12`,
  ];
  const add = async (days: number, ...segmentIds: string[]) => {
    for (const id of segmentIds) await write(segments, toSegmentFileName(id), days);
  };

  beforeEach(async () => {
    for (const threadId of ['Closed/1', 'open', 'young', 'gone', 'silent']) await add(50, ...ids(threadId));
    await add(1, ...ids('written'));
    await add(50, ...ids('Closed/1', 999));
    await add(50, `Closed/1/fork-${FORK_RUN}-1/0-4`, `Closed/1/fork-${randomUUID()}-1/0-4`);
    await add(50, image, long, 'of another form');
    await addPacks('Closed/1', 50);
    asked.length = 0;
  });

  it('stay unless they are asked for, and so do images', async () => {
    expect(await clean()).toEqual([['Closed/1', 2, 20, null]]);
    await clean({ archive: true, unknown: true, keepMs: 0 });
    const left = (await namesIn(segments)).filter((name) => !name.startsWith('packs/'));
    const expected = [...ids('open'), image, long, 'of another form'].map(toSegmentFileName);
    expect(left).toHaveLength(5);
    expect(left.filter((name) => expected.includes(name)).sort()).toEqual(
      [image, long, 'of another form', 'open/1000/4-6.9-12'].map(toSegmentFileName).sort(),
    );
  });

  it('go when their own thread was closed long ago, and everything else stays, with the reason', async () => {
    const kept = await clean({ archive: true, preview: true });
    expect(kept.filter(([, , , why]) => why === null)).toEqual([
      ['Closed/1', 2, 20, null],
      ['Closed/1', 2, 20, null],
      ['Closed/1', 1, 10, null],
    ]);
    const another = 'its thread is not known to have written it: another one with this id may have';
    expect(kept.filter(([, , , why]) => why !== null).sort()).toEqual(
      [
        [null, 1, 10, 'its name does not say whose it is'],
        [null, 1, 10, 'its name does not say whose it is'],
        ['Closed/1', 2, 20, another],
        ['Closed/1', 1, 10, another],
        ['gone', 2, 20, 'the service does not know its thread'],
        ['open', 2, 20, 'its thread, or the one that started it, is open'],
        ['silent', 2, 20, another],
        ['written', 2, 20, 'its thread was closed a short time ago'],
        ['young', 2, 20, 'its thread was closed a short time ago'],
      ].sort(),
    );
    expect(new Set(asked)).toEqual(new Set(['Closed/1', 'silent']));
    const before = (await namesIn(segments)).length;
    await clean({ archive: true });
    expect(await namesIn(segments)).toHaveLength(before - 5);
  });

  it('stay if their thread is resumed while it is asked', async () => {
    const open = new Set<string>();
    const resumed: ThreadLifetimes = {
      ...threads,
      endedAt: (threadId) => (open.has(threadId) ? Promise.resolve('open') : threads.endedAt(threadId)),
      createdAt: (threadId) => {
        open.add(threadId);
        return Promise.resolve(1_000);
      },
    };
    const cleaner = createStoreCleaner({ packs, segments, namespace: NAMESPACE, threads: resumed });
    const options = { keepMs: 30 * DAY_MS, archive: true, images: false, unknown: false, preview: false };
    const removed = [];
    for await (const { kind, kept } of cleaner.clean(options, never)) if (kept === null) removed.push(kind);
    expect(removed).toEqual(['pack']);
    expect([...open]).toEqual(['Closed/1', 'silent']);
  });
});
