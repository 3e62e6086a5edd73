import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type ConnectionLimits, type Connections, watchConnections } from './connections.ts';

const LARGE = Buffer.alloc(16 * 1_048_576);

let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close().closeAllConnections();
});

/** Answers `/large` with much, `/wait` never, and counts as used what has the header `token`. */
async function start(limits: ConnectionLimits): Promise<void> {
  const watched: Partial<Connections> = {};
  server = createServer((request, response) => {
    if (request.headers['token'] !== undefined) watched.use?.(response);
    if (request.url !== '/wait') response.end(request.url === '/large' ? LARGE : 'small');
  });
  Object.assign(watched, watchConnections(server, limits));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

async function dial(text = ''): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  const accepted = once(server, 'connection');
  await Promise.all([once(socket, 'connect'), accepted]);
  socket.write(text);
  return socket;
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;

it('a client that does not take its answer is cut, and one that takes it slowly is not', async () => {
  await start({ patienceMs: 5_000, maxUnused: 10 });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  (await dial()).pause().write(get('/large'));
  const [unread] = await accepted;
  const slow = await dial(get('/large', 'connection: close\r\n'));
  let taken = 0;
  slow.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), 2);
  });
  await Promise.all([once(slow, 'close'), once(unread, 'close')]);
  expect(taken).toBeGreaterThan(LARGE.length);
});

it('of connections that nobody with a token uses, one too many replaces the oldest', async () => {
  await start({ patienceMs: 60_000, maxUnused: 3 });
  const used = await dial(get('/wait', 'token: x\r\n'));
  await once(server, 'request');
  const [first, second] = [await dial(), await dial(get('/small'))];
  await once(second, 'data');
  await dial();
  const ended = once(first, 'close');
  await dial();
  await ended;
  expect([used.destroyed, second.destroyed]).toEqual([false, false]);
  const next = once(second, 'close');
  await dial(get('/small'));
  await next;
  expect(used.destroyed).toBe(false);
});
