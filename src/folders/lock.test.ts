import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';
import { markOf } from './process-mark.ts';

let folder: string;
const lock = () => join(folder, 'some.lock');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-lock-'));
});

afterEach(async () => {
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
