/** The HTTP API: a thread from its start to its end. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ThreadEvent, ThreadView, TreeEvent } from '../../src/contract/index.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';
import {
  type HttpClient,
  type HttpStand,
  type WireEvent,
  httpClient,
  readUntil,
  startHttpStand,
} from '../parts/http-server.ts';

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

const isEndOf = (turnId: string) => (event: WireEvent['data']) =>
  event.type === 'turn/completed' && event.turn.turnId === turnId;

async function startThread(more: object = {}): Promise<string> {
  const threadId = `t-${randomUUID()}`;
  const started = await http.post('/v1/threads', { threadId, workspace: { cwd: environment.cwd }, ...more });
  expect(started).toMatchObject({ status: 201, value: { threadId } });
  return `/v1/threads/${encodeURIComponent(threadId)}`;
}

it('starts a thread, runs a turn, streams its events with their numbers, and shows its state', async () => {
  const path = await startThread({ title: 'over HTTP' });
  const submitted = turn('say: hi');
  expect(await http.post(`${path}/turns`, submitted)).toMatchObject({
    status: 202,
    value: { turnId: submitted.turnId },
  });
  const events = await readUntil(http.events(`${path}/events`), isEndOf(submitted.turnId));
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => String(index + 1)));
  const view = (await http.get(path)).value as unknown as ThreadView;
  expect(view).toMatchObject({ status: 'idle', turnCount: 1, settings: { title: 'over HTTP' } });
  const listed = async () => (await http.get('/v1/threads?limit=1000')).value['threads'];
  await expect
    .poll(listed, { timeout: 60_000 })
    .toContainEqual(expect.objectContaining({ threadId: view.threadId }) as object);
});

it('makes one turn of the same turnId sent twice', async () => {
  const path = await startThread();
  const submitted = turn('say: once');
  for (const _ of [1, 2]) expect((await http.post(`${path}/turns`, submitted)).status).toBe(202);
  const last = turn('say: last', { onBusy: 'queue' });
  await http.post(`${path}/turns`, last);
  const events = await readUntil(http.events(`${path}/events`), isEndOf(last.turnId));
  const started = events.filter(({ data }) => data.type === 'turn/started');
  expect(started.map(({ data }) => (data as { turnId: string }).turnId)).toEqual([submitted.turnId, last.turnId]);
});

it('continues a stream after Last-Event-ID or ?after=, without a gap or a repeat', async () => {
  const path = await startThread();
  const first = turn('say: one');
  await http.post(`${path}/turns`, first);
  const events = await readUntil(http.events(`${path}/events`), isEndOf(first.turnId));
  const rest = events.slice(2);
  const fits = isEndOf(first.turnId);
  expect(await readUntil(http.events(`${path}/events`, { 'last-event-id': '2' }), fits)).toEqual(rest);
  expect(await readUntil(http.events(`${path}/events?after=2`), fits)).toEqual(rest);
  expect(await readUntil(http.events(`${path}/events?after=0`, { 'last-event-id': '2' }), fits)).toEqual(rest);
});

it('sends deltas of a running step without an id in the same stream, if asked', async () => {
  const path = await startThread({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
  const submitted = turn('run: echo line; until [ -e was-read ]; do sleep 0.1; done');
  await http.post(`${path}/turns`, submitted);
  const stream = http.events(`${path}/events?partial=true`);
  const events = await readUntil(stream, (event) => {
    if (event.type === 'item/commandExecution/outputDelta') writeFileSync(join(environment.cwd, 'was-read'), '');
    return isEndOf(submitted.turnId)(event);
  });
  const deltas = events.filter(({ data }) => !('seq' in data));
  expect(deltas.some(({ data }) => data.type === 'item/commandExecution/outputDelta')).toBe(true);
  expect(deltas.every(({ id }) => id === undefined)).toBe(true);
  const logged = events.filter(({ data }) => 'seq' in data);
  expect(logged.map(({ id }) => Number(id))).toEqual(logged.map((_, index) => index + 1));
});

it('sends the events of a tree with their threads, and continues each after an id, at another server, too', async () => {
  const path = await startThread();
  const threadId = decodeURIComponent(path.split('/').at(-1) ?? '');
  const wait = 'call: wait_agent {"timeout_ms": 60000}';
  const helper = { task_name: 'helper', message: `spawn: say: deep\n${wait}` };
  const submitted = turn(`call: spawn_agent ${JSON.stringify(helper)}\n${wait}`);
  await http.post(`${path}/turns`, submitted);
  await environment.bobbin.threads.get(threadId).completion(submitted.turnId);
  await http.post(`${path}/close`);
  const treeOf = ({ data }: WireEvent) => data as unknown as TreeEvent;
  const read = async (client: HttpClient, more: Record<string, string> = {}) => {
    const events: WireEvent[] = [];
    for await (const event of client.events(`${path}/events?tree=true`, more)) events.push(event);
    return events;
  };
  const all = await read(http);
  const ids = [...new Set(all.map((event) => treeOf(event).threadId))].toSorted();
  expect(ids).toEqual([threadId, `${threadId}/1`, `${threadId}/1/1`]);
  const deep = all.find((event) => treeOf(event).threadId === ids[2])?.data;
  expect(deep).toMatchObject({ path: ids.slice(1) });
  for (const id of ids) {
    const own = all.filter((event) => treeOf(event).threadId === id).map((event) => treeOf(event).event);
    expect(own).toEqual(await eventsSoFar(environment.bobbin.threads.get(id)));
  }

  const second = await startHttpStand(environment.bobbin);
  try {
    const other = httpClient(second.url, second.secret);
    // Of a place in the middle, and of one where only an agent has more.
    const middle = all.findIndex((event) => treeOf(event).threadId === `${threadId}/1`) + 1;
    const ofRoot = await eventsSoFar(environment.bobbin.threads.get(threadId));
    const agents = await read(other, { 'last-event-id': `${ofRoot.length},1=1` });
    expect(agents.map((event) => [event.name, treeOf(event).threadId])).toEqual(
      expect.arrayContaining([
        [undefined, `${threadId}/1`],
        [undefined, `${threadId}/1/1`],
      ]),
    );
    expect(agents.every((event) => treeOf(event).path.length > 0)).toBe(true);
    const rest = await read(other, { 'last-event-id': all[middle]?.id ?? '' });
    expect(rest.filter(({ name }) => name !== undefined)).toEqual([]);
    const places = (events: WireEvent[]) =>
      events.map((event) => JSON.stringify([treeOf(event).threadId, treeOf(event).event])).toSorted();
    expect(places([...all.slice(0, middle + 1), ...rest])).toEqual(places(all));
    const end = { 'last-event-id': all.at(-1)?.id ?? '' };
    expect((await other.get(`${path}/events?tree=true`, end)).status).toBe(204);
    expect((await other.get(`${path}/events`, end)).value).toMatchObject({ code: 'invalid' });
    const beyond = { 'last-event-id': '9999,1=3' };
    expect((await other.get(`${path}/events?tree=true`, beyond)).value).toMatchObject({ code: 'invalid' });
    const owned = await second.client({ owner: 'nobody-of-these' });
    expect((await owned.get(`${path}/events?tree=true`)).status).toBe(404);
  } finally {
    await second.close();
  }
});

it('interrupts a turn, and answers with its id when it has stopped', async () => {
  const path = await startThread({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
  const submitted = turn('run: sleep 60');
  await http.post(`${path}/turns`, submitted);
  await readUntil(
    http.events(`${path}/events`),
    (event) => event.type === 'item/started' && 'item' in event && event.item.type === 'commandExecution',
  );
  expect(await http.post(`${path}/interrupt`)).toMatchObject({ status: 200, value: { turnId: submitted.turnId } });
  expect((await http.post(`${path}/interrupt`)).value).toMatchObject({ status: 409, code: 'turnNotActive' });
});

it('shows an open request in full, and takes one answer to it', async () => {
  const thread = await environment.start({ approvalPolicy: 'untrusted' });
  await thread.submit(turn('run: touch asked-for'));
  const { requestId } = await waitForRequest(thread);
  const path = `/v1/threads/${thread.threadId}/requests`;
  const shown = (await http.get(path)).value as { requests: { requestId: string; command: string }[] };
  expect(shown.requests).toMatchObject([{ requestId, command: 'touch asked-for' }]);
  expect((await http.post(`${path}/${requestId}`, { decision: 'decline' })).status).toBe(204);
  expect((await http.post(`${path}/${requestId}`, { decision: 'accept' })).value).toMatchObject({
    code: 'requestNotOpen',
    status: 409,
  });
  await waitForEvent(thread, 'turn/completed');
});

it('ends the stream of a closed thread, and says so to a browser that connects again', async () => {
  const thread = await environment.start();
  await thread.close();
  const path = `/v1/threads/${thread.threadId}/events`;
  const all: ThreadEvent[] = [];
  for await (const { data } of http.events(path)) all.push(data as ThreadEvent);
  expect(all).toEqual(await eventsSoFar(thread));
  expect(all.at(-1)?.type).toBe('thread/closed');
  expect((await http.get(path, { 'last-event-id': String(all.at(-1)?.seq) })).status).toBe(204);
});

it('ends the stream of a terminated thread, too, and that of its tree', async () => {
  const thread = await environment.start();
  await waitForEvent(thread, 'thread/started');
  await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate('an operator');
  const path = `/v1/threads/${thread.threadId}/events`;
  for (const query of ['', '?tree=true']) {
    const all: WireEvent[] = [];
    for await (const event of http.events(`${path}${query}`)) all.push(event);
    expect(all.at(-1)).toMatchObject({ name: 'problem', data: { code: 'threadClosed' } });
    const last = { 'last-event-id': all.findLast(({ id }) => id !== undefined)?.id ?? '' };
    expect(last['last-event-id']).not.toBe('');
    expect((await http.get(`${path}${query}`, last)).status).toBe(204);
  }
});

it('refuses the stream of a thread that was refused', async () => {
  const threadId = `t-${randomUUID()}`;
  const source = await environment.start();
  const forked = environment.bobbin.threads.fork(source.threadId, { threadId, turnId: 'never-was' });
  await expect(forked).rejects.toMatchObject({ code: 'threadRefused' });
  for (const query of ['', '?tree=true'])
    expect(await http.get(`/v1/threads/${threadId}/events${query}`)).toMatchObject({
      status: 422,
      value: { code: 'threadRefused' },
    });
});

it('answers a failed request with a documented problem', async () => {
  const missing = await http.get('/v1/threads/nobody');
  expect(missing.headers.get('content-type')).toBe('application/problem+json');
  expect(missing.value).toEqual({
    type: '/docs#problem-threadNotFound',
    title: 'There is no such thread',
    status: 404,
    code: 'threadNotFound',
    detail: expect.stringContaining('nobody') as string,
  });
  const page = await (await fetch(`${http.url}/docs`)).text();
  expect(page).toContain('id="problem-threadNotFound"');
});
