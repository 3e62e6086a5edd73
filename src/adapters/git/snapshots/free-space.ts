/**
 * Frees the space of snapshots that were released: in the background while threads are open, and when one is closed.
 * What was stored within the last hour stays, since another worker may be about to refer to it.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import { listStores } from './remove-stores.ts';
import { whileIdle } from './snapshot-queue.ts';
import { type SnapshotStore, type StoreGit, gitOf } from './snapshot-store.ts';

const HOUR_MS = 3_600_000;
const EXPIRY = '1.hour.ago';
/** Written since the last time, below which nothing is done. */
const LEAST_BYTES = 16 * 1024 * 1024;
const DEADLINE_MS = 600_000;
/** The close of a thread waits no longer; the rest is done after a later one. */
const CLOSE_MS = 20_000;

interface Volume {
  /** By this process since space was freed. */
  written: number;
  /** What was there after that. */
  left: number;
}

const volumes = new Map<string, Volume>();
const running = new Map<string, Promise<void>>();

export function noteWritten({ gitDir }: SnapshotStore, bytes: number): void {
  const { written = 0, left = 0 } = volumes.get(gitDir) ?? {};
  volumes.set(gitDir, { written: written + bytes, left });
}

/** Key of the writing of objects: one that git finds in a pack must not be removed before it is referred to. */
export function toImports({ gitDir }: SnapshotStore): string {
  return `${gitDir}/imports`;
}

/** After snapshots were released. Does not wait; costs nothing unless as much was written as was there before. */
export function freeIfWorthwhile(store: SnapshotStore): void {
  const { written = 0, left = 0 } = volumes.get(store.gitDir) ?? {};
  if (written > Math.max(LEAST_BYTES, left))
    inBackground(store.gitDir, () => free(store, new AbortController().signal));
}

/** When a thread has released all. What is too young is freed when a thread of any workspace is closed later. */
export async function freeAtClose(directory: string, store: SnapshotStore, signal: AbortSignal): Promise<void> {
  inBackground(directory, () => freeLeft(directory));
  await replacePrivateFile(join(store.gitDir, LEFT), '');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CLOSE_MS)]);
  await free(store, limit).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
  });
}

/** Resolves when nothing runs in the background, for tests. */
export async function whenFreed(): Promise<void> {
  await Promise.all(running.values());
}

function inBackground(key: string, body: () => Promise<void>): void {
  if (running.has(key)) return;
  const run = body()
    .catch(() => undefined)
    .finally(() => running.delete(key));
  running.set(key, run);
}

/** In a store: it has things that were too young. */
const LEFT = 'released';

async function freeLeft(directory: string): Promise<void> {
  for (const store of await listStores(directory)) {
    const path = join(store.gitDir, LEFT);
    const left = await stat(path).catch(() => undefined);
    if (left === undefined || left.mtimeMs > Date.now() - HOUR_MS) continue;
    await rm(path, { force: true });
    await free(store, new AbortController().signal);
  }
}

async function free(store: SnapshotStore, signal: AbortSignal): Promise<void> {
  const git = gitOf(store, signal);
  // At any time: git notes that an object is used again if it is in a file of its own, and not if it is in a pack.
  await git(['prune', `--expire=${EXPIRY}`], { deadlineMs: DEADLINE_MS });
  const isDone = await whileIdle([store.gitDir, toImports(store)], (until) => repack(gitOf(store, until)), signal);
  if (!isDone) return;
  const { loose, packed } = await measure(git);
  volumes.set(store.gitDir, { written: 0, left: loose + packed });
}

/** Packs that are mostly used stay as they are, unless git considers it useful. */
async function repack(git: StoreGit): Promise<void> {
  const { stdout } = await git(['rev-list', '--all', '--objects', '--disk-usage']);
  const used = Number(stdout.toString());
  const { packed } = await measure(git);
  const settings = ['gc.auto=2000', 'gc.autoPackLimit=30', 'gc.autoDetach=false', 'pack.compression=1'];
  const all = [...settings, `gc.pruneExpire=${EXPIRY}`, 'gc.reflogExpire=now'].flatMap((one) => ['-c', one]);
  // 128: another worker does the same.
  if (packed > 2 * used) await git([...all, 'gc', '--quiet'], { answers: [0, 128], deadlineMs: DEADLINE_MS });
  else await git([...all, 'gc', '--auto', '--quiet'], { deadlineMs: DEADLINE_MS });
}

async function measure(git: StoreGit): Promise<{ loose: number; packed: number }> {
  const { stdout } = await git(['count-objects', '-v']);
  const bytesOf = (name: string) =>
    1_024 * Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(stdout.toString())?.[1] ?? 0);
  return { loose: bytesOf('size'), packed: bytesOf('size-pack') };
}
