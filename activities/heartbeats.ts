/**
 * When a running step beats. A beat carries what a person sees and brings back what the thread wants, so how often a step
 * beats is how soon it hears of a stop that nobody pushes. Each beat is a write at the service, so the steps of a worker
 * share what it is to bear: few beat often, many beat seldom.
 */

/** What each running step adds to the time between two beats of any of them. */
const SHARE_MS = 15;
/** Far below the heartbeat timeout, which tells a lost worker from a slow step. */
const MOST_MS = 1_000;

/** Steps of this process that beat. */
let beating = 0;

/** Beats until it is told to stop. @param everyMs the least time between two beats. */
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

/** Milliseconds between two beats where so many steps beat. */
export function timeBetween(everyMs: number, steps: number): number {
  return Math.max(everyMs, Math.min(steps * SHARE_MS, MOST_MS));
}
