/** `bobbin serve` as a process: its start, its tokens, its end, and what a reader loses if it is killed: nothing. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type TestEnvironment, eventsSoFar, openEnvironment, turn, waitForEvent } from '../environment.ts';
import { type HttpClient, type WireEvent, httpClient } from '../parts/http-server.ts';
import { type Running, runCli, startCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

let data: string;
const servers: Running[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'bobbin-serve-'));
});
afterEach(async () => {
  for (const { child, ended } of servers.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}) => ({ ...environment.env, BOBBIN_DATA_DIR: data, ...more });

interface Served extends Running {
  url: string;
  page: string;
  http: HttpClient;
}

/** Waits until it listens. */
async function serve(...more: string[]): Promise<Served> {
  const server = startCli(['serve', '--listen', '127.0.0.1:0', '--json', ...more], { env: env() });
  servers.push(server);
  await expect.poll(() => server.said.stdout, { timeout: 60_000 }).toContain('}');
  const { url, page } = JSON.parse(server.said.stdout) as { url: string; page: string };
  return { ...server, url, page, http: httpClient(url, page.split('#token=')[1] ?? '') };
}

/** Its own process would be killed with it. */
const logged = (events: readonly WireEvent[]) => events.flatMap(({ data: event }) => ('seq' in event ? [event] : []));

it('says where the Temporal UI is, unless the token has an owner, and takes nothing but a web address for it', async () => {
  const { url, http } = await serve('--temporal-ui', 'https://ui.example.com/temporal/');
  const session = (await http.get('/v1/session')).value;
  expect(session).toEqual({
    token: { name: 'first start', scopes: ['admin'], owner: null },
    temporalUi: { url: 'https://ui.example.com/temporal/', namespace: environment.env['TEMPORAL_NAMESPACE'] },
  });
  const added = await runCli(['serve', 'token', 'add', 'hers', '--owner', 'bea'], { env: env() });
  expect((await httpClient(url, added.stdout.trim()).get('/v1/session')).value).toEqual({
    token: { name: 'hers', scopes: ['read'], owner: 'bea' },
    temporalUi: null,
  });
  const refused = await runCli(['serve', '--temporal-ui', 'javascript:alert(1)'], { env: env() });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('http or https address') as string });
});

it('makes a token at the first start that only this user can read, and prints the address with it', async () => {
  const first = await serve();
  const secret = readFileSync(join(data, 'http-token'), 'utf8').trim();
  expect(first.page).toBe(`${first.url}/#token=${secret}`);
  for (const name of ['http-token', 'http-tokens.json']) expect(statSync(join(data, name)).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(data, 'http-tokens.json'), 'utf8')).not.toContain(secret);
  expect((await first.http.get('/v1/threads')).status).toBe(200);
  const second = await serve();
  expect(second.page.split('#')[1]).toBe(first.page.split('#')[1]);
});

it('answers its running requests, ends its streams and exits with 0 on SIGTERM', async () => {
  const server = await serve();
  const thread = await environment.start();
  await thread.submit(turn('run: sleep 30'));
  const stream = server.http.events(`/v1/threads/${thread.threadId}/events`);
  await stream.next();
  server.child.kill('SIGTERM');
  for await (const { name } of stream) expect(name).toBeUndefined();
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
  await thread.close();
});

it('names a port that is in use, and an address that is none', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const taken = await runCli(['serve', '--listen', `127.0.0.1:${port}`], { env: env() });
  other.close();
  expect(taken.code).toBe(2);
  expect(taken.stderr).toContain(`cannot listen on http://127.0.0.1:${port}: the port is in use`);
  const wrong = await runCli(['serve', '--listen', 'everywhere'], { env: env() });
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).toContain('an address and a port are needed');
});

it('accepts a token as soon as it is added, and no longer once it is removed', async () => {
  const owner = `alice-${randomUUID()}`;
  const { url } = await serve();
  const token = async (...args: string[]) => runCli(['serve', 'token', ...args], { env: env() });
  const secret = (await token('add', 'dashboard', '--scope', 'read', 'drive', '--owner', owner)).stdout.trim();
  const client = httpClient(url, secret);
  expect((await client.get('/v1/threads')).value).toEqual({ threads: [] });
  const listed = JSON.parse((await token('list', '--json')).stdout) as { id: string; name: string }[];
  expect(listed).toMatchObject([{ name: 'first start' }, { name: 'dashboard', scopes: ['read', 'drive'], owner }]);
  expect(JSON.stringify(listed)).not.toMatch(/hash|bobbin_/);
  expect((await token('remove', listed[1]?.id ?? '')).code).toBe(0);
  expect((await client.get('/v1/threads')).status).toBe(401);
  expect((await token('remove', 'nobody')).code).toBe(2);
  expect((await token('add', 'x', '--scope', 'everything')).stderr).toContain('expected one of read, drive');
});

it('keeps every token that several processes add and remove at once', async () => {
  const token = async (...args: string[]) => runCli(['serve', 'token', ...args, '--json'], { env: env() });
  const { id } = JSON.parse((await token('add', 'first')).stdout) as { id: string };
  const names = ['a', 'b', 'c', 'd'];
  const [removed, ...added] = await Promise.all([token('remove', id), ...names.map((name) => token('add', name))]);
  expect([removed, ...added].map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  const listed = JSON.parse((await token('list')).stdout) as { name: string }[];
  expect(listed.map(({ name }) => name).toSorted()).toEqual(names);
});

it('a reader of a server that is killed goes on at another one, without a gap or a repeat', async () => {
  const [first, second] = [await serve(), await serve()];
  const threadId = `t-${randomUUID()}`;
  const start = {
    threadId,
    workspace: { cwd: environment.cwd },
    sandbox: 'danger-full-access',
    approvalPolicy: 'never',
  };
  expect((await first.http.post('/v1/threads', start)).status).toBe(201);
  const path = `/v1/threads/${threadId}`;
  const thread = environment.bobbin.threads.get(threadId);
  const submitted = turn('run: touch began; while [ ! -e go ]; do sleep 0.05; done; echo done');
  expect((await first.http.post(`${path}/turns`, submitted)).status).toBe(202);

  const before: WireEvent[] = [];
  const running = waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  const reading = (async () => {
    for await (const event of first.http.events(`${path}/events?partial=true`)) before.push(event);
  })();
  reading.catch(() => undefined);
  const { seq } = await running;
  await expect.poll(() => logged(before).some((event) => event.seq >= seq)).toBe(true);
  first.child.kill('SIGKILL');
  await expect(reading).rejects.toThrow();

  const last = before.findLast(({ id }) => id !== undefined)?.id ?? '0';
  // A client that does not know whether its turn has arrived sends it again.
  expect((await second.http.post(`${path}/turns`, submitted)).status).toBe(202);
  await thread.submit(turn('touch go', { kind: 'user_shell' }));
  const after: WireEvent[] = [];
  for await (const event of second.http.events(`${path}/events?partial=true`, { 'last-event-id': last })) {
    after.push(event);
    if (event.data.type === 'turn/completed' && event.data.turn.turnId === submitted.turnId) break;
  }
  const all = logged([...before, ...after]);
  expect(all).toEqual((await eventsSoFar(thread)).slice(0, all.length));
  expect(all.filter(({ type }) => type === 'turn/completed').length).toBeGreaterThanOrEqual(1);
  const ends = all.filter((event) => event.type === 'turn/completed' && event.turn.turnId === submitted.turnId);
  expect(ends).toMatchObject([{ turn: { status: 'completed' } }]);
});
