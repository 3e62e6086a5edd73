import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadImage, storeImage } from '../../../activities/images/stored-images.ts';
import type { ArchivePort, StoreCleaning, ThreadLifetimes } from '../../../activities/ports.ts';
import { png } from '../../contract/test-images.ts';
import { openArchive, openSegmentStore } from '../archive/open-archive.ts';
import { toSegmentFileName } from '../archive/segment-file.ts';
import { openPackStore } from '../git/packs/open-packs.ts';
import { toPackName } from '../git/packs/pack-names.ts';
import { createStoreCleaner } from './clean-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const never = new AbortController().signal;

let data: string;
let archive: ArchivePort;
/** What threads of the service were told. */
let known: string[];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'bobbin-images-'));
  archive = openArchive(place());
  known = [];
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const place = () => ({ store: undefined, archiveDirectory: data });
const none = () => Promise.reject(new Error('no thread is asked for'));
const threads: ThreadLifetimes = {
  ...{ endedAt: none, createdAt: none, hasRun: none },
  readAll: (note) => {
    for (const text of known) note(text);
    return Promise.resolve();
  },
};

let count = 0;
/** A new image, stored that many days ago. */
async function add(days: number): Promise<string> {
  const stored = await storeImage(archive, png(10, 10, (count += 1)));
  if ('fault' in stored) throw new Error(stored.fault);
  age(`image/${stored.sha256}`, days * DAY_MS);
  return stored.sha256;
}

function age(id: string, ms: number): void {
  const at = (Date.now() - ms) / 1_000;
  utimesSync(join(data, toSegmentFileName(id)), at, at);
}

/** Makes all that is set aside older. */
function wait(ms: number): void {
  for (const hash of ids('set-aside')) age(`set-aside/${hash}`, ms);
}

/** Hashes of the images with this kind of name. */
function ids(kind: 'image' | 'set-aside'): string[] {
  const names = readdirSync(data).map((name) => new RegExp(`^s-${kind},([0-9a-f]{64})`).exec(name)?.[1]);
  return names.filter((hash) => hash !== undefined);
}

async function clean(more: Partial<StoreCleaning> = {}, asked = threads, signal = never) {
  const parts = { packs: openPackStore(place()), segments: openSegmentStore(place()), namespace: 'default' };
  const options = { keepMs: 30 * DAY_MS, archive: false, images: true, unknown: false, preview: false, ...more };
  let removed = 0;
  const kept: Record<string, number> = {};
  for await (const one of createStoreCleaner({ ...parts, threads: asked }).clean(options, signal)) {
    if (one.kept === null) removed += one.objects;
    else kept[one.kept] = (kept[one.kept] ?? 0) + one.objects;
  }
  return { removed, kept };
}

const ASIDE = 'no thread refers to it: it is set aside, and goes with a cleaning that is half a day later';
const NAMED = 'a thread refers to it';
const JUST_STORED = 'it was stored a short time ago';

describe('an image that no thread refers to', () => {
  it('is set aside, where it is still found, and goes half a day later', async () => {
    const hash = await add(31);
    expect(await clean()).toEqual({ removed: 0, kept: { [ASIDE]: 1 } });
    expect([ids('image'), ids('set-aside')]).toEqual([[], [hash]]);
    expect(await loadImage(archive, hash)).toMatchObject({ width: 10, height: 10 });
    wait(11 * HOUR_MS);
    expect(await clean({ keepMs: 0 })).toEqual({ removed: 0, kept: { [ASIDE]: 1 } });
    wait(13 * HOUR_MS);
    expect(await clean({ preview: true })).toEqual({ removed: 1, kept: {} });
    expect(await clean()).toEqual({ removed: 1, kept: {} });
    expect(await clean()).toEqual({ removed: 0, kept: {} });
    await expect(loadImage(archive, hash)).rejects.toMatchObject({
      ...{ code: 'archiveMissing', message: expect.stringContaining(`image/${hash}`) as string },
    });
  });

  it('stays as long as a closed thread keeps its objects, and a day at least', async () => {
    const [young, day] = [await add(29), await add(0.9)];
    expect(await clean()).toEqual({ removed: 0, kept: { [JUST_STORED]: 2 } });
    expect(await clean({ keepMs: 0 })).toEqual({ removed: 0, kept: { [ASIDE]: 1, [JUST_STORED]: 1 } });
    expect([ids('image'), ids('set-aside')]).toEqual([[day], [young]]);
  });

  it('stays unless images are asked for, and where the cleaning only shows what it would do', async () => {
    const hash = await add(31);
    expect(await clean({ images: false })).toEqual({ removed: 0, kept: {} });
    expect(await clean({ preview: true })).toEqual({ removed: 0, kept: { [ASIDE]: 1 } });
    expect(ids('image')).toEqual([hash]);
  });
});

