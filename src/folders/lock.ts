/** A lock between processes: a file that names its holder, so that the lock of a killed process can be taken over. */
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { MarkSchema } from './process-mark-schema.ts';
import { isAlive, isSameMachine, markOf, placeOfProcesses } from './process-mark.ts';

const HolderSchema = MarkSchema.extend({
  /** A process in a container may be its first one, which others do not end. */
  pid: z.int().min(1),
  /** Earlier releases left it out. */
  place: z.string().exactOptional(),
});
type Holder = z.infer<typeof HolderSchema>;

const WAIT_MS = 90_000;
const LOOK_EVERY_MS = 50;
/**
 * Processes of another machine or container that shares the folder cannot be seen: a holder touches its lock, and one
 * that has not done so for a while counts as ended.
 */
const TOUCH_EVERY_MS = 2_000;
const STALE_MS = { container: 15_000, machine: 60_000 };

export interface LockOptions {
  /** What the holder does, for the message of a lock that is never free. */
  what: string;
  signal?: AbortSignal | undefined;
}

/** Another process has had the lock for longer than 90 seconds. */
export class LockHeldError extends Error {}

/** Runs `work` while no other process holds the lock. Rejects with `LockHeldError`, or the reason of the signal. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const release = await acquireLock(path, options);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Returns what releases it; to be called once. */
export async function acquireLock(path: string, { what, signal }: LockOptions): Promise<() => void> {
  const self = await markOf(process.pid);
  if (self === undefined) throw new Error('This process cannot be found in the system.');
  const place = placeOfProcesses();
  const text = JSON.stringify({ ...self, place, id: randomUUID() });
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const attempt = tryAcquire(path, text);
    if (attempt.file !== null) return hold(path, text, attempt.file);
    signal?.throwIfAborted();
    const seen = readLock(path);
    if (seen !== undefined && (await isStale(seen, place, attempt.now))) removeStale(path, seen.text);
    else if (Date.now() > until) throw heldTooLong(path, what, parseMark(seen?.text));
    else await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Written under another name first, so that nobody sees an incomplete lock.
 * @returns the open lock, or null and the time by the clock of the file system, which may be another machine's.
 */
function tryAcquire(path: string, text: string): { file: number } | { file: null; now: number } {
  const draft = `${path}.${randomUUID()}`;
  const file = openSync(draft, 'wx', 0o600);
  let isOwn = false;
  try {
    writeSync(file, text);
    linkSync(draft, path);
    isOwn = true;
    return { file };
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return { file: null, now: fstatSync(file).mtimeMs };
  } finally {
    rmSync(draft, { force: true });
    if (!isOwn) closeSync(file);
  }
}

function hold(path: string, text: string, file: number): () => void {
  const timer = setInterval(() => touch(file, text), TOUCH_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    closeSync(file);
    if (readLock(path)?.text === text) rmSync(path, { force: true });
  };
}

/** Sets the time by the clock of the file system. */
function touch(file: number, text: string): void {
  try {
    writeSync(file, text, 0);
  } catch {
    // The next one may succeed.
  }
}

interface SeenLock {
  text: string;
  touchedAt: number;
}

async function isStale({ text, touchedAt }: SeenLock, place: string, now: number): Promise<boolean> {
  const holder = parseMark(text);
  if (holder === undefined) return true;
  if (holder.place === undefined || holder.place === place) return !(await isAlive(holder));
  return now - touchedAt > (isSameMachine(holder.place, place) ? STALE_MS.container : STALE_MS.machine);
}

/** What another process has put there meanwhile is put back. */
function removeStale(path: string, text: string): void {
  if (readLock(path)?.text !== text) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    if (readLock(aside)?.text !== text) linkSync(aside, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Opened, since a network file system may answer for a path from memory. */
function readLock(path: string): SeenLock | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return { text: readFileSync(file, 'utf8'), touchedAt: fstatSync(file).mtimeMs };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function parseMark(text: string | undefined): Holder | undefined {
  if (text === undefined) return undefined;
  try {
    return HolderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function heldTooLong(path: string, what: string, holder: Holder | undefined): LockHeldError {
  const isElsewhere = holder?.place !== undefined && holder.place !== placeOfProcesses();
  const where = isElsewhere ? ' of another machine or container' : '';
  const who = holder === undefined ? 'another process' : `pid ${holder.pid}${where}`;
  return new LockHeldError(
    `${path} has been held by ${who} for ${WAIT_MS / 1000} s while it ${what}. ` +
      'Wait for it or end it; if no such process runs, remove that file.',
  );
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
