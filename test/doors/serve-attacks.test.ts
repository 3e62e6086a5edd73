/** Attacks on the HTTP server by bytes, by many requests, and by the loss of what is behind it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectBobbin } from '../../src/client/index.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';
import { type HttpStand, httpClient, startHttpStand } from '../parts/http-server.ts';

let environment: TestEnvironment;
let stand: HttpStand;
beforeAll(async () => {
  environment = await openEnvironment();
  stand = await startHttpStand(environment.bobbin);
});
afterAll(async () => {
  await stand.close();
  await environment.close();
});

async function dial(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** The statuses of everything that the server answers to these bytes. */
async function answers(text: string): Promise<string[]> {
  const socket = await dial(stand.url, text);
  let got = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (got += chunk));
  await once(socket, 'close');
  return [...got.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status = '']) => status);
}

it.each([
  ['two lengths', 'content-length: 2\r\ncontent-length: 40\r\n', '400'],
  ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n', '400'],
  ['an encoding that hides chunks', 'transfer-encoding: xchunked\r\n', '400'],
  ['a blank before a colon', 'content-length : 2\r\n', '400'],
  ['a second host', 'host: evil.example\r\ncontent-length: 2\r\n', '403'],
])('a request that a proxy could read in another way is refused: %s', async (_, headers, status) => {
  const { host } = new URL(stand.url);
  const hidden = `GET /v1/threads HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${stand.secret}\r\n\r\n`;
  const head = `POST /v1/threads HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${stand.secret}\r\ncontent-type: application/json\r\n`;
  const [first, ...others] = await answers(`${head}connection: close\r\n${headers}\r\n0\r\n\r\n${hidden}`);
  expect([first, others]).toEqual([status, []]);
  const absolute = `GET http://evil.example/v1/threads HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${stand.secret}\r\n`;
  expect(await answers(`${absolute}connection: close\r\n\r\n`)).toEqual(['403']);
});

it('a client that leaves in the middle of its body is no error of the server', async () => {
  const { host } = new URL(stand.url);
  const head = `POST /v1/threads HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${stand.secret}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n`;
  const socket = await dial(stand.url, `${head}expect: 100-continue\r\n\r\n{`);
  await once(socket, 'data');
  socket.resetAndDestroy();
  // A later connection is served after the end of the first is known.
  expect((await httpClient(stand.url, stand.secret).get('/v1/threads')).status).toBe(200);
  expect(stand.errors).toEqual([]);
});

it('requests without a valid token are limited together, and hold up nobody with one', async () => {
  const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_RATE: '20' });
  try {
    const wrong = httpClient(other.url, 'bobbin_wrong');
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await wrong.get('/v1/threads')).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect((await (await other.client()).get('/v1/nothing')).status).toBe(404);
  } finally {
    await other.close();
  }
});

it('a Last-Event-ID that the thread has not reached is refused', async () => {
  const thread = await environment.start();
  await runTurn(thread, 'say: hi');
  const { lastSeq } = await thread.view();
  const http = httpClient(stand.url, stand.secret);
  const path = `/v1/threads/${thread.threadId}/events`;
  for (const ask of [
    () => http.get(path, { 'last-event-id': String(lastSeq + 1) }),
    () => http.get(`${path}?after=${lastSeq + 1}`),
  ])
    expect((await ask()).value).toMatchObject({ status: 400, code: 'invalid' });
});

/** A way to the service that can be closed. */
async function startWay(): Promise<{ address: string; way: Server; cut: () => void }> {
  const [host = '', port = ''] = (environment.env['TEMPORAL_ADDRESS'] ?? '').split(':');
  const sockets = new Set<Socket>();
  const way = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [one, two] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(two);
      one.on('error', () => two.destroy()).on('close', () => two.destroy());
    }
  });
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  const { port: own } = way.address() as { port: number };
  return {
    address: `127.0.0.1:${own}`,
    way,
    cut() {
      way.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

it('says at /readyz that the service is away, and goes on living', async () => {
  const { address, cut } = await startWay();
  const namespace = environment.env['TEMPORAL_NAMESPACE'] ?? '';
  const bobbin = await connectBobbin({ connection: { address }, namespace, deadlineMs: 500 });
  const other = await startHttpStand(bobbin);
  try {
    const health = async (path: string) => {
      const answer = await fetch(`${other.url}${path}`);
      return [answer.status, await answer.json()];
    };
    expect(await health('/readyz')).toEqual([200, { status: 'ready' }]);
    cut();
    await expect.poll(() => health('/readyz'), { timeout: 20_000 }).toEqual([503, { status: 'serviceUnavailable' }]);
    expect(await health('/livez')).toEqual([200, { status: 'live' }]);
    const answer = await httpClient(other.url, other.secret).get(`/v1/threads/${randomUUID()}`);
    expect(answer.status).toBe(503);
    expect(other.errors).toEqual([]);
  } finally {
    await other.close();
    await bobbin.close();
  }
});
