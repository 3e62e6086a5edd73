/** A lock between processes: a file that names its holder, so that the lock of a killed process can be taken over. */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { MarkSchema } from './process-mark-schema.ts';
import { type ProcessMark, isAlive, markOf } from './process-mark.ts';

/** A process in a container may be its first one, which others do not end. */
const HolderSchema = MarkSchema.extend({ pid: z.int().min(1) });

const WAIT_MS = 90_000;
const LOOK_EVERY_MS = 50;

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

/** Returns what releases it. */
export async function acquireLock(path: string, { what, signal }: LockOptions): Promise<() => void> {
  const self = await markOf(process.pid);
  if (self === undefined) throw new Error('This process cannot be found in the system.');
  const until = Date.now() + WAIT_MS;
  while (!tryAcquire(path, self)) {
    signal?.throwIfAborted();
    const seen = readText(path);
    const holder = parseMark(seen);
    const stale = seen !== undefined && (holder === undefined || !(await isAlive(holder)));
    // Checked twice, so that a lock that another process has just taken over is not removed.
    if (stale && readText(path) === seen) rmSync(path, { force: true });
    else if (Date.now() > until) throw heldTooLong(path, what, holder);
    else await sleep(LOOK_EVERY_MS);
  }
  return () => rmSync(path, { force: true });
}

/** Written under another name first, so that nobody sees an incomplete lock. */
function tryAcquire(path: string, self: ProcessMark): boolean {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseMark(text: string | undefined): ProcessMark | undefined {
  if (text === undefined) return undefined;
  try {
    return HolderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function heldTooLong(path: string, what: string, holder: ProcessMark | undefined): LockHeldError {
  const who = holder === undefined ? 'another process' : `pid ${holder.pid}`;
  return new LockHeldError(
    `${path} has been held by ${who} for ${WAIT_MS / 1000} s while it ${what}. ` +
      'Wait for it or end it; if no such process runs, remove that file.',
  );
}
