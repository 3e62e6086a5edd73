import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessQuery, type ProcessTable, saysItReaps } from './process-table.ts';

export interface EndTarget extends ProcessQuery {
  /**
   * A process that gets no SIGTERM, like its group at first, because the others would die with it before they could
   * clean up: the outer process of the sandbox, which does not forward signals, or a reaper. It ends after the others
   * have.
   */
  spared?: number;
  /** Settles when the leader of the group has been reaped; lets the end be seen at once. */
  exited?: Promise<unknown>;
}

export interface EndReport {
  /** How many processes were sent a signal. */
  ended: number;
  /** How many had not ended {@link GRACE_MS} after SIGTERM, and were sent SIGKILL. */
  killed: number;
  /** True only if the last scan found none. */
  gone: boolean;
}

/** Milliseconds between SIGTERM and SIGKILL. */
export const GRACE_MS = 100;
const KILL_BOUND_MS = 2_000;
const SCAN_PAUSE_MS = 10;
/** Scans that a reaper gets to end once it is alone. */
const REAPER_SCANS = 10;

/**
 * SIGTERM to all that match, {@link GRACE_MS}, then SIGKILL to all that match by then, repeatedly until a scan finds
 * none, for 2 s at most. Returns as soon as none is left. Idempotent.
 */
export async function endProcesses(table: ProcessTable, target: EndTarget, graceMs = GRACE_MS): Promise<EndReport> {
  const signalled = new Set<number>();
  const killed = new Set<number>();
  let alone = 0;
  terminate(target, await table.find(target), signalled);
  let left = await waitUntilNone(table, target, graceMs);
  const deadline = performance.now() + KILL_BOUND_MS;
  while (left.length > 0 && performance.now() < deadline) {
    // Children of a reaper must not get another parent, where they would not be found.
    const others = left.filter((pid) => !saysItReaps(pid));
    const isWaiting = others.length === 0 && alone++ < REAPER_SCANS;
    if (target.group !== undefined && others.length === left.length) send(-target.group, 'SIGKILL');
    const doomed = others.length > 0 ? others : isWaiting ? [] : left;
    for (const pid of doomed) {
      if (pid !== target.spared && !saysItReaps(pid)) killed.add(pid);
      if (send(pid, 'SIGKILL')) signalled.add(pid);
    }
    left = await waitUntilNone(table, target, SCAN_PAUSE_MS);
  }
  return { ended: signalled.size, killed: killed.size, gone: left.length === 0 };
}

function terminate(target: EndTarget, members: number[], signalled: Set<number>): void {
  if (target.group !== undefined && target.spared === undefined) send(-target.group, 'SIGTERM');
  for (const pid of members) {
    if (pid === target.spared || saysItReaps(pid)) continue;
    if (send(pid, 'SIGTERM')) signalled.add(pid);
  }
}

async function waitUntilNone(table: ProcessTable, target: EndTarget, boundMs: number): Promise<number[]> {
  const deadline = performance.now() + boundMs;
  let exited = target.exited;
  for (;;) {
    const pause = delay(Math.min(SCAN_PAUSE_MS, Math.max(1, deadline - performance.now())));
    await (exited === undefined ? pause : Promise.race([exited.then(() => (exited = undefined)), pause]));
    const left = await table.find(target);
    if (left.length === 0 || performance.now() >= deadline) return left;
  }
}

/** False if there is no such process any longer, or it is not ours to signal. */
function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
