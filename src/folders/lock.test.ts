import type * as Fs from 'node:fs';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withLock } from './lock.ts';
import { markOf, placeOfProcesses } from './process-mark.ts';

const hooks = vi.hoisted(() => ({ beforeRename: (_from: string) => {} }));
vi.mock('node:fs', async (original) => {
  const fs: typeof Fs = await original();
  return {
    ...fs,
    renameSync(from: string, to: string) {
      hooks.beforeRename(from);
      fs.renameSync(from, to);
    },
  };
});

let folder: string;
const lock = () => join(folder, 'some.lock');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-lock-'));
});

afterEach(async () => {
  vi.useRealTimers();
  hooks.beforeRename = () => {};
  await rm(folder, { recursive: true, force: true });
});

test('two pieces of work on one directory run one after the other, and leave no lock', async () => {
  const seen: string[] = [];
  let letFirstEnd = () => {};
  const first = withLock(lock(), { what: 'tests' }, async () => {
    seen.push('first begins');
    await new Promise<void>((resolve) => (letFirstEnd = resolve));
    seen.push('first ends');
  });
  while (seen.length === 0) await readdir(folder);
  const second = withLock(lock(), { what: 'tests' }, () => Promise.resolve(seen.push('second')));
  for (let look = 0; look < 20; look++) await readdir(folder);
  letFirstEnd();
  await Promise.all([first, second]);
  expect(seen).toEqual(['first begins', 'first ends', 'second']);
  expect(await readdir(folder)).toEqual([]);
});

test.each(['', 'no json', JSON.stringify({ pid: process.pid, startedAt: 'long ago' })])(
  'a lock that names no living process (%j) is taken over',
  async (text) => {
    await writeFile(lock(), text);
    expect(await withLock(lock(), { what: 'tests' }, () => readdir(folder))).toEqual(['some.lock']);
  },
);

test('a lock is held by the first process of a machine or a container, too', async () => {
  const first = JSON.stringify(await markOf(1));
  await writeFile(lock(), first);
  const controller = new AbortController();
  const waiting = withLock(lock(), { what: 'tests', signal: controller.signal }, () => Promise.resolve());
  for (let look = 0; look < 20; look++) await readdir(folder);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await readFile(lock(), 'utf8')).toBe(first);
});

test('waiting for a lock can be called off, and work that fails gives it back', async () => {
  const controller = new AbortController();
  await withLock(lock(), { what: 'tests' }, async () => {
    const waiting = withLock(lock(), { what: 'tests', signal: controller.signal }, () => Promise.resolve());
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
  await expect(withLock(lock(), { what: 'tests' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await readdir(folder)).toEqual([]);
});

const tests = { what: 'tests' };
const ended = { pid: process.pid, startedAt: 'long ago' };
/** Of a machine, or of a container of this one, whose processes cannot be seen from here. */
const elsewhere = JSON.stringify({ ...ended, place: 'elsewhere' });

async function age(seconds: number): Promise<void> {
  const then = Date.now() / 1_000 - seconds;
  await utimes(lock(), then, then);
}

test('the lock of another machine is held as long as its holder touches it', async () => {
  await writeFile(lock(), elsewhere);
  const controller = new AbortController();
  const waiting = withLock(lock(), { ...tests, signal: controller.signal }, () => Promise.resolve());
  for (let look = 0; look < 20; look++) await readdir(folder);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await readFile(lock(), 'utf8')).toBe(elsewhere);
});

test.each([
  ['machine', 61, () => 'elsewhere'],
  ['container', 16, () => `${placeOfProcesses().split('/')[0]}/pid:[1]`],
])('the lock of another %s is free %d s after it was touched', async (_, seconds, place) => {
  await writeFile(lock(), JSON.stringify({ ...ended, place: place() }));
  await age(seconds);
  expect(await withLock(lock(), tests, () => readdir(folder))).toEqual(['some.lock']);
});

test('a holder that ended on this machine needs no minute', async () => {
  const own = await withLock(lock(), tests, () => readFile(lock(), 'utf8'));
  await writeFile(lock(), JSON.stringify({ ...(JSON.parse(own) as object), ...ended }));
  expect(await withLock(lock(), tests, () => readdir(folder))).toEqual(['some.lock']);
});

test('a holder touches its lock, and no longer after its work', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const ageAfter = async (ms: number) => {
    await age(1_000);
    vi.advanceTimersByTime(ms);
    return Date.now() - (await stat(lock())).mtimeMs;
  };
  await withLock(lock(), tests, async () => {
    expect(await ageAfter(1_999)).toBeGreaterThan(900_000);
    expect(await ageAfter(1)).toBeLessThan(100_000);
  });
  expect(vi.getTimerCount()).toBe(0);
});

test('a holder that another one took for ended leaves the lock of that one alone', async () => {
  await withLock(lock(), tests, () => writeFile(lock(), elsewhere));
  expect(await readFile(lock(), 'utf8')).toBe(elsewhere);
});

test('a lock that another process takes over in the same moment stays with it', async () => {
  await writeFile(lock(), 'left behind');
  hooks.beforeRename = (from) => {
    if (from === lock()) writeFileSync(from, elsewhere);
  };
  const controller = new AbortController();
  const waiting = withLock(lock(), { ...tests, signal: controller.signal }, () => Promise.resolve());
  while ((await readFile(lock(), 'utf8').catch(() => '')) !== elsewhere) await readdir(folder);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await readdir(folder)).toEqual(['some.lock']);
});
