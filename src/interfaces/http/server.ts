/** The server: listens, gives clients a bounded time, and stops without cutting what runs. */
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Bobbin } from '../../client/index.ts';
import { BobbinError } from '../../client/bobbin-error.ts';
import { createApp } from './app.ts';
import { createLimits } from './limits.ts';
import { addMcp } from './mcp.ts';
import { addPages } from './pages.ts';
import { watchConnections } from './connections.ts';
import { addHealth } from './health.ts';
import { ENDPOINTS } from './routes/index.ts';
import type { ServeSettings } from './settings.ts';
import type { TokenFile } from './tokens.ts';

export interface HttpServer {
  /** `http://127.0.0.1:7420`, without a trailing slash. */
  url: string;
  /** Accepts no further requests, ends streams, lets the other requests end, and closes every connection. Idempotent. */
  stop(): Promise<void>;
}

/** Connections without a request that has a valid token, for which there is always room. */
const MIN_UNUSED = 500;
/** Time that running requests get when the server stops, in milliseconds. */
const STOP_MS = 5_000;

export async function startHttpServer(
  bobbin: Bobbin,
  tokens: TokenFile,
  settings: ServeSettings,
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  const { host, port, readTimeoutMs, hostNames, maxBodyBytes, temporalUiUrl } = settings;
  const stop = new AbortController();
  const limits = createLimits(settings);
  const options = {
    ...{ bobbin, tokens, limits, hostNames, maxBodyBytes, temporalUiUrl, onError },
    onUse: (response: ServerResponse) => connections.use(response),
    endpoints: ENDPOINTS,
    patienceMs: readTimeoutMs,
    stop: stop.signal,
  };
  const app = createApp(options);
  addMcp(app, options);
  addPages(app);
  addHealth(app, bobbin, stop.signal);
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      // A peer that vanished is found by the kernel, one that sends half a request by these.
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      headersTimeout: readTimeoutMs,
      requestTimeout: readTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, readTimeoutMs),
      keepAliveTimeout: 60_000,
    },
  }) as Server;
  const connections = watchConnections(server, { patienceMs: readTimeoutMs, maxUnused: MIN_UNUSED + settings.streams });
  server.maxConnections = 2 * (MIN_UNUSED + settings.streams);
  await listen(server, host, port);
  let stopped: Promise<void> | undefined;
  return {
    url: toUrl(host, (server.address() as AddressInfo).port),
    stop: () => (stopped ??= close(server, stop)),
  };
}

function toUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'the port is in use; choose another, or 0 for a free one' : error.message;
      reject(new BobbinError('invalid', `Bobbin cannot listen on ${toUrl(host, port)}: ${why}.`, error));
    });
    server.listen(port, host, resolve);
  });
}

async function close(server: Server, stop: AbortController): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  stop.abort(new Error('the server stops'));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
