/** What the HTTP API offers besides turns: the queue, the past, rules, batches and their reports, schedules, ledgers. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { png } from '../../src/contract/test-images.ts';
import { makeRepository } from '../parts/repositories.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { type HttpClient, type HttpStand, readUntil, startHttpStand } from '../parts/http-server.ts';

let environment: TestEnvironment;
let stand: HttpStand;
let http: HttpClient;
beforeAll(async () => {
  environment = await openEnvironment();
  stand = await startHttpStand(environment.bobbin);
  http = await stand.client({ name: 'carla' });
});
afterAll(async () => {
  await stand.close();
  await environment.close();
});

const endOf = (path: string, turnId: string) =>
  readUntil(http.events(`${path}/events`), (event) => event.type === 'turn/completed' && event.turn.turnId === turnId);

it('reads the history in pages', async () => {
  const thread = await environment.start();
  for (const text of ['say: one', 'say: two']) await runTurn(thread, text);
  const path = `/v1/threads/${thread.threadId}/items`;
  const all = (await http.get(path)).value as { items: { id: string }[]; next: number };
  const ids: string[] = [];
  for (let page = { next: 0, more: true }; page.more;) {
    const { value } = await http.get(`${path}?after=${page.next}&limit=3`);
    page = value as typeof page;
    ids.push(...(value['items'] as { id: string }[]).map(({ id }) => id));
  }
  expect(ids).toEqual(all.items.map(({ id }) => id));
  expect(ids.length).toBeGreaterThan(3);
});

it('stores images by their bytes, and gives them to those with a token', async () => {
  const bytes = png(30, 20, 9);
  const authorization = `Bearer ${(await stand.tokens.add({ name: 'images', scopes: ['read', 'drive'], owner: 'olga' })).secret}`;
  const store = (body: Buffer, type = 'image/png', path = '/v1/images') =>
    fetch(`${stand.url}${path}`, { method: 'POST', headers: { authorization, 'content-type': type }, body });
  const stored = await store(bytes, 'image/png', '/v1/images?name=shot.png');
  expect(stored.status).toBe(201);
  const image = (await stored.json()) as { sha256: string };
  expect(image).toMatchObject({ type: 'image', name: 'shot.png', mediaType: 'image/png', width: 30, height: 20 });
  // What it is called does not matter, what it is does.
  expect(await (await store(bytes, 'image/svg+xml')).json()).toMatchObject({ mediaType: 'image/png' });
  expect(await (await store(Buffer.from('<svg onload="alert(1)"/>'))).json()).toMatchObject({ code: 'imageUnusable' });
  expect((await store(Buffer.alloc(10_485_761))).status).toBe(413);
  expect((await store(bytes, 'text/html')).status).toBe(415);
  expect(
    (await fetch(`${stand.url}/v1/images`, { method: 'POST', headers: { 'content-type': 'image/png' }, body: bytes }))
      .status,
  ).toBe(401);

  const read = (headers = {}) => fetch(`${stand.url}/v1/images/${image.sha256}`, { headers });
  expect((await read()).status).toBe(401);
  const answer = await read({ authorization });
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    ...{ 'content-type': 'image/png', 'x-content-type-options': 'nosniff', 'content-disposition': 'attachment' },
    ...{
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'cache-control': 'no-store',
    },
  });
  expect(await http.get(`/v1/images/${'0'.repeat(64)}`)).toMatchObject({
    status: 404,
    value: { code: 'imageNotFound' },
  });

  const thread = await environment.start();
  const path = `/v1/threads/${thread.threadId}`;
  const asked = turn('', { input: [{ type: 'text', text: 'see:' }, image as never] });
  expect((await http.post(`${path}/turns`, asked)).status).toBe(202);
  const { lastAgentMessage } = await thread.completion(asked.turnId);
  expect(lastAgentMessage).toContain(`image/png 30x20 sha256:${image.sha256}`);
});

it('edits, moves and drops queued turns', async () => {
  const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
  const path = `/v1/threads/${thread.threadId}`;
  await thread.submit(turn('run: sleep 60'));
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  const queued = ['say: a', 'say: b', 'say: c'].map((text) => turn(text, { onBusy: 'queue' }));
  for (const one of queued) expect((await http.post(`${path}/turns`, one)).status).toBe(202);
  const [a, b, c] = queued.map(({ turnId }) => turnId);
  const edit = (body: object) => http.call('PATCH', `${path}/queue`, body);
  expect((await edit({ op: 'move', turnId: c, before: a })).status).toBe(204);
  expect((await edit({ op: 'drop', turnId: b })).status).toBe(204);
  expect((await edit({ op: 'edit', turnId: a, input: [{ type: 'text', text: 'say: changed' }] })).status).toBe(204);
  expect((await edit({ op: 'drop', turnId: b })).value).toMatchObject({ code: 'turnNotQueued' });
  expect((await http.get(`${path}/queue`)).value).toMatchObject({
    turns: [{ turnId: c }, { turnId: a, text: 'say: changed' }],
  });
  expect((await http.post(`${path}/close`)).status).toBe(202);
});

it('undoes a turn after a preview, redoes it, rolls back and forks', async () => {
  const cwd = environment.workspace();
  const thread = await environment.start({ workspace: { cwd } });
  const path = `/v1/threads/${thread.threadId}`;
  const patch = ['*** Begin Patch', '*** Add File: made', '+text', '*** End Patch'].join('\n');
  const { turnId } = await runTurn(thread, `patch: ${patch}`);
  expect(existsSync(join(cwd, 'made'))).toBe(true);
  const made = { path: 'made', outcome: 'deleted' };
  expect((await http.get(`${path}/undo`)).value).toMatchObject({ files: { deleted: 1 }, paths: [made] });
  const [undo, redo] = [{ turnId: `u-${randomUUID()}` }, { turnId: `r-${randomUUID()}` }];
  expect((await http.post(`${path}/undo`, undo)).status).toBe(202);
  await endOf(path, undo.turnId);
  expect(existsSync(join(cwd, 'made'))).toBe(false);
  // Sent again by a client that lost the answer: it is the same undo.
  expect((await http.post(`${path}/undo`, undo)).status).toBe(202);
  expect((await http.post(`${path}/redo`, redo)).status).toBe(202);
  await endOf(path, redo.turnId);
  expect(readFileSync(join(cwd, 'made'), 'utf8')).toBe('text\n');
  const forked = await http.post(`${path}/fork`, { threadId: `f-${randomUUID()}` });
  expect(forked.status).toBe(201);
  expect((await http.get(`/v1/threads/${String(forked.value['threadId'])}`)).value).toMatchObject({
    forkedFrom: { threadId: thread.threadId },
  });
  expect((await http.post(`${path}/rollback`, { numTurns: 1 })).value['dropped']).toContain(turnId);
  expect((await http.post(`${path}/rollback`, { numTurns: 9 })).value).toMatchObject({ code: 'notEnoughTurns' });
});

it('lists what waits for a person, remembers an answer as a rule, and revokes it', async () => {
  const thread = await environment.start({ approvalPolicy: 'untrusted' });
  const path = `/v1/threads/${thread.threadId}`;
  await thread.submit(turn('run: touch wanted'));
  const { requestId } = await waitForRequest(thread);
  const waiting = async () => (await http.get('/v1/requests')).value['open'];
  const { threadId } = thread;
  await expect
    .poll(waiting, { timeout: 60_000 })
    .toContainEqual(expect.objectContaining({ thread: expect.objectContaining({ threadId }) as object }) as object);
  const answer = { decision: 'accept', remember: { scope: 'thread' } };
  expect((await http.post(`${path}/requests/${requestId}`, answer)).status).toBe(204);
  await waitForEvent(thread, 'turn/completed');
  const { rules } = (await http.get(`${path}/rules`)).value as { rules: { ruleId: string }[] };
  expect(rules).toMatchObject([{ match: { command: 'touch wanted' } }]);
  const rule = `${path}/rules/${rules[0]?.ruleId ?? ''}`;
  expect((await http.call('DELETE', rule)).status).toBe(204);
  expect((await http.call('DELETE', rule)).value).toMatchObject({ code: 'ruleUnknown', status: 404 });
  expect((await http.get(`/v1/repository-rules?cwd=${environment.cwd}`)).value).toMatchObject({ rules: [] });
});

it('runs a batch, reports it in each format, and dismisses a finding with a reason', async () => {
  const repository = makeRepository(join(environment.data, '..', 'reviewed'), { 'a.ts': 'one\n// TODO: two\n' });
  const batchId = `b-${randomUUID()}`;
  const given = { batchId, batch: { targets: [{ repository }] } };
  expect(await http.post('/v1/batches', given)).toMatchObject({ status: 201, value: { batchId } });
  await environment.bobbin.batches.get(batchId).follow();
  const path = `/v1/batches/${batchId}`;
  expect((await http.get(path)).value).toMatchObject({ status: 'completed', findings: { new: 1 } });
  const rows = (await http.get(`${path}/rows`)).value as { rows: { targetId: string }[] };
  expect(rows).toMatchObject({ rows: [{ outcome: { status: 'reviewed' } }], more: false });
  const report = async (format: string) => (await http.get(`${path}/report?format=${format}`)).value;
  expect(await report('sarif')).toMatchObject({ version: '2.1.0' });
  expect(await report('markdown')).toContain('TODO');
  expect(await report('html')).toMatch(/^<!doctype html>/i);
  expect(await http.post('/v1/batches', given)).toMatchObject({ value: { code: 'batchExists' } });

  const ledger = `/v1/ledgers/${encodeURIComponent(rows.rows[0]?.targetId ?? '')}`;
  const [finding] = (await http.get(ledger)).value['findings'] as { findingId: string }[];
  const place = `${ledger}/findings/${finding?.findingId ?? ''}`;
  expect((await http.post(`${place}/dismiss`, {})).status).toBe(400);
  expect((await http.post(`${place}/dismiss`, { why: 'known' })).status).toBe(204);
  expect((await http.get(ledger)).value).toMatchObject({ findings: [{ dismissal: { by: 'carla', why: 'known' } }] });
  expect((await http.post(`${place}/reopen`)).status).toBe(204);
  expect((await http.post(`${place}/reopen`)).value).toMatchObject({ code: 'findingNotDismissed' });
});

it('keeps a schedule: creates, replaces, pauses, triggers and deletes it', async () => {
  const path = `/v1/schedules/s-${randomUUID()}`;
  const repository = makeRepository(join(environment.data, '..', 'nightly'), { 'a.ts': 'one\n' });
  const spec = { times: { cron: ['0 3 * * *'] }, batch: { targets: [{ repository }] } };
  expect((await http.call('PUT', path, spec)).value).toMatchObject({ created: true });
  expect((await http.call('PUT', path, { ...spec, timezone: 'Europe/Berlin' })).value).toMatchObject({
    created: false,
  });
  expect((await http.post(`${path}/pause`, { note: 'holiday' })).status).toBe(204);
  expect((await http.get(path)).value).toMatchObject({ timezone: 'Europe/Berlin', paused: true, note: 'holiday' });
  const now = { at: Date.now() };
  const { run } = (await http.post(`${path}/trigger`, now)).value as { run: { batchId: string } };
  expect((await http.post(`${path}/trigger`, now)).value).toEqual({ run });
  await environment.bobbin.batches.get(run.batchId).follow();
  expect((await http.get(`${path}/runs`)).value).toMatchObject({ runs: [{ batchId: run.batchId }] });
  expect((await http.call('DELETE', path)).status).toBe(204);
  expect((await http.get(path)).value).toMatchObject({ code: 'scheduleNotFound', status: 404 });
});
