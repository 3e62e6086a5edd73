/** MCP at `/mcp` of the HTTP server: tokens, scopes, owners and limits are those of the rest of it. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { type HttpStand, startHttpStand } from '../parts/http-server.ts';
import { callTool } from '../parts/mcp-client.ts';
import type { NewToken } from '../../src/interfaces/http/tokens.ts';

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

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(token: Partial<NewToken> = {}, options: ClientOptions = {}, url = stand.url): Promise<Client> {
  const { secret } = await stand.tokens.add({ name: 'mcp', scopes: ['admin'], owner: null, ...token });
  return open(url, secret, options);
}

async function open(url: string, secret: string, options: ClientOptions = {}): Promise<Client> {
  const headers = { authorization: `Bearer ${secret}` };
  const client = new Client({ name: 'test', version: '1' }, options);
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  clients.push(client);
  return client;
}

const MODERN = { versionNegotiation: { mode: { pin: '2026-07-28' } } };

describe.each([
  ['of 2025', {}],
  ['of 2026', MODERN],
])('a client %s', (_, options) => {
  it('starts a thread in a folder that it names, and reads it', async () => {
    const client = await connect({}, options);
    const noFolder = await callTool(client, 'start_thread', { task: 'say: hi' });
    expect(noFolder).toMatchObject({ error: { code: 'invalid' } });
    const done = await callTool(client, 'start_thread', { task: 'say: hi', cwd: environment.cwd });
    expect(done).toMatchObject({ status: 'completed' });
    expect(await callTool(client, 'read', { threadId: done['threadId'] })).toMatchObject({ status: 'idle' });
  });
});

it('asks the person of a client of 2026, and takes the answer in the next request', async () => {
  const client = await connect({}, { ...MODERN, capabilities: { elicitation: {} } });
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { decision: 'accept' } }));
  const task = { task: 'run: touch over-http', cwd: environment.cwd, approvalPolicy: 'untrusted' };
  expect(await callTool(client, 'start_thread', task)).toMatchObject({ status: 'completed' });
});

it('needs a token, and offers the tools of its scopes', async () => {
  await expect(open(stand.url, 'bobbin_wrong')).rejects.toThrow(/401|Unauthorized|token/i);
  const names = async (token: Partial<NewToken>) =>
    (await (await connect(token)).listTools()).tools.map(({ name }) => name);
  expect(await names({ scopes: ['read'] })).toEqual(['wait', 'read', 'list']);
  expect(await names({ scopes: ['read', 'drive'] })).not.toContain('answer');
  expect(await names({ scopes: ['approve'] })).toEqual(['answer']);
});

it('an owner finds no thread of another one, by no tool, and starts its own', async () => {
  const owner = `alice-${randomUUID()}`;
  const [alice, bob] = [await connect({ owner }), await connect({ owner: `bob-${randomUUID()}` })];
  const threadId = `t-${randomUUID()}`;
  const task = { task: 'say: secret', threadId, cwd: environment.cwd };
  expect(await callTool(alice, 'start_thread', task)).toMatchObject({ status: 'completed' });
  const calls: [string, object][] = [
    ['reply', { message: 'say: no' }],
    ['wait', {}],
    ['answer', { requestId: 'req_1', decision: 'accept' }],
    ['interrupt', {}],
    ['read', {}],
    ['review', {}],
    ['fork', {}],
  ];
  for (const [name, args] of calls)
    expect([name, await callTool(bob, name, { threadId, ...args })]).toMatchObject([
      name,
      { error: { code: 'threadNotFound' } },
    ]);
  expect(await callTool(bob, 'start_thread', task)).toMatchObject({ error: { code: 'threadExists' } });
  const listed = async () => (await callTool(alice, 'list', {}))['threads'];
  await expect.poll(listed, { timeout: 60_000 }).toEqual([expect.objectContaining({ threadId }) as object]);
  expect(await callTool(bob, 'list', {})).toEqual({ threads: [] });
});

it('is refused for pages of other origins, for what is no JSON, and for what is too large', async () => {
  const post = (body: string, more: Record<string, string> = {}) =>
    fetch(`${stand.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stand.secret}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...more,
      },
      body,
    });
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  expect((await post(list)).status).toBe(200);
  expect((await post(list, { origin: 'http://evil.example' })).status).toBe(403);
  expect((await post(list, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await post(list, { authorization: 'Bearer x' })).status).toBe(401);
  expect((await post('x'.repeat(10_000_000))).status).toBe(413);
  for (const odd of ['{', '[]', '{}', 'null', `${'['.repeat(100_000)}${']'.repeat(100_000)}`]) {
    const { status } = await post(odd);
    expect([odd.slice(0, 5), status]).toEqual([odd.slice(0, 5), 400]);
  }
  expect(stand.errors).toEqual([]);
});

it('sends progress to a client of 2026 that asks for it', async () => {
  const client = await connect({}, MODERN);
  const shown: (string | undefined)[] = [];
  const args = {
    task: 'run: until [ -e was-shown ]; do sleep 0.1; done',
    ...{ cwd: environment.cwd, sandbox: 'danger-full-access', approvalPolicy: 'never' },
  };
  const onprogress = ({ message }: { message?: string | undefined }) => {
    shown.push(message);
    writeFileSync(join(environment.cwd, 'was-shown'), '');
  };
  await client.callTool({ name: 'start_thread', arguments: args }, { onprogress, timeout: 100_000 });
  expect(shown.length).toBeGreaterThan(0);
});

it('calls of one token at a time are limited as its streams', async () => {
  const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_STREAMS: '4' });
  try {
    const { threadId } = await environment.start();
    const { secret } = await other.tokens.add({ name: 'one', scopes: ['admin'], owner: null });
    const client = await open(other.url, secret, MODERN);
    const started = await callTool(client, 'reply', { threadId, message: 'run: sleep 60', waitSeconds: 0 });
    const waiting = [1, 2].map(() => callTool(client, 'wait', { threadId, waitSeconds: 60 }));
    const third = () => fetch(`${other.url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${secret}` } });
    await expect.poll(async () => (await third()).status).toBe(429);
    expect(started).toMatchObject({ status: 'working' });
    const free = await other.client();
    await free.post(`/v1/threads/${threadId}/interrupt`);
    for (const one of waiting) expect(await one).toMatchObject({ status: 'aborted' });
  } finally {
    await other.close();
  }
});
