/** For tests: the HTTP server in this process, and a client of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bobbin } from '../../src/client/index.ts';
import type { PartialEvent, ThreadEvent } from '../../src/contract/index.ts';
import { startHttpServer } from '../../src/interfaces/http/server.ts';
import { readServeSettings } from '../../src/interfaces/http/settings.ts';
import { type NewToken, type TokenFile, openTokens } from '../../src/interfaces/http/tokens.ts';
import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface HttpStand {
  url: string;
  tokens: TokenFile;
  /** The token of the first start. */
  secret: string;
  /** Errors of the server itself, so far. */
  errors: unknown[];
  /** Makes a token; returns a client that uses it. */
  client(token?: Partial<NewToken>): Promise<HttpClient>;
  close(): Promise<void>;
}

export type HttpClient = ReturnType<typeof httpClient>;

/** An event as it came over the wire. */
export interface WireEvent {
  id: string | undefined;
  name: string | undefined;
  data: ThreadEvent | PartialEvent;
}

export async function startHttpStand(bobbin: Bobbin, env: Record<string, string> = {}): Promise<HttpStand> {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-http-'));
  const tokens = openTokens(folder);
  const secret = (await tokens.first()) ?? '';
  const errors: unknown[] = [];
  const settings = readServeSettings({ BOBBIN_HTTP_LISTEN: '127.0.0.1:0', BOBBIN_HTTP_RATE: '100000', ...env });
  const server = await startHttpServer(bobbin, tokens, settings, (error) => errors.push(error));
  return {
    url: server.url,
    tokens,
    secret,
    errors,
    async client(token = {}) {
      const made = await tokens.add({ name: 'test', scopes: ['admin'], owner: null, ...token });
      return httpClient(server.url, made.secret);
    },
    async close() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function httpClient(url: string, secret: string) {
  const headers = { authorization: `Bearer ${secret}` };
  const call = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers: { ...headers, ...type, ...more }, ...given });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    const value = (isJson ? JSON.parse(text) : text) as Record<string, unknown>;
    return { status: answer.status, headers: answer.headers, value };
  };
  return {
    url,
    get: (path: string, more?: Record<string, string>) => call('GET', path, undefined, more),
    post: (path: string, body: unknown = {}, more?: Record<string, string>) => call('POST', path, body, more),
    call,
    /** Until the stream ends, or the loop is left. */
    async *events(path: string, more: Record<string, string> = {}): AsyncGenerator<WireEvent> {
      const stop = new AbortController();
      const answer = await fetch(`${url}${path}`, { headers: { ...headers, ...more }, signal: stop.signal });
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      try {
        const text = answer.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
        for await (const { id, event, data } of text ?? []) {
          yield { id, name: event, data: JSON.parse(data) as WireEvent['data'] };
        }
      } finally {
        stop.abort();
      }
    },
  };
}

/** The logged events of a stream, up to the first that fits. */
export async function readUntil(
  events: AsyncIterable<WireEvent>,
  fits: (event: WireEvent['data']) => boolean,
): Promise<WireEvent[]> {
  const found: WireEvent[] = [];
  for await (const event of events) {
    found.push(event);
    if (fits(event.data)) return found;
  }
  throw new Error(`The stream ended after ${found.length} events`);
}
