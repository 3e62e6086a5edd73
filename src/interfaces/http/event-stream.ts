/**
 * Server-sent events. Events are read only as fast as the client takes them, so a slow client costs no memory; one that
 * takes nothing for a while is cut.
 */
import type { ServerResponse } from 'node:http';
import { SAFE_HEADERS } from './guard.ts';

/** Proxies and browsers close a connection that is silent for a minute. */
const KEEP_ALIVE_MS = 15_000;
/** The pause of a browser before it connects again, in milliseconds. */
const RETRY_MS = 1_000;

export interface EventWriter {
  /** Resolves when the client can take more. Rejects if it has left, or takes nothing. */
  send(event: { id?: string; name?: string; data: unknown }): Promise<void>;
  readonly signal: AbortSignal;
}

export interface StreamOptions {
  /** How long a client may take nothing, in milliseconds. */
  patienceMs: number;
  /** Ends the stream. */
  stop: AbortSignal;
  /** Whether the token is still valid. */
  isAllowed: () => boolean;
  keepAliveMs?: number;
}

/** Resolves when the stream has ended, whatever the reason. */
export async function writeEvents(
  response: ServerResponse,
  { patienceMs, stop, isAllowed, keepAliveMs = KEEP_ALIVE_MS }: StreamOptions,
  body: (writer: EventWriter) => Promise<void>,
): Promise<void> {
  // The client may have left while its request was read.
  if (response.destroyed) return;
  const gone = new AbortController();
  const signal = AbortSignal.any([stop, gone.signal]);
  response.once('close', () => gone.abort());
  response.on('error', () => gone.abort());
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
    connection: 'close',
  });

  const put = async (text: string): Promise<void> => {
    signal.throwIfAborted();
    if (!response.write(text)) await drained(response, patienceMs, signal);
  };
  let last = put(`retry: ${RETRY_MS}\n\n`);
  const queue = (text: string): Promise<void> => (last = last.then(() => put(text)));
  const keepAlive = setInterval(() => {
    if (!isAllowed()) gone.abort();
    else if (!response.writableNeedDrain) queue(':\n\n').catch(() => undefined);
  }, keepAliveMs);
  try {
    await last;
    await body({ signal, send: (event) => queue(toText(event)) });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(keepAlive);
    end(response, patienceMs);
  }
}

/** JSON has no line feeds, so an event is one line. */
function toText({ id, name, data }: { id?: string; name?: string; data: unknown }): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${name === undefined ? '' : `event: ${name}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

/** Destroys the connection of a client that takes nothing. */
function drained(response: ServerResponse, patienceMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      response.off('drain', settle);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(() => response.destroy(), patienceMs);
    response.once('drain', settle);
    signal.addEventListener('abort', settle, { once: true });
  });
}

function end(response: ServerResponse, patienceMs: number): void {
  if (response.destroyed) return;
  response.end();
  const timer = setTimeout(() => response.destroy(), patienceMs);
  response.once('close', () => clearTimeout(timer));
}
