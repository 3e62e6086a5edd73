import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, markOf } from '../run/process-start.ts';
import type { ProcessMark } from '../run/process-start.ts';
import { MarkSchema } from './service-record.ts';
import { withProgress } from '../obtain/progress.ts';
import type { Progress } from '../obtain/progress.ts';
import { TemporalServiceError, systemCodeOf } from '../run/service-error.ts';

const WAIT_MS = 90_000;
const LOOK_EVERY_MS = 50;

/**
 * Runs `work` while no other process starts the same. The lock is a file that names its holder, so that the lock of a
 * killed process can be taken over. Throws `serviceUnresponsive` if another start takes longer than 90 seconds.
 */
export async function withStartLock<T>(
  path: string,
  options: { what: string; onProgress?: Progress | undefined; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const self = await markOf(process.pid);
  if (self === undefined) throw new TemporalServiceError('startFailed', 'This process cannot be found in the system.');
  await withProgress(
    options.onProgress,
    () => `Waiting for another start of ${options.what}`,
    () => acquire(path, self, options),
  );
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(
  path: string,
  self: ProcessMark,
  { what, signal }: { what: string; signal?: AbortSignal | undefined },
): Promise<void> {
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
}

/** Written under another name first, so that nobody sees an incomplete lock. */
function tryAcquire(path: string, self: ProcessMark): boolean {
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
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
    return MarkSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function heldTooLong(path: string, what: string, holder: ProcessMark | undefined): TemporalServiceError {
  const who = holder === undefined ? 'another process' : `pid ${holder.pid}`;
  return new TemporalServiceError(
    'serviceUnresponsive',
    `${path} has been held by ${who} for ${WAIT_MS / 1000} s while it starts ${what}. ` +
      'Wait for it or end it; where no such process runs, remove that file.',
  );
}
