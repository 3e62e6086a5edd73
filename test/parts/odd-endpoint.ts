/** For tests: a model endpoint that passes requests on to the offline model server, unless it is told to be odd. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OddEndpoint {
  url: string;
  /** Where requests are passed on to. */
  target: string;
  /** Requests whose body held that text: when each came, in milliseconds. */
  times(text: string): number[];
  /** From now on a request whose body holds the text is answered so, `times` times, or until that is ended. */
  answer(text: string, how: (response: ServerResponse) => void, times?: number): { end(): void };
  close(): Promise<void>;
}

interface Oddity {
  text: string;
  how: (response: ServerResponse) => void;
  left: number;
}

export async function startOddEndpoint(): Promise<OddEndpoint> {
  const seen: { at: number; body: string }[] = [];
  const oddities: Oddity[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      seen.push({ at: performance.now(), body: body.toString() });
      const odd = oddities.find(({ text, left }) => left > 0 && body.includes(text));
      if (odd === undefined) {
        passOn(endpoint.target, request, body, response);
      } else {
        odd.left -= 1;
        odd.how(response);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: OddEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    times: (text) => seen.filter(({ body }) => body.includes(text)).map(({ at }) => at),
    answer(text, how, times = Infinity) {
      const oddity = { text, how, left: times };
      oddities.push(oddity);
      return { end: () => void (oddity.left = 0) };
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return endpoint;
}

function passOn(target: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', target);
  const onward = httpRequest(url, { method: request.method ?? 'POST', headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  onward.end(body);
}

/** One whole answer of the Responses API with these output items. */
export function respondWith(...items: Record<string, unknown>[]): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const done = items.map((item, place) => ({ type: 'response.output_item.done', output_index: place, item }));
    const events = [...done, { type: 'response.completed', response: { id: 'resp_odd', output: [] } }];
    response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
  };
}

export function message(text: string) {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] };
}

export function execCall(callId: string, cmd: string) {
  return { type: 'function_call', call_id: callId, name: 'exec_command', arguments: JSON.stringify({ cmd }) };
}
