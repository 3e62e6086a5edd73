/**
 * Schedules the heartbeats of running steps. A heartbeat sends progress and receives cancellations, so its interval is
 * the delay of a cancellation that the server does not push. Each heartbeat is a write at the service, so the steps of
 * a worker share a total rate: few steps have short intervals, many steps long ones.
 */

/** Milliseconds that each running step adds to the interval of all steps. */
const SHARE_MS = 15;
/** Far below the heartbeat timeout, after which a worker counts as lost. */
const MOST_MS = 1_000;

/** Number of steps in this process with heartbeats. */
let beating = 0;

/** Sends heartbeats until it is stopped. @param everyMs the shortest interval */
export function startBeating(everyMs: number, beat: () => void): { stop: () => void } {
  beating += 1;
  const next = (): void => {
    beat();
    timer = setTimeout(next, timeBetween(everyMs, beating));
  };
  let timer = setTimeout(next, timeBetween(everyMs, beating));
  return {
    stop() {
      beating -= 1;
      clearTimeout(timer);
    },
  };
}

/** The interval in milliseconds for that many steps. */
export function timeBetween(everyMs: number, steps: number): number {
  return Math.max(everyMs, Math.min(steps * SHARE_MS, MOST_MS));
}
