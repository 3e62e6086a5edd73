/** Follows the events of a thread across lost connections and restarted servers: no gap, and nothing twice. */
import { createParser } from 'eventsource-parser';
import type { PartialEvent, ThreadEvent } from '../../../../contract/index.ts';
import { Problem, isFinal, request, threadPath } from '../../base/api.ts';
import { hiddenFor, whenVisible } from '../../base/visible.ts';
import { sleep } from '../../base/sleep.ts';

export interface StreamReader {
  /** Logged events come in order, each once. */
  onEvent(event: ThreadEvent | PartialEvent): void;
  /** Null when events are received again. */
  onTrouble(trouble: Problem | null): void;
}

const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 4_000;
/** The server sends something at least every 15 seconds. */
const SILENCE_MS = 40_000;
/** A tab that was hidden for this time leaves its connection to others, and goes on where it was. */
const HIDDEN_MS = 10_000;

/** Returns its newest event when the thread is closed. Rejects if nothing more can be read, and when `signal` fires. */
export async function followEvents(
  threadId: string,
  begin: number,
  reader: StreamReader,
  signal: AbortSignal,
): Promise<number> {
  let after = begin;
  let pause = MIN_PAUSE_MS;
  let newest: ThreadEvent['type'] | null = null;
  const take = (event: ThreadEvent | PartialEvent): void => {
    if ('seq' in event) {
      if (event.seq <= after) return;
      if (event.seq > after + 1) throw new Problem('gap', `Event ${after + 1} is missing.`);
      after = event.seq;
      newest = event.type;
    }
    pause = MIN_PAUSE_MS;
    reader.onEvent(event);
  };
  for (;;) {
    await whenVisible(signal);
    const hidden = hiddenFor(HIDDEN_MS);
    try {
      const path = threadPath(threadId, `/events?partial=true&after=${after}`);
      const stop = AbortSignal.any([signal, hidden.signal]);
      if (await readStream(path, take, () => reader.onTrouble(null), stop)) return after;
    } catch (error) {
      signal.throwIfAborted();
      if (hidden.signal.aborted) continue;
      if (isClosing(newest)) return after;
      if (!(error instanceof Problem) || isFinal(error)) throw error;
      reader.onTrouble(error);
    } finally {
      hidden.end();
    }
    await sleep(pause, signal);
    pause = Math.min(MAX_PAUSE_MS, 2 * pause);
  }
}

function isClosing(type: ThreadEvent['type'] | null): boolean {
  return type === 'thread/closed';
}

/** True if nothing follows. A stream that ends can be continued. */
async function readStream(
  path: string,
  take: (event: ThreadEvent | PartialEvent) => void,
  onOpen: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  const silence = new AbortController();
  const answer = await request(path, { signal: AbortSignal.any([signal, silence.signal]) });
  onOpen();
  if (answer.status === 204 || answer.body === null) return true;
  const parser = createParser({
    onEvent({ event, data }) {
      const value = JSON.parse(data) as ThreadEvent | PartialEvent;
      if (event !== 'problem') {
        take(value);
        return;
      }
      const { code, detail } = value as unknown as { code: string; detail: string };
      throw new Problem(code, detail);
    },
  });
  const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const { done, value } = await chunks.read().finally(() => clearTimeout(timer));
      if (done) throw new Problem('unreachable', 'The server ended the stream.');
      parser.feed(value);
    }
  } catch (error) {
    signal.throwIfAborted();
    silence.abort();
    throw error instanceof Problem ? error : new Problem('unreachable', `The stream broke off (${String(error)}).`);
  }
}
