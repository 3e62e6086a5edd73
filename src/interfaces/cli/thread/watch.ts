/** Follows a thread on the terminal: its events, and the text of the model while it comes. */
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import { createTurnFollower } from '../../../client/threads/turn-end.ts';
import type { PartialEvent, ThreadEvent, TurnCompletion } from '../../../contract/index.ts';
import type { Output } from '../text/output.ts';
import { asStarted } from '../invocation.ts';
import { isServed } from '../served.ts';
import { renderEvent } from '../text/render.ts';
import { toCopy } from '../text/terminal-text.ts';

export interface WatchOptions {
  after: number;
  signal: AbortSignal;
  /** Ends the watch with the terminal event of this turn, or of the one that it steers. */
  untilTurn?: string;
  /** To say that no worker serves the thread, if nothing happens for three seconds. */
  bobbin?: Bobbin;
}

/**
 * Resolves with the completion of `untilTurn`, or with undefined when the thread closed or the signal fired. Rejects with the
 * reason if the thread refuses that turn.
 */
export async function watchThread(
  thread: ThreadHandle,
  output: Output,
  { after, signal, untilTurn, bobbin }: WatchOptions,
): Promise<TurnCompletion | undefined> {
  const message = createMessage(output);
  const endOf = untilTurn === undefined ? undefined : createTurnFollower(thread, untilTurn);
  const events = output.live ? thread.events({ after, signal, partial: true }) : thread.events({ after, signal });
  const unserved = bobbin === undefined ? undefined : sayIfUnserved(bobbin, output);
  try {
    for await (const event of events) {
      clearInterval(unserved);
      if (!('seq' in event)) {
        message.next(event);
        continue;
      }
      if (message.isShown(event)) continue;
      // A refusal is an error, and not printed twice.
      const end = await endOf?.(event);
      const whole = await withWholeRequest(thread, event);
      output.event(whole, renderEvent(whole, thread.threadId));
      if (end) return end;
    }
    return undefined;
  } finally {
    clearInterval(unserved);
  }
}

const LOOK_FOR_WORKERS_MS = 3_000;

/** Clear it when the first event comes. */
export function sayIfUnserved(bobbin: Bobbin, output: Output, what = 'turn'): NodeJS.Timeout {
  const look = async (): Promise<void> => {
    if (await isServed(bobbin)) return;
    clearInterval(timer);
    const queue = bobbin.service.taskQueue;
    output.progress(`no worker serves task queue ${queue}: the ${what} is kept, and begins when one does`);
    output.progress(toCopy(`to start one: ${asStarted('worker')}`));
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_FOR_WORKERS_MS);
  return timer;
}

/** A person who decides must see all of a request. If its item is gone, the request itself says that it is cut. */
export async function withWholeRequest(thread: ThreadHandle, event: ThreadEvent): Promise<ThreadEvent> {
  if (!('request' in event)) return event;
  return { ...event, request: await thread.wholeRequest(event.request).catch(() => event.request) };
}

/** Prints a message while it comes. */
function createMessage(output: Output): {
  next(event: PartialEvent): void;
  /** Prints the rest of a finished message. False if nothing of it was printed. */
  isShown(event: ThreadEvent): boolean;
} {
  let of = '';
  /** Number of characters. */
  let printed = 0;
  return {
    next(event) {
      if (event.type !== 'item/agentMessage/delta') return;
      const { turnId, step, attempt, offset, delta } = event;
      const key = `${turnId} ${step} ${attempt}`;
      if (key !== of) [of, printed] = [key, 0];
      output.write(`${printed === 0 ? '\n' : ''}${offset > printed ? '… ' : ''}${delta}`);
      printed = offset + delta.length;
    },
    isShown(event) {
      if (event.type === 'turn/completed') printed = 0;
      if (event.type !== 'item/completed' || event.item.type !== 'agentMessage' || printed === 0) return false;
      const { text } = event.item;
      output.write(`${text.slice(printed)}\n`);
      // The text of a step may become several messages.
      printed = Math.max(0, printed - text.length);
      return true;
    },
  };
}
