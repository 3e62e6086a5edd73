/** Attacks on the HTTP server by bytes, by many requests, and by the loss of what is behind it. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BobbinError, connectBobbin } from '../../src/client/index.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn } from '../environment.ts';
import { type HttpStand, httpClient, readUntil, startHttpStand } from '../parts/http-server.ts';

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
  // So slow that a busy machine does not need as long for all of them.
  const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_RATE: '2' });
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

interface Way {
  address: string;
  /** Ends every connection, and accepts none. */
  cut: () => void;
  /** Takes nothing and gives nothing from now on; connections stay open. */
  hold: () => void;
}

/** A way to the service that can be closed. */
async function startWay(): Promise<Way> {
  const [host = '', port = ''] = (environment.env['TEMPORAL_ADDRESS'] ?? '').split(':');
  const sockets = new Set<Socket>();
  let isHeld = false;
  const way = createServer((near) => {
    if (isHeld) return void sockets.add(near);
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
    hold() {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    cut() {
      way.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

it('a reader that ends its side or resets the connection leaves its place to others, and an idle one is asked if it is there', async () => {
  const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_STREAMS: '2' });
  try {
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    const path = `/v1/threads/${thread.threadId}/events`;
    const { host, port } = new URL(other.url);
    const read = async () => {
      const head = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${other.secret}\r\n\r\n`;
      const socket = await dial(other.url, head);
      await once(socket, 'data');
      return socket;
    };
    const isFree = async () => {
      const stream = httpClient(other.url, other.secret).events(path);
      return stream.next().then(
        () => stream.return(undefined).then(() => true),
        () => false,
      );
    };
    const halfClosed = await read();
    // What a peer that vanished leaves is an idle connection: the kernel asks it whether it is there.
    if (existsSync('/proc/net/tcp')) await expect.poll(() => keepAliveSeconds(Number(port))).toBeLessThanOrEqual(30);
    expect(await isFree()).toBe(false);
    halfClosed.end();
    await expect.poll(isFree, { timeout: 20_000 }).toBe(true);
    const reset = await read();
    reset.resetAndDestroy();
    await expect.poll(isFree, { timeout: 20_000 }).toBe(true);
    expect(other.errors).toEqual([]);
  } finally {
    await other.close();
  }
});

/** Of the newest connection to the port: the time until the kernel asks whether its peer is there. */
function keepAliveSeconds(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [ESTABLISHED, KEEP_ALIVE, TICKS] = ['01', '02', 100];
  const timers = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) === true && state === ESTABLISHED)
    .map(([, , , , , timer = '']) => timer.split(':'));
  const [kind, ticks = ''] = timers.find(([one]) => one === KEEP_ALIVE) ?? [];
  return kind === undefined ? Infinity : Number.parseInt(ticks, 16) / TICKS;
}

const DEADLINE_MS = 3_000;
const IMPATIENT = { deadlineMs: DEADLINE_MS, connectTimeoutMs: 30_000 };
/** Of the probe that follows a call without an answer, and of a busy machine. */
const MORE_MS = 25_000;

it('says at /readyz that the service is away, and goes on living', async () => {
  const { address, cut } = await startWay();
  const namespace = environment.env['TEMPORAL_NAMESPACE'] ?? '';
  const bobbin = await connectBobbin({ connection: { address }, namespace, ...IMPATIENT });
  const other = await startHttpStand(bobbin);
  try {
    const health = async (path: string) => {
      const answer = await fetch(`${other.url}${path}`);
      return [answer.status, await answer.json()];
    };
    await expect.poll(() => health('/readyz')).toEqual([200, { status: 'ready' }]);
    cut();
    await expect.poll(() => health('/readyz'), { timeout: 60_000 }).toEqual([503, { status: 'serviceUnavailable' }]);
    expect(await health('/livez')).toEqual([200, { status: 'live' }]);
    const answer = await httpClient(other.url, other.secret).get(`/v1/threads/${randomUUID()}`);
    expect(answer.status).toBe(503);
    expect(other.errors).toEqual([]);
  } finally {
    await other.close();
    await bobbin.close();
  }
});

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const begunAt = performance.now();
  const value = await work;
  return { value, ms: performance.now() - begunAt };
}

it('says that the service is silent, not its workers, and takes no longer for it', async () => {
  const { address, cut, hold } = await startWay();
  const namespace = environment.env['TEMPORAL_NAMESPACE'] ?? '';
  const bobbin = await connectBobbin({ connection: { address }, namespace, ...IMPATIENT });
  const other = await startHttpStand(bobbin);
  try {
    const { threadId } = await environment.start();
    const http = httpClient(other.url, other.secret);
    await expect.poll(async () => (await http.get(`/v1/threads/${threadId}`)).status).toBe(200);
    hold();
    // A query, an update, a signal, a start, and a list.
    const tries = [
      () => bobbin.threads.get(threadId).view(),
      () => bobbin.threads.get(threadId).steer({ expectedTurnId: 'x', input: [{ type: 'text', text: 'x' }] }),
      () => bobbin.threads.get(threadId).submit(turn('say: hi')),
      () => bobbin.threads.start({ workspace: { cwd: environment.cwd } }),
      () => bobbin.threads.list(),
      () => bobbin.schedules.list(),
      () => bobbin.batches.get('any').view(),
    ];
    const codes = await Promise.all(
      tries.map((call) =>
        call().then(
          () => 'done',
          (error: unknown) => (error as BobbinError).code,
        ),
      ),
    );
    expect(new Set(codes)).toEqual(new Set(['serviceUnavailable']));
    const { value, ms } = await timed(http.get(`/v1/threads/${threadId}`));
    expect(value).toMatchObject({ status: 503, value: { code: 'serviceUnavailable' } });
    expect(value.headers.get('retry-after')).toBe('1');
    expect(ms).toBeLessThan(DEADLINE_MS + MORE_MS);
    expect((await fetch(`${other.url}/readyz`)).status).toBe(503);
  } finally {
    cut();
    await other.close();
    await bobbin.close();
  }
});

it('says that no worker answers, takes what needs none, and answers as soon as one is back', async () => {
  const own = await openEnvironment({ worker: false });
  const address = own.env['TEMPORAL_ADDRESS'] ?? '';
  const { namespace, taskQueue } = own.bobbin.service;
  const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue, ...IMPATIENT });
  const other = await startHttpStand(bobbin);
  try {
    const worker = await own.worker();
    const thread = await own.start();
    await runTurn(thread, 'say: hi');
    await worker.stop();
    const http = httpClient(other.url, other.secret);
    const path = `/v1/threads/${thread.threadId}`;
    const { value, ms } = await timed(http.get(path));
    expect(value).toMatchObject({ status: 503, value: { code: 'workerUnavailable' } });
    expect(value.headers.get('retry-after')).toBe('1');
    expect(ms).toBeLessThan(DEADLINE_MS + MORE_MS);
    const update = await http.post(`${path}/steer`, { expectedTurnId: 'x', input: [{ type: 'text', text: 'x' }] });
    expect(update.value).toMatchObject({ code: 'workerUnavailable' });
    // The list has what the service knows, and a turn is kept.
    const list = async () => (await http.get('/v1/threads?limit=1000')).value['threads'];
    const { threadId } = thread;
    await expect.poll(list, { timeout: 60_000 }).toContainEqual(expect.objectContaining({ threadId }) as object);
    const kept = turn('say: kept');
    expect((await http.post(`${path}/turns`, kept)).status).toBe(202);
    expect(other.errors).toEqual([]);
    const events = http.events(`${path}/events`);
    const ended = readUntil(events, (event) => event.type === 'turn/completed' && event.turn.turnId === kept.turnId);
    await own.worker();
    await ended;
    expect((await http.get(path)).status).toBe(200);
  } finally {
    await other.close();
    await bobbin.close();
    await own.close();
  }
});
