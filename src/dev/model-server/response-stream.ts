/** Sends the events of a response when they are due, and stops at once when the client goes away. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pause } from '../loopback-http.ts';
import type { RequestNotes } from './request-log.ts';
import { toSse } from './response-events.ts';
import type { TimedEvent } from './response-events.ts';

const GONE = new Error('The client went away.');
const BROKEN_ON_PURPOSE = new WeakSet<ServerResponse>();

/** Fires when the connection of an unfinished response ends; who ended it is noted where it was the client. */
export function watchConnection(response: ServerResponse, notes: RequestNotes): AbortSignal {
  const gone = new AbortController();
  response.on('close', () => {
    if (response.writableFinished) return;
    if (!BROKEN_ON_PURPOSE.has(response)) notes.closedByClient();
    gone.abort(GONE);
  });
  return gone.signal;
}

/**
 * Sends what is due in as few writes as possible. With `cutAfter`, the socket is broken after that many events, and
 * before the last one in any case.
 */
export async function sendEvents(
  response: ServerResponse,
  events: TimedEvent[],
  cutAfter: number | undefined,
  gone: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  const sent = cutAfter === undefined ? events : events.slice(0, Math.min(cutAfter, events.length - 1));
  let due = performance.now();
  let text = '';
  for (const { event, gapMs } of sent) {
    if (gapMs > 0) {
      if (text !== '') await write(response, text, gone);
      text = '';
      due += gapMs;
      await pause(due - performance.now(), gone);
    }
    text += toSse(event);
  }
  if (cutAfter === undefined) response.end(text);
  else breakAfter(response, text);
}

async function write(response: ServerResponse, text: string, gone: AbortSignal): Promise<void> {
  if (!response.write(text)) await once(response, 'drain', { signal: gone });
}

/** Everything written is handed to the kernel first, so that a client sees exactly these events. */
function breakAfter(response: ServerResponse, text: string): void {
  BROKEN_ON_PURPOSE.add(response);
  const { socket } = response;
  response.flushHeaders();
  if (text === '') socket?.end(() => socket.destroy());
  else response.write(text, () => socket?.destroy());
}
