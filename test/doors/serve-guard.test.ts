/** Who may use the HTTP API, and what each may take of it. */
import { randomUUID } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TreeEvent } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { type HttpClient, type HttpStand, httpClient, readUntil, startHttpStand } from '../parts/http-server.ts';

let environment: TestEnvironment;
let stand: HttpStand;
let http: HttpClient;
beforeAll(async () => {
  environment = await openEnvironment();
  stand = await startHttpStand(environment.bobbin);
  http = await stand.client();
});
afterAll(async () => {
  await stand.close();
  await environment.close();
});

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection that sends these bytes. */
async function dial(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Everything that the server sends until it closes the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return text;
}

const rawGet = (path: string, headers: Record<string, string>) =>
  [
    `GET ${path} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    '',
    '',
  ].join('\r\n');

describe('a token', () => {
  it('is needed for every address of the API, and for none of the pages', async () => {
    const bare = async (path: string, authorization?: string) =>
      (await fetch(`${stand.url}${path}`, authorization === undefined ? {} : { headers: { authorization } })).status;
    for (const path of ['/v1/threads', '/v1/threads/any', '/v1/nothing', `/v1/threads?token=${stand.secret}`])
      expect(await bare(path)).toBe(401);
    for (const wrong of ['Bearer', 'Bearer x', `Basic ${stand.secret}`, `Bearer ${stand.secret}x`])
      expect(await bare('/v1/threads', wrong)).toBe(401);
    for (const path of ['/livez', '/readyz', '/docs', '/docs.css', '/openapi.json']) expect(await bare(path)).toBe(200);
    expect(await bare('/v1/threads', `Bearer ${stand.secret}`)).toBe(200);
  });

  it('is made at the first start, for one user alone, and ends as soon as it is removed', async () => {
    const [first] = stand.tokens.list();
    expect(first).toMatchObject({ name: 'first start', scopes: ['admin'], owner: null });
    expect(JSON.stringify(stand.tokens.list())).not.toContain(stand.secret);
    expect(await stand.tokens.first()).toBe(stand.secret);
    const { token, secret } = await stand.tokens.add({ name: 'short', scopes: ['read'], owner: null });
    const client = httpClient(stand.url, secret);
    expect((await client.get('/v1/threads')).status).toBe(200);
    await stand.tokens.remove(token.id);
    expect((await client.get('/v1/threads')).status).toBe(401);
  });

  it('is not read from a file that other users can write', async () => {
    const other = await startHttpStand(environment.bobbin);
    try {
      chmodSync(other.tokens.path, 0o666);
      const answer = await httpClient(other.url, other.secret).get('/v1/threads');
      expect(answer.value).toMatchObject({ status: 500, detail: 'See the log.' });
      expect(String(other.errors[0])).toContain('chmod 600');
    } finally {
      await other.close();
    }
  });

  it('allows what its scopes say', async () => {
    const reader = await stand.client({ scopes: ['read'] });
    const driver = await stand.client({ scopes: ['read', 'drive'] });
    const start = { threadId: `t-${randomUUID()}`, workspace: { cwd: environment.cwd }, approvalPolicy: 'untrusted' };
    expect((await reader.post('/v1/threads', start)).value).toMatchObject({ code: 'scopeMissing', status: 403 });
    expect((await driver.post('/v1/threads', start)).status).toBe(201);
    const thread = environment.bobbin.threads.get(start.threadId);
    const path = `/v1/threads/${start.threadId}`;
    await driver.post(`${path}/turns`, turn('run: touch file'));
    const { requestId } = await waitForRequest(thread);
    const answer = [`${path}/requests/${requestId}`, { decision: 'accept' }] as const;
    expect((await driver.post(...answer)).value).toMatchObject({ code: 'scopeMissing' });
    expect((await (await stand.client({ scopes: ['approve'] })).post(...answer)).status).toBe(204);
  });

  it('without `approve` cannot make approvals unnecessary', async () => {
    const driver = await stand.client({ scopes: ['read', 'drive'] });
    const { threadId } = await environment.start();
    const path = `/v1/threads/${threadId}`;
    const workspace = { cwd: environment.cwd };
    const sandbox = 'danger-full-access';
    const tries: [string, object][] = [
      ['/v1/threads', { workspace, sandbox }],
      ['/v1/threads', { workspace, unattended: { approvals: 'accept' } }],
      ['/v1/threads', { workspace, firstTurn: turn('x', { overrides: { sandbox } }) }],
      [`${path}/turns`, turn('ls', { kind: 'user_shell' })],
      [`${path}/turns`, turn('x', { overrides: { sandbox } })],
      [`${path}/turns`, turn('x', { overrides: { budget: { thread: { tokens: 9 } } } })],
      [`${path}/fork`, { sandbox }],
      [`${path}/resume`, { unattended: { approvals: 'accept' } }],
    ];
    for (const [address, body] of tries)
      expect([address, (await driver.post(address, body)).value['code']]).toEqual([address, 'scopeMissing']);
    const edit = { op: 'edit', turnId: 'any', overrides: { sandbox } };
    expect((await driver.call('PATCH', `${path}/queue`, edit)).value).toMatchObject({ code: 'scopeMissing' });
  });

  it('without `approve` cannot change the input of a queued turn that nobody is asked about', async () => {
    const driver = await stand.client({ scopes: ['read', 'drive'] });
    const thread = await environment.start();
    const running = turn('run: sleep 600');
    await thread.submit(running);
    await waitForEvent(thread, 'item/started');
    const [shell, unboxed, asked] = [
      turn('echo mine', { kind: 'user_shell', onBusy: 'queue' }),
      turn('say: mine', { onBusy: 'queue', overrides: { sandbox: 'danger-full-access' } }),
      turn('say: mine', { onBusy: 'queue' }),
    ];
    for (const one of [shell, unboxed, asked]) await thread.submit(one);
    await expect.poll(async () => (await thread.view()).queuedTurns).toHaveLength(3);
    const edit = async (client: HttpClient, { turnId }: { turnId: string }, more: object = {}) => {
      const body = { op: 'edit', turnId, input: [{ type: 'text', text: 'say: yours' }], ...more };
      const { status, value } = await client.call('PATCH', `/v1/threads/${thread.threadId}/queue`, body);
      return value['code'] ?? status;
    };
    const own = { overrides: { sandbox: 'read-only' } };
    expect([await edit(driver, shell), await edit(driver, unboxed)]).toEqual(['scopeMissing', 'scopeMissing']);
    expect(await edit(driver, unboxed, own)).toBe('scopeMissing');
    expect(await edit(driver, { turnId: 'not-there-yet' })).toBe('turnNotQueued');
    expect(await edit(driver, asked)).toBe(204);
    expect(await edit(await stand.client({ scopes: ['drive', 'approve'] }), shell)).toBe(204);
    const texts = (await thread.view()).queuedTurns.map(({ text }) => text);
    expect(texts).toEqual(['say: yours', 'say: mine', 'say: yours']);
    for (const { turnId } of [shell, unboxed, asked]) await thread.editQueue({ op: 'drop', turnId });
    await thread.interrupt({ turnId: running.turnId });
  });
});

describe('an owner', () => {
  it('reads no thread of somebody else by a place in a tree, whose ids look as if they were below', async () => {
    const ownOf = (name: string) => stand.client({ owner: `${name}-${randomUUID()}` });
    const [alice, bob] = [await ownOf('alice'), await ownOf('bob')];
    const threadId = `t-${randomUUID()}`;
    const workspace = { cwd: environment.cwd };
    const foreign = [`${threadId}/fix-it`, `${threadId}/9`];
    for (const id of foreign) {
      expect((await bob.post('/v1/threads', { threadId: id, workspace })).status).toBe(201);
      await runTurn(environment.bobbin.threads.get(id), "say: bob's");
    }
    await alice.post('/v1/threads', { threadId, workspace });
    await runTurn(environment.bobbin.threads.get(threadId), 'spawn: say: child\ncall: wait_agent {}');
    for (const id of [threadId, ...foreign]) await environment.bobbin.threads.get(id).close();
    const read = async (client: HttpClient) => {
      const more = { 'last-event-id': '1,1=1,fix-it=0,9=0,never-was=0' };
      const found = new Set<unknown>();
      for await (const { data } of client.events(`/v1/threads/${threadId}/events?tree=true`, more))
        found.add((data as unknown as TreeEvent).threadId);
      return [...found].toSorted();
    };
    expect(await read(alice)).toEqual([threadId, `${threadId}/1`]);
    const everybody = await stand.client({});
    expect(await read(everybody)).toEqual([threadId, `${threadId}/1`, ...foreign].toSorted());
  });

  it('sees the threads of nobody else in the list, and cannot take their ids', async () => {
    // Other tests have threads of the same service, and the same usual names.
    const ownOf = (name: string) => stand.client({ owner: `${name}-${randomUUID()}` });
    const [alice, bob] = [await ownOf('alice'), await ownOf('bob')];
    const threadId = `t-${randomUUID()}`;
    const start = { threadId, workspace: { cwd: environment.cwd } };
    expect((await alice.post('/v1/threads', start)).status).toBe(201);
    await runTurn(environment.bobbin.threads.get(threadId), 'say: secret');
    expect((await bob.post('/v1/threads', start)).value).toMatchObject({ code: 'threadExists' });
    const listed = async (client: HttpClient) =>
      ((await client.get('/v1/threads?limit=1000')).value['threads'] as { threadId: string }[]).map(
        (one) => one.threadId,
      );
    await expect.poll(() => listed(alice), { timeout: 60_000 }).toEqual([threadId]);
    expect(await listed(bob)).toEqual([]);
    expect(await listed(http)).toContain(threadId);
    expect((await alice.get(`/v1/threads/${threadId}`)).value).toMatchObject({ turnCount: 1 });
  });

  it('keeps forks and resumed threads', async () => {
    const carol = await stand.client({ owner: 'carol' });
    const start = { threadId: `t-${randomUUID()}`, workspace: { cwd: environment.cwd } };
    await carol.post('/v1/threads', start);
    const thread = environment.bobbin.threads.get(start.threadId);
    await runTurn(thread, 'say: past');
    const fork = await environment.bobbin.threads.fork(start.threadId);
    await thread.close();
    for await (const _ of thread.events()) continue;
    await environment.bobbin.threads.resume(start.threadId);
    for (const threadId of [fork.threadId, start.threadId])
      expect(await environment.bobbin.threads.describe(threadId)).toMatchObject({ owner: 'carol', status: 'RUNNING' });
  });

  it('may use nothing that belongs to all', async () => {
    const alice = await stand.client({ owner: 'alice' });
    for (const path of ['/v1/batches', '/v1/schedules', '/v1/ledgers', '/v1/requests', '/v1/repository-rules?cwd=/'])
      expect([path, (await alice.get(path)).value['code']]).toEqual([path, 'ownerRestricted']);
    const start = { workspace: { cwd: environment.cwd }, agentIdentity: { mode: 'off', account: 'other' } };
    expect((await alice.post('/v1/threads', start)).value).toMatchObject({ code: 'ownerRestricted' });
  });
});

describe('a web page of another origin', () => {
  it.each([
    ['with its own name for this machine', { host: 'evil.example:80' }],
    ['with an Origin', { origin: 'http://evil.example' }],
    ['with the Origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['with Origin null', { origin: 'null' }],
    ['without an Origin', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['from another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
  ])('is refused, %s, even with a valid token', async (_, headers) => {
    const { host } = new URL(stand.url);
    const given = { host, authorization: `Bearer ${stand.secret}`, ...headers };
    const answer = await readAll(await dial(stand.url, rawGet('/v1/threads', given)));
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(answer).toContain('foreignOrigin');
    expect(answer.toLowerCase()).not.toContain('access-control-allow');
  });

  it('cannot send a body that needs no preflight request', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      const answer = await http.call('POST', '/v1/threads', {}, { 'content-type': type });
      expect([type, answer.value['code']]).toEqual([type, 'unsupportedMediaType']);
    }
  });

  it('may link to a page, which runs no script that is written into it and asks nobody else', async () => {
    const { host } = new URL(stand.url);
    const visit = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const answer = await readAll(await dial(stand.url, rawGet('/docs', visit)));
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toMatch(/content-security-policy: default-src 'none'; script-src 'self'/i);
    expect(answer).toMatch(/referrer-policy: no-referrer/i);
    expect(answer).not.toMatch(/<script|(src|href|action)="(?!\/|#)|url\(/i);
  });

  it('is served under a name that the operator has set, over a proxy with TLS', async () => {
    const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_HOSTS: 'bobbin.example' });
    try {
      const given = { host: 'bobbin.example', authorization: `Bearer ${other.secret}` };
      const ask = async (origin: string) =>
        (await readAll(await dial(other.url, rawGet('/v1/threads', { ...given, origin })))).slice(9, 12);
      expect(await ask('https://bobbin.example')).toBe('200');
      expect(await ask('http://bobbin.example')).toBe('403');
    } finally {
      await other.close();
    }
  });
});

describe('a body', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>) =>
    fetch(`${stand.url}/v1/threads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stand.secret}`, 'content-type': 'application/json' },
      body,
    });

  it.each([
    ['no JSON', '{'],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['no object', '[]'],
    ['of another shape', '{"workspace": {"cwd": 7}}'],
    ['with a relative folder', '{"workspace": {"cwd": "here"}}'],
    ['deeper than any stack', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
  ])('%s is refused', async (_, body) => {
    const answer = await post(body);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid']);
  });

  it('larger than the limit is refused without being read, whether its length is said or not', async () => {
    expect((await post('x'.repeat(3_000_000))).status).toBe(413);
    const { host } = new URL(stand.url);
    const head = [
      'POST /v1/threads HTTP/1.1',
      `host: ${host}`,
      `authorization: Bearer ${stand.secret}`,
      'content-type: application/json',
      'transfer-encoding: chunked',
    ];
    const socket = await dial(stand.url, `${head.join('\r\n')}\r\n\r\n`);
    const answer = readAll(socket);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 3_000_000 && socket.writable; sent += 0x10000) socket.write(chunk);
    expect(await answer).toMatch(/^HTTP\/1.1 413 /);
  });

  it('within the limit of the server may still be too large for a thread', async () => {
    const { threadId } = await environment.start();
    const answer = await http.post(`/v1/threads/${threadId}/turns`, turn('x'.repeat(300_000)));
    expect(answer.value).toMatchObject({ status: 400, code: 'invalid' });
  });
});

describe('limits', () => {
  it('slow down a token that floods, and no other', async () => {
    // So slow that a busy machine does not need as long for all of them.
    const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_RATE: '2' });
    try {
      const [loud, quiet] = [await other.client(), await other.client()];
      const answers = await Promise.all(Array.from({ length: 400 }, () => loud.get('/v1/nothing')));
      const refused = answers.filter(({ status }) => status === 429);
      expect(answers.filter(({ status }) => status === 404).length).toBeGreaterThanOrEqual(4);
      expect(refused.length).toBeGreaterThan(100);
      for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
      expect((await quiet.get('/v1/nothing')).status).toBe(404);
    } finally {
      await other.close();
    }
  });

  it('end requests that are never completed, in their head and in their body', async () => {
    const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_READ_TIMEOUT_MS: '300' });
    try {
      const { host } = new URL(other.url);
      const head = `POST /v1/threads HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${other.secret}\r\ncontent-type: application/json\r\n`;
      const half = await Promise.all([
        dial(other.url, 'GET / HTTP/1.1\r\nhost: '),
        dial(other.url, `${head}content-length: 100\r\n\r\n{`),
      ]);
      for (const answer of await Promise.all(half.map(readAll))) expect(answer).toMatch(/^HTTP\/1.1 408 /);
    } finally {
      await other.close();
    }
  });
});

describe('streams', () => {
  it('are 200 at once, each with every event', async () => {
    const thread = await environment.start();
    const path = `/v1/threads/${thread.threadId}/events`;
    const submitted = turn('say: to all');
    const readers = Array.from({ length: 200 }, () =>
      readUntil(http.events(path), (event) => event.type === 'turn/completed'),
    );
    await thread.submit(submitted);
    const [first, ...others] = await Promise.all(readers);
    expect(first?.length).toBeGreaterThan(3);
    for (const other of others) expect(other).toEqual(first);
  });

  it('are limited, and can be opened again when others have ended', async () => {
    const other = await startHttpStand(environment.bobbin, { BOBBIN_HTTP_STREAMS: '4' });
    try {
      const thread = await environment.start();
      await runTurn(thread, 'say: hi');
      const path = `/v1/threads/${thread.threadId}/events`;
      const client = await other.client();
      const open = [client.events(path), client.events(path)];
      for (const stream of open) await stream.next();
      expect((await client.get(path)).value).toMatchObject({ status: 429, code: 'tooManyStreams' });
      await (await other.client()).events(path).next();
      await open[0]?.return(undefined);
      await expect
        .poll(
          async () =>
            (
              await client
                .events(path)
                .next()
                .catch(() => ({ done: true }))
            ).done,
        )
        .toBe(false);
    } finally {
      await other.close();
    }
  });

  it('end when the server stops, and requests under way are answered', async () => {
    const other = await startHttpStand(environment.bobbin);
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    const client = httpClient(other.url, other.secret);
    const stream = client.events(`/v1/threads/${thread.threadId}/events`);
    await stream.next();
    await other.close();
    for await (const { name } of stream) expect(name).toBeUndefined();
    await expect(client.get('/v1/threads')).rejects.toThrow('fetch failed');
  });
});
