/**
 * HTTP for the servers of the embedded stack: a listener on loopback that refuses web pages of other origins and closes all
 * connections; it reads whole bodies and writes JSON.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findForeignOrigin, isJson } from './web-guard.ts';

export interface LoopbackListener {
  /** Origin without a trailing slash. */
  url: string;
  port: number;
  /** Stops listening and ends every connection. Idempotent. */
  close(): Promise<void>;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const LOOPBACK = '127.0.0.1';
/** In bytes; larger than any conversation within the limits of a thread. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** A request that cannot be read; `status` is the status of the answer. */
export class UnreadableRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'UnreadableRequest';
    this.status = status;
  }
}

export interface ListenOptions {
  /** 127.0.0.1 */
  ip?: string;
  /** Answers an error that a handler threw. */
  onError: (error: unknown, response: ServerResponse) => void;
}

/** Listens on loopback; port 0 takes a free one. Rejects with a readable message if the port is in use. */
export async function listenOnLoopback(
  name: string,
  port: number,
  handle: RequestHandler,
  { ip = LOOPBACK, onError }: ListenOptions,
): Promise<LoopbackListener> {
  // A keep-alive timeout shorter than a client's pause between two requests shows up there as a reset connection.
  const server = createServer({ noDelay: true, keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    response.on('error', () => undefined);
    const foreign = findForeignOrigin(request);
    if (foreign !== undefined) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(`Refused: ${foreign}.\n`);
      return;
    }
    handle(request, response).catch((error: unknown) => onError(error, response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(name, `${ip}:${port}`, error)));
    server.listen(port, ip, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | undefined;
  const close = () =>
    (closed ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }));
  return { url: `http://${ip}:${bound}`, port: bound, close };
}

function listenError(name: string, place: string, error: NodeJS.ErrnoException): Error {
  const why = error.code === 'EADDRINUSE' ? 'the port is in use; choose another, or 0 for a free one' : error.message;
  return new Error(`The ${name} cannot listen on ${place}: ${why}.`, { cause: error });
}

/** The whole body as text. Throws {@link UnreadableRequest} above the size limit, and for a body that is not plain JSON. */
export async function readBody(request: IncomingMessage): Promise<string> {
  if (request.method === 'POST' && !isJson(request))
    throw new UnreadableRequest(415, 'The Content-Type of a body must be application/json.');
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new UnreadableRequest(415, `Content-Encoding ${encoding} is not supported.`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new UnreadableRequest(413, `A body may have at most ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The body as a JSON object. Throws {@link UnreadableRequest} for anything else. */
export function toJsonObject(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new UnreadableRequest(400, `The body is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new UnreadableRequest(400, 'The body must be a JSON object.');
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Resolves after `ms`, or at once with the reason thrown when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Runs until SIGTERM or SIGINT, then closes; the second signal ends the process at once. */
export function closeOnSignal(close: () => Promise<void>): void {
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    void close();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
