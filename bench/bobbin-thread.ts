/** Drives one Bobbin thread as a program does that keeps its event stream open. */
import { randomUUID } from 'node:crypto';
import type { ThreadHandle } from '../src/client/index.ts';
import type { SubmitTurn, ThreadEvent } from '../src/contract/index.ts';
import { type Span, now } from './clock.ts';

export interface BenchThread {
  handle: ThreadHandle;
  /** Runs a turn to its end, from before the signal until the client has seen the terminal event. */
  turn(text: string): Promise<Span>;
  /** The next event that fits, waiting for it. */
  next(fits: (event: ThreadEvent) => boolean): Promise<ThreadEvent>;
  close(): Promise<void>;
}

export function toTurn(text: string): SubmitTurn {
  return { turnId: `turn-${randomUUID()}`, kind: 'regular', input: [{ type: 'text', text }] };
}

export function driveThread(handle: ThreadHandle): BenchThread {
  const stop = new AbortController();
  const events = handle.events({ signal: stop.signal });
  const next: BenchThread['next'] = async (fits) => {
    for (;;) {
      const { value } = await events.next();
      if (value === undefined) throw new Error(`Thread ${handle.threadId} gave no more events`);
      if (fits(value)) return value;
    }
  };
  return {
    handle,
    next,
    async turn(text) {
      const turn = toTurn(text);
      const seen = next((event) => isEndOf(event, turn.turnId));
      const start = now();
      await handle.submit(turn);
      return toCompletedSpan(start, await seen);
    },
    async close() {
      stop.abort();
      await handle.close({ reason: 'the bench is done with it' });
    },
  };
}

export function isEndOf(event: ThreadEvent, turnId: string): boolean {
  return event.type === 'turn/completed' && event.turn.turnId === turnId;
}

/** A turn that failed measures nothing. */
function toCompletedSpan(start: number, event: ThreadEvent): Span {
  const end = now();
  if (event.type !== 'turn/completed' || event.turn.status !== 'completed') {
    throw new Error(`A turn of the bench did not complete: ${JSON.stringify(event)}`);
  }
  return { start, end };
}
