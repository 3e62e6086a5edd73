/** For tests: a real HTTP server that answers as the test says, and requests to send it. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '../../../../activities/failures.ts';
import type { ModelRequest } from '../../../../activities/ports.ts';

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  /** A number for each TCP connection. */
  connection: number;
}

export interface TestEndpoint extends AsyncDisposable {
  /** Base URL, ending in `/v1`. */
  url: string;
  received: Received[];
}

export type Answerer = (response: ServerResponse, received: Received) => void;

export async function startEndpoint(answer: Answerer): Promise<TestEndpoint> {
  const received: Received[] = [];
  const connections = new Map<unknown, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!connections.has(request.socket)) connections.set(request.socket, connections.size + 1);
      const entry = {
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()) as unknown,
        connection: connections.get(request.socket) ?? 0,
      };
      received.push(entry);
      answer(response, entry);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface Latch {
  open: () => void;
  opened: Promise<void>;
}

export function createLatch(): Latch {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

/** Tells when the connection of a response is closed before the response ended. */
export function onCut(response: ServerResponse, tell: () => void): void {
  response.once('close', () => {
    if (!response.writableEnded) tell();
  });
}

export interface StreamEvent {
  type: string;
  [member: string]: unknown;
}

export function toSse(event: StreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
}

/** A whole stream of these events. */
export function sendEvents(response: ServerResponse, events: StreamEvent[]): void {
  beginStream(response);
  response.end(events.map(toSse).join(''));
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export const completed = (response: Record<string, unknown> = {}): StreamEvent => ({
  type: 'response.completed',
  response: { id: 'resp_1', ...response },
});

export const textDelta = (delta: string, place = 0): StreamEvent => ({
  type: 'response.output_text.delta',
  output_index: place,
  content_index: 0,
  delta,
});

export const messageItem = (text: string) => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text }],
});

export const itemDone = (item: Record<string, unknown>, place = 0): StreamEvent => ({
  type: 'response.output_item.done',
  output_index: place,
  item,
});

/** The events of a short answer. */
export const answered: StreamEvent[] = [itemDone(messageItem('Done')), completed()];

export function aRequest(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'test-model',
    instructions: 'Be brief.',
    conversation: [{ type: 'message', role: 'user', text: 'Hello' }],
    tools: [],
    parallelToolCalls: true,
    promptCacheKey: 'thread-1',
    ...changes,
  };
}

/** `signal` and `onText` of a call nobody stops, and the text that came. */
export function anIo(signal: AbortSignal = new AbortController().signal) {
  const pieces: string[] = [];
  const thoughts: string[] = [];
  const onText = (delta: string) => pieces.push(delta);
  return { signal, onText, onReasoning: (delta: string) => thoughts.push(delta), pieces, thoughts };
}

/** The failure a call ended with; anything else, success included, fails the test. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof Failure) return outcome.error;
  throw new Error('Expected a Failure', { cause: outcome });
}
