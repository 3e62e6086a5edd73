/**
 * Network access for a command that may reach only named hosts: an HTTP proxy of the worker on a Unix socket, the only
 * connection out of its network namespace. It connects to the web ports of the hosts on its list, by name, and to
 * nothing else; it does not read the traffic. Each command has its own, since the process serves all threads.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import {
  createServer,
  request as sendRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReach, type Reach } from './upstream-proxy.ts';

export type NetworkSetting = { type: 'off' } | { type: 'on' } | { type: 'hosts'; hosts: readonly string[] };

/** Hosts of packages and build tools. Some of them accept uploads, too. */
const REGISTRIES = [
  ...['registry.npmjs.org', 'registry.yarnpkg.com', 'jsr.io', 'npm.jsr.io', 'nodejs.org'],
  ...['pypi.org', 'files.pythonhosted.org', 'crates.io', 'index.crates.io', 'static.crates.io', 'static.rust-lang.org'],
  ...[
    'proxy.golang.org',
    'sum.golang.org',
    'rubygems.org',
    'index.rubygems.org',
    'repo.packagist.org',
    'packagist.org',
  ],
  ...['repo.maven.apache.org', 'repo1.maven.org', 'plugins.gradle.org', 'services.gradle.org', 'api.nuget.org'],
  ...['deb.debian.org', 'security.debian.org', 'archive.ubuntu.com', 'security.ubuntu.com', 'dl-cdn.alpinelinux.org'],
];
/** A build tool needs some dozens. */
const BOUNDS = { maxConnections: 256, idleMs: 600_000 };
/** Before that a command may be about to start with the socket. */
const LEFT_AFTER_MS = 86_400_000;
/** Those of earlier releases had a process id, and served all commands of one. */
const SOCKET_NAME = /^proxy-[0-9a-f]{12}\.sock$/;
/** The path of a socket has 107 bytes at most. */
const MAX_SOCKET_FOLDER_CHARS = 80;
const WEB_PORTS = new Set([80, 443]);
const HOST_NAME = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/**
 * `off`, `on`, or a list of hosts, of `*.host` and of the word `registries`. Throws an error that names the invalid
 * entry.
 */
export function readNetworkSetting(text: string): NetworkSetting {
  if (text === 'off' || text === 'on') return { type: text };
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const wrong = words.find((word) => word !== 'registries' && !HOST_NAME.test(word));
  if (words.length === 0 || wrong !== undefined) {
    throw new Error(`${wrong ?? text} is neither off, on, registries nor the name of a host`);
  }
  return { type: 'hosts', hosts: words.flatMap((word) => (word === 'registries' ? REGISTRIES : [word])) };
}

export interface NetworkProxy {
  /** Path of the socket. */
  socket: string;
  close(): void;
}

export interface NetworkProxyOptions {
  /** Absolute; the socket is made in it. */
  directory: string;
  hosts: readonly string[];
  /** Opens the connection to a host that is on the list; for tests. */
  reach?: Reach | undefined;
  bounds?: typeof BOUNDS;
}

export async function startNetworkProxy(options: NetworkProxyOptions): Promise<NetworkProxy> {
  const { directory, hosts, bounds = BOUNDS } = options;
  const reach = options.reach ?? createReach(process.env);
  const place = makePlace(directory);
  const server = createServer((request, response) => {
    // Node may reject what a command sends or a host answers.
    attempt(() => forward(request, response, hosts, reach), response);
  });
  // Node drops what is beyond, tunnels included.
  server.maxConnections = bounds.maxConnections;
  server.timeout = bounds.idleMs;
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('connect', (request, client: Socket, head) => {
    client.setTimeout(bounds.idleMs, () => client.destroy());
    tunnel(request, client, head, hosts, reach).catch(() => client.destroy());
  });
  await listen(server, place.socket);
  server.unref();
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
    place.remove();
  };
  return { socket: place.socket, close };
}

function makePlace(directory: string): { socket: string; remove(): void } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeLeft(directory);
  const isShort = directory.length < MAX_SOCKET_FOLDER_CHARS;
  const folder = isShort ? directory : mkdtempSync(join(tmpdir(), 'bobbin-proxy-'));
  const socket = join(folder, `proxy-${randomBytes(6).toString('hex')}.sock`);
  return { socket, remove: () => rmSync(isShort ? socket : folder, { recursive: true, force: true }) };
}

/** Of killed workers. A command that runs keeps its socket, which is mounted in its sandbox. */
function removeLeft(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!SOCKET_NAME.test(name)) continue;
    const path = join(directory, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > LEFT_AFTER_MS) rmSync(path, { force: true });
  }
}

function attempt(work: () => void, response: ServerResponse): void {
  try {
    work();
  } catch (error) {
    fail(response, error);
  }
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'content-type': 'text/plain' }).end(toReason(error));
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

function isAllowed(host: string, port: number, hosts: readonly string[]): boolean {
  const name = host.toLowerCase();
  const isListed = hosts.some((one) => (one.startsWith('*.') ? name.endsWith(one.slice(1)) : name === one));
  return isListed && WEB_PORTS.has(port);
}

const REFUSAL = 'This host is not on the list of BOBBIN_NETWORK.\n';

async function tunnel(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  hosts: readonly string[],
  reach: Reach,
): Promise<void> {
  client.on('error', () => undefined);
  const answer = (status: string, text: string): void => {
    client.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${text}`);
  };
  const named = /^([^:]+):(\d+)$/.exec(request.url ?? '');
  const [host, port] = [named?.[1]?.toLowerCase() ?? '', Number(named?.[2] ?? 0)];
  if (!isAllowed(host, port, hosts)) {
    answer('403 Forbidden', REFUSAL);
    return;
  }
  const server = await reach(host, port).catch((error: unknown) => answer('502 Bad Gateway', toReason(error)));
  if (server === undefined) return;
  server.on('error', () => client.destroy());
  server.on('close', () => client.destroy());
  if (client.destroyed) return void server.destroy();
  client.on('close', () => server.destroy());
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  server.write(head);
  client.pipe(server).pipe(client);
}

/** Headers for the proxy itself, or for a single connection. */
const NOT_PASSED_ON = [
  ...['proxy-authorization', 'proxy-connection', 'proxy-authenticate'],
  ...['connection', 'keep-alive', 'te', 'trailer', 'upgrade'],
];

function forward(request: IncomingMessage, response: ServerResponse, hosts: readonly string[], reach: Reach): void {
  const target = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
  const port = Number(target?.port || 80);
  if (target?.protocol !== 'http:' || !isAllowed(target.hostname, port, hosts)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end(REFUSAL);
    return;
  }
  const onward = sendRequest({
    method: request.method,
    path: `${target.pathname}${target.search}`,
    headers: { ...toPassedOn(request.headers), host: target.host, connection: 'close' },
    createConnection: (_, done) => {
      reach(target.hostname, port).then(
        (socket) => done(null, socket),
        (error: unknown) => onward.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return undefined;
    },
  });
  onward.on('response', (answer) => {
    answer.on('error', () => response.destroy());
    attempt(() => {
      response.writeHead(answer.statusCode ?? 502, toPassedOn(answer.headers));
      answer.pipe(response);
    }, response);
  });
  onward.on('error', (error) => fail(response, error));
  response.on('error', () => onward.destroy());
  response.on('close', () => onward.destroy());
  request.on('error', () => onward.destroy());
  request.pipe(onward);
}

function toPassedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.includes(name)));
}

function toReason(error: unknown): string {
  return `The host cannot be reached: ${error instanceof Error ? error.message : String(error)}.\n`;
}
