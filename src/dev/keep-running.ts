/** Keeps one process running: when it ends unexpectedly, the next one is started, until it is stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '../client/backoff.ts';

export interface RunningProcess {
  /** Resolves to the way in which it ended, for messages. Never rejects. */
  exited: Promise<string>;
  /** Ends it, and waits until it is gone. */
  stop(): Promise<void>;
}

interface KeepOptions<P extends RunningProcess> {
  /** For messages: `the worker`. */
  what: string;
  /** The signal fires when the process is no longer needed. What is started all the same is ended. */
  start: (signal: AbortSignal) => Promise<P>;
  pauses?: { first: number; most: number };
  onProgress: (line: string) => void;
}

export interface KeptProcess<P> {
  current(): P;
  /** Ends it, also one that is being started, and waits until it is gone. */
  stop(): Promise<void>;
}

const PAUSES_MS = { first: 250, most: 10_000 };

export async function keepRunning<P extends RunningProcess>(options: KeepOptions<P>): Promise<KeptProcess<P>> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let current = await options.start(signal);

  const keep = async (): Promise<void> => {
    for (;;) {
      const how = await current.exited;
      if (signal.aborted) return;
      options.onProgress(`${capitalized(options.what)} ended (${how}); restarting it.`);
      const next = await startAgain(options, signal);
      if (next === undefined) return;
      current = next;
      options.onProgress(`${capitalized(options.what)} runs again.`);
    }
  };
  const kept = keep();
  return {
    current: () => current,
    async stop() {
      stopping.abort(new Error(`${options.what} is stopped`));
      await current.stop();
      await kept;
    },
  };
}

/** Tries until it succeeds; undefined if it is no longer needed. */
async function startAgain<P extends RunningProcess>(
  { what, start, pauses, onProgress }: KeepOptions<P>,
  signal: AbortSignal,
): Promise<P | undefined> {
  const backoff = createBackoff(pauses ?? PAUSES_MS);
  const isStopped = (): boolean => signal.aborted;
  for (;;) {
    await delay(backoff.next(), undefined, { signal, ref: false }).catch(() => undefined);
    if (isStopped()) return undefined;
    try {
      const started = await start(signal);
      if (!isStopped()) return started;
      await started.stop();
    } catch (error) {
      if (isStopped()) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      onProgress(`${capitalized(what)} could not be restarted, which is tried again: ${reason}`);
    }
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
