/** For tests: the server of `test-tools.ts` over streamable HTTP on loopback, one session per client. */
import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { createTestServer } from './test-tools.ts';

export interface TestHttpServer {
  readonly url: string;
  /** Of every request so far. */
  readonly headers: IncomingHttpHeaders[];
  readonly sessions: ReadonlyMap<string, WebStandardStreamableHTTPServerTransport>;
  /** From now on its sessions are unknown to it, as after a restart. */
  forget(): void;
  /** Breaks every connection, as its death would. */
  breakOff(): void;
  close(): Promise<void>;
}

/** @param port of an earlier one, to take its place. */
export async function startTestHttpServer(log: string, port = 0): Promise<TestHttpServer> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const headers: IncomingHttpHeaders[] = [];
  const http = createServer((request, response) => {
    headers.push(request.headers);
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    void (known === undefined ? begin() : Promise.resolve(known)).then((transport) =>
      answer(transport, request, response),
    );
  });
  const begin = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createTestServer(log).connect(transport);
    return transport;
  };
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    headers,
    sessions,
    forget: () => sessions.clear(),
    breakOff: () => http.closeAllConnections(),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Between the messages of `node:http` and those of `fetch`, which the SDK's server takes and gives. */
async function answer(
  transport: WebStandardStreamableHTTPServerTransport,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const body = method === 'POST' ? await text(request) : undefined;
  const url = `http://127.0.0.1${request.url ?? '/'}`;
  const answered = await transport.handleRequest(
    new Request(url, { method, headers: headers as Record<string, string>, ...(body !== undefined && { body }) }),
  );
  response.writeHead(answered.status, Object.fromEntries(answered.headers)).flushHeaders();
  if (answered.body === null) response.end();
  // A client that is gone ends its stream.
  else await pipeline(Readable.fromWeb(answered.body as ReadableStream), response).catch(() => undefined);
}
