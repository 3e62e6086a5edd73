/**
 * `fetch` for a server over HTTP: limits what the server sends, reports answers that break off, and stops waiting for the answer
 * to a cancelled request.
 */
import type { FetchLike } from '@modelcontextprotocol/client';
import { createEventMeter } from '../event-meter.ts';
import { MAX_MESSAGE_BYTES, type FloodGate, createFloodGate } from './flood-gate.ts';

/** @param onFault gets the reason why the connection cannot continue; the body that is being read then fails, too */
export function createBoundedFetch(onFault: (reason: string) => void): FetchLike {
  const gate = createFloodGate();
  /** By request id: functions that stop waiting for its answer. */
  const waiting = new Map<string | number, () => void>();
  return async (url, init) => {
    const sent = readSent(init);
    const response = await fetch(url, init);
    if (sent.cancels !== null) waiting.get(sent.cancels)?.();
    if (response.body === null) return response;
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const metered = meterBody(response.body as ReadableStream<Uint8Array>, createMeter(isStream, gate), {
      onFault,
      onEnd: () => sent.asks !== null && waiting.delete(sent.asks),
      onBreak: () => {
        if (sent.asks !== null && init?.signal?.aborted !== true) onFault('its answer broke off');
      },
    });
    if (sent.asks !== null) waiting.set(sent.asks, () => metered.drop());
    const { status, statusText, headers } = response;
    return new Response(metered.body, { status, statusText, headers });
  };
}

interface BodyEnds {
  onFault: (reason: string) => void;
  /** Called for every kind of end. */
  onEnd: () => void;
  /** Called if it broke off and this side did not cause that. */
  onBreak: () => void;
}

function meterBody(source: ReadableStream<Uint8Array>, meter: Meter, ends: BodyEnds) {
  const reader = source.getReader();
  let dropped = false;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      const fault = done ? null : meter(value);
      if (!done && fault === null) {
        controller.enqueue(value);
        return;
      }
      ends.onEnd();
      if (fault === null) {
        controller.close();
        return;
      }
      await reader.cancel();
      controller.error(new Error(fault));
      ends.onFault(fault);
    } catch (error) {
      ends.onEnd();
      controller.error(error);
      if (!dropped) ends.onBreak();
    }
  };
  const cancel = async (reason?: unknown): Promise<void> => {
    ends.onEnd();
    await reader.cancel(reason);
  };
  return {
    body: new ReadableStream<Uint8Array>({ pull, cancel }),
    /** Ends it as the other side would. */
    drop(): void {
      dropped = true;
      void cancel().catch(() => undefined);
    },
  };
}

interface Sent {
  /** Id of the request that was sent; null for another message. */
  asks: string | number | null;
  /** Id of the request that this message cancels. */
  cancels: string | number | null;
}

/** Our own messages are well-formed. */
function readSent(init: RequestInit | undefined): Sent {
  if (init?.method !== 'POST' || typeof init.body !== 'string') return { asks: null, cancels: null };
  const message = JSON.parse(init.body) as {
    id?: string | number;
    method?: string;
    params?: { requestId?: string | number };
  };
  const cancels = message.method === 'notifications/cancelled' ? message.params?.requestId : undefined;
  return { asks: message.method === undefined ? null : (message.id ?? null), cancels: cancels ?? null };
}

/** Returns what is wrong if it is too much, else null. */
type Meter = (chunk: Uint8Array) => string | null;

function createMeter(isStream: boolean, gate: FloodGate): Meter {
  const measure = createEventMeter();
  let bytes = 0;
  return (chunk) => {
    if (!gate.takeBytes(chunk.length)) return 'it sends more than can be taken';
    bytes += chunk.length;
    // Each event is a message.
    const { largest, ended } = isStream ? measure(chunk) : { largest: bytes, ended: 0 };
    for (let n = 0; n < ended; n++) if (!gate.takeMessage()) return 'it sends more messages than can be taken';
    return largest > MAX_MESSAGE_BYTES ? `it sent a message of more than ${MAX_MESSAGE_BYTES} bytes` : null;
  };
}
