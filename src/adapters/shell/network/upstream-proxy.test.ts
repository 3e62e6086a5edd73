import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNetworkProxy, type NetworkProxy } from './network-proxy.ts';
import { createReach } from './upstream-proxy.ts';

/** The requests to a second proxy, with their credentials. */
let asked: string[];
let servers: { close(): void }[];
let folder: string;
let registry: number;
let upstream: number;
let refuses: number | undefined;

beforeEach(async () => {
  [asked, servers, refuses] = [[], [], undefined];
  folder = mkdtempSync(join(tmpdir(), 'upstream-'));
  registry = await listen(createServer(({ url, headers }, response) => response.end(JSON.stringify({ url, headers }))));
  const second = createServer();
  second.on('connect', ({ url = '', headers }, client: Socket, head: Buffer) => {
    asked.push(`${url} ${headers['proxy-authorization'] ?? ''}`.trim());
    if (refuses !== undefined) return void client.end(`HTTP/1.1 ${refuses} No\r\nproxy-authenticate: Basic\r\n\r\n`);
    const server = connect(registry, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      server.write(head);
      client.pipe(server).pipe(client);
    });
    for (const [one, other] of [[client, server] as const, [server, client] as const])
      one.on('error', () => other.destroy());
  });
  upstream = await listen(second);
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function start(env: NodeJS.ProcessEnv): Promise<NetworkProxy> {
  const proxy = await startNetworkProxy({ directory: folder, hosts: ['one.example.org'], reach: createReach(env) });
  servers.push(proxy);
  return proxy;
}

/** As a program in the sandbox asks, by a tunnel. */
async function ask({ socket }: NetworkProxy, target: string): Promise<string> {
  const client = connect(socket);
  client.write(`CONNECT ${target} HTTP/1.1\r\nproxy-authorization: Basic mine\r\n\r\n`);
  client.write('GET /package HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  return text(client);
}

describe('the proxy of commands, behind another one', () => {
  const env = () => ({ HTTPS_PROXY: `http://me:s%40cret@127.0.0.1:${upstream}`, http_proxy: `127.0.0.1:${upstream}` });
  const signedIn = `Basic ${Buffer.from('me:s@cret').toString('base64')}`;

  it('goes through it by a tunnel, and signs in without a word to the command', async () => {
    const proxy = await start(env());
    const answer = await ask(proxy, 'one.example.org:443');
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*"url":"\/package"/);
    expect(asked).toEqual([`one.example.org:443 ${signedIn}`]);
    expect(answer).not.toContain(signedIn);
  });

  it('passes on a plain request through it, and nothing that the command says to proxies', async () => {
    const proxy = await start(env());
    const headers = { host: 'one.example.org', 'proxy-authorization': 'Basic mine' };
    const sent = request({ socketPath: proxy.socket, path: 'http://one.example.org/plain', headers });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    const seen = JSON.parse(await text(answer)) as { url: string; headers: Record<string, string> };
    expect(seen).toMatchObject({ url: '/plain', headers: { host: 'one.example.org' } });
    expect(seen.headers).not.toHaveProperty('proxy-authorization');
    expect(asked).toEqual(['one.example.org:80']);
  });

  it('asks it for no host that is not on the list', async () => {
    const proxy = await start(env());
    expect(await ask(proxy, 'two.example.org:443')).toMatch(/^HTTP\/1.1 403/);
    expect(asked).toEqual([]);
  });

  it('says that it refused, and does not say who wanted to sign in', async () => {
    refuses = 407;
    const answer = await ask(await start(env()), 'one.example.org:443');
    expect(answer).toMatch(/^HTTP\/1.1 502[^]*the proxy of the worker answered 407/);
    expect(answer).not.toMatch(/cret|authenticate|Basic/);
  });

  it('says that it ended the connection', async () => {
    const closing = await listen(createTcpServer((socket) => socket.destroy()));
    const answer = await ask(
      await start({ ALL_PROXY: `http://me:secret@127.0.0.1:${closing}` }),
      'one.example.org:443',
    );
    expect(answer).toMatch(/^HTTP\/1.1 502[^]*the proxy of the worker ended the connection/);
    expect(answer).not.toContain('secret');
  });
});

describe('a host', () => {
  const through = async (more: NodeJS.ProcessEnv, host: string, port = 443): Promise<boolean> => {
    const reach = createReach({ HTTPS_PROXY: `http://127.0.0.1:${upstream}`, ...more });
    const socket = await reach(host, port).catch(() => undefined);
    socket?.destroy();
    return asked.length > 0;
  };

  it.each([
    ['localhost', true, 'another.example.org'],
    ['localhost', false, 'localhost'],
    ['example.org,localhost', false, 'localhost'],
    ['*', false, 'localhost'],
    ['.local, localhost:443', false, 'localhost'],
    ['localhost:80', true, 'localhost'],
    ['host', true, 'localhost'],
  ])('with NO_PROXY=%s: is it %s that the way to it is the proxy, %s', async (exceptions, isThrough, host) => {
    expect(await through({ NO_PROXY: exceptions }, host)).toBe(isThrough);
  });

  it('of port 80 does not go through the proxy of https', async () => {
    expect(await through({}, 'localhost', 80)).toBe(false);
  });

  it.each(['socks5://me:secret@proxy:1080', 'http://', 'http://me:secret@'])('is not reached by %s', (proxy) => {
    const names = expect.not.stringContaining('secret') as string;
    expect(() => createReach({ HTTPS_PROXY: proxy })).toThrow(expect.objectContaining({ message: names }));
  });
});