describe('an image stays', () => {
  it('if a thread of the service knows it, or any segment of the archive does', async () => {
    const [told, archived, hashed, gone] = [await add(31), await add(31), await add(31), await add(31)];
    known = [`{"turn":{"input":[{"type":"image","sha256":"${told}"}]}}`, `{"hash":"0${gone}","other":"${gone}0"}`];
    const body = (hash: string) => JSON.stringify({ items: [{ text: 'x'.repeat(5_000), images: [{ sha256: hash }] }] });
    await archive.write('thread/1/0-4.1-9', body(archived));
    await archive.write(`${'thread'.repeat(40)}/1/0-4.1-9`, body(hashed));
    expect(await clean()).toEqual({ removed: 0, kept: { [NAMED]: 3, [ASIDE]: 1 } });
    expect(ids('image').sort()).toEqual([told, archived, hashed].sort());
    expect(ids('set-aside')).toEqual([gone]);
  });

  it('if it is submitted while it is set aside: it is put back', async () => {
    const hash = await add(31);
    await clean();
    known = [`"${hash}"`];
    wait(DAY_MS);
    expect(await clean({ preview: true })).toEqual({ removed: 0, kept: { [NAMED]: 1 } });
    expect(await clean()).toEqual({ removed: 0, kept: { [NAMED]: 1 } });
    expect([ids('image'), ids('set-aside')]).toEqual([[hash], []]);
    // As if it were stored now: the thread may end tomorrow.
    known = [];
    expect(await clean()).toEqual({ removed: 0, kept: { [JUST_STORED]: 1 } });
  });

  it('if it is stored again, before, after or while the cleaning looks', async () => {
    const bytes = png(20, 20, 1);
    const store = () => storeImage(archive, bytes);
    const { sha256: hash } = (await store()) as { sha256: string };
    age(`image/${hash}`, 31 * DAY_MS);
    await store();
    expect(await clean()).toEqual({ removed: 0, kept: { [JUST_STORED]: 1 } });
    age(`image/${hash}`, 31 * DAY_MS);
    await clean();
    expect(ids('set-aside')).toEqual([hash]);
    await store();
    wait(DAY_MS);
    expect(await clean()).toEqual({ removed: 1, kept: { [JUST_STORED]: 1 } });
    age(`image/${hash}`, 31 * DAY_MS);
    const meanwhile = { ...threads, readAll: () => store().then(() => undefined) };
    expect(await clean({}, meanwhile)).toEqual({ removed: 0, kept: { [JUST_STORED]: 1 } });
    expect([ids('image'), ids('set-aside')]).toEqual([[hash], []]);
  });

  it('if a thread archives it while the cleaning looks', async () => {
    const hash = await add(31);
    const archiving = { ...threads, readAll: () => archive.write('thread/1/0-4.1-9', `"${hash}"`) };
    expect(await clean({}, archiving)).toEqual({ removed: 0, kept: { [NAMED]: 1 } });
  });

  it('if it is not known what all threads refer to', async () => {
    const hash = await add(31);
    const failing = { ...threads, readAll: () => Promise.reject(new Error('the service is away')) };
    await expect(clean({}, failing)).rejects.toThrow('the service is away');
    const aborted = {
      ...threads,
      readAll: (_: unknown, signal: AbortSignal) => Promise.reject(signal.reason as Error),
    };
    expect(await clean({}, aborted, AbortSignal.abort())).toEqual({ removed: 0, kept: {} });
    const name = toSegmentFileName('thread/1/0-4.1-9');
    await openSegmentStore(place()).write(name, Buffer.from('torn'));
    const damaged = `a segment is damaged, and may refer to it: ${name}`;
    expect(await clean()).toEqual({ removed: 0, kept: { [damaged]: 1 } });
    await openPackStore(place()).write(toPackName({ namespace: 'b', threadId: 't' }, 'a'.repeat(64)), Buffer.from('x'));
    const others = 'another namespace uses the store, and its threads may refer to it';
    expect(await clean()).toEqual({ removed: 0, kept: { [others]: 1 } });
    expect(ids('image')).toEqual([hash]);
  });
});
