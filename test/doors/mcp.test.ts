/** `bobbin mcp`: threads as tools of another agent, with the official client, over standard input and output. */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, ElicitRequest } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestEnvironment, openEnvironment, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { png } from '../../src/contract/test-images.ts';
import { type McpStand, startMcp } from '../parts/mcp-client.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function start(more: Partial<Parameters<typeof startMcp>[0]> = {}): Promise<McpStand> {
  const stand = await startMcp({ env: environment.env, cwd: environment.cwd, ...more });
  clients.push(stand.client);
  return stand;
}

const FREE = { sandbox: 'danger-full-access', approvalPolicy: 'never' };
const TOOLS = ['start_thread', 'reply', 'wait', 'review', 'fork', 'answer', 'interrupt', 'read', 'list'];

it('starts a thread with a task, waits for its end, talks on, and reads what it did', async () => {
  const { client, call } = await start();
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(TOOLS);
  const started = await call('start_thread', { task: 'say: the first answer' });
  expect(started).toMatchObject({ status: 'completed', answer: expect.stringContaining('the first answer') as string });
  const { threadId } = started as { threadId: string };
  const second = await call('reply', { threadId, message: 'say: the second' });
  expect(second['answer']).toContain('the second');
  const page = await call('read', { threadId });
  expect(page).toMatchObject({ status: 'idle', cwd: environment.cwd, requests: [] });
  expect(JSON.stringify(page)).toContain('the first answer');
  const listed = async () => (await call('list', { limit: 100 }))['threads'];
  await expect.poll(listed, { timeout: 60_000 }).toContainEqual(expect.objectContaining({ threadId }) as object);
  expect(await call('wait', { threadId })).toMatchObject({ turnId: second['turnId'], status: 'completed' });
  expect(await call('wait', { threadId, turnId: started['turnId'] })).toMatchObject({ answer: started['answer'] });
});

it('shows the agent images of the client, and files of its own machine', async () => {
  const { call } = await start();
  writeFileSync(join(environment.cwd, 'file.png'), png(9, 8));
  const images = [{ data: png(7, 6).toString('base64'), name: 'mine.png' }];
  const { threadId, ...started } = await call('start_thread', { task: 'see:', images, imageFiles: ['file.png'] });
  expect(started['answer']).toMatch(/^image\/png 7x6 [^\n]+\nimage\/png 9x8 /);
  expect((await call('reply', { threadId, message: 'see:', images }))['answer']).toMatch(/9x8[^]+7x6/);
  const svg = [{ data: Buffer.from('<svg/>').toString('base64') }];
  expect(await call('reply', { threadId, message: 'see:', images: svg })).toMatchObject({
    error: { code: 'imageUnusable' },
  });
});

describe.each([
  ['of 2025', 'legacy' as const],
  ['of 2026', { pin: '2026-07-28' }],
])('a client %s', (_, mode) => {
  const asking = (answer: object) => {
    const asked: ElicitRequest['params'][] = [];
    const options = { capabilities: { elicitation: {} }, versionNegotiation: { mode } };
    const prepare = (client: Client) =>
      client.setRequestHandler('elicitation/create', ({ params }) => {
        asked.push(params);
        return answer as { action: 'accept' };
      });
    return { asked, more: { client: options, prepare } };
  };

  it('that can ask its person asks for each approval, with all that will run, and the turn goes on', async () => {
    const { asked, more } = asking({ action: 'accept', content: { decision: 'accept' } });
    const { call } = await start(more);
    const command = 'touch first-approved';
    const done = await call('start_thread', {
      task: `run: ${command}\nrun: touch second-approved`,
      approvalPolicy: 'untrusted',
    });
    expect(done).toMatchObject({ status: 'completed' });
    expect(asked.map(({ message }) => message)).toEqual([
      expect.stringContaining(`│ ${command}\n`) as string,
      expect.stringContaining('│ touch second-approved\n') as string,
    ]);
    expect(asked[0]?.message).toContain('folder:\n│ ');
    for (const name of ['first-approved', 'second-approved'])
      expect(existsSync(join(environment.cwd, name))).toBe(true);
  });

  it('whose person closes the question is told what waits, and is not asked again in that call', async () => {
    const { asked, more } = asking({ action: 'cancel' });
    const { call } = await start(more);
    const done = await call('start_thread', { task: 'run: touch never-approved', approvalPolicy: 'untrusted' });
    expect(done).toMatchObject({ status: 'waitingForAnswer', requests: [{ text: 'touch never-approved' }] });
    expect(asked).toHaveLength(1);
    await call('interrupt', { threadId: done['threadId'] });
  });
});

it('a client that cannot ask its person answers with a tool, once', async () => {
  const { call } = await start();
  const asked = await call('start_thread', { task: 'run: touch by-tool', approvalPolicy: 'untrusted' });
  const { threadId, requests } = asked as { threadId: string; requests: { requestId: string }[] };
  expect(asked).toMatchObject({
    status: 'waitingForAnswer',
    requests: [{ type: 'commandExecution', text: 'touch by-tool' }],
  });
  const answer = { threadId, requestId: requests[0]?.requestId, decision: 'accept' };
  expect(await call('answer', answer)).toMatchObject({ answered: 'accept' });
  expect(await call('wait', { threadId })).toMatchObject({ status: 'completed' });
  expect(existsSync(join(environment.cwd, 'by-tool'))).toBe(true);
  expect(await call('answer', answer)).toMatchObject({ error: { code: 'requestNotOpen' } });
});

it('without the scope approve it neither answers requests nor makes them unnecessary', async () => {
  const stand = await start({
    args: ['--scope', 'read', 'drive'],
    client: { capabilities: { elicitation: {} } },
    prepare: (client) =>
      client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { decision: 'accept' } })),
  });
  const { tools } = await stand.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(TOOLS.filter((name) => name !== 'answer'));
  const asked = await stand.call('start_thread', { task: 'run: touch unapproved', approvalPolicy: 'untrusted' });
  expect(asked).toMatchObject({ status: 'waitingForAnswer' });
  expect(await stand.call('start_thread', { task: 'run: touch unapproved', ...FREE })).toMatchObject({
    error: { code: 'scopeMissing' },
  });
  await stand.call('interrupt', { threadId: asked['threadId'] });
});

it('a call that takes too long, or that the client leaves, does not stop the work', async () => {
  const { client, call } = await start();
  const started = await call('start_thread', {
    task: 'run: while [ ! -e go-on ]; do sleep 0.05; done',
    ...FREE,
    waitSeconds: 0,
  });
  expect(started).toMatchObject({ status: 'working' });
  const { threadId } = started as { threadId: string };
  const thread = environment.bobbin.threads.get(threadId);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  const leave = new AbortController();
  const progress = new Promise((resolve) => {
    const options = { signal: leave.signal, onprogress: resolve };
    client.callTool({ name: 'wait', arguments: { threadId } }, options).catch(() => undefined);
  });
  expect(await progress).toMatchObject({ message: expect.stringContaining('runs while') as string });
  leave.abort();
  await thread.submit(turn('touch go-on', { kind: 'user_shell' }));
  expect(await call('wait', { threadId, turnId: started['turnId'] })).toMatchObject({ status: 'completed' });
});

it('interrupts what is at work, and says what became of a message that was not accepted', async () => {
  const { call } = await start();
  const started = await call('start_thread', { task: 'run: sleep 60', ...FREE, waitSeconds: 0 });
  const { threadId, turnId } = started as { threadId: string; turnId: string };
  const thread = environment.bobbin.threads.get(threadId);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  expect(await call('reply', { threadId, message: 'say: no', onBusy: 'reject' })).toMatchObject({
    error: { code: 'threadBusy' },
  });
  expect(await call('interrupt', { threadId })).toMatchObject({ turnId });
  expect(await call('wait', { threadId, turnId })).toMatchObject({ status: 'aborted', reason: 'interrupted' });
  expect(await call('interrupt', { threadId })).toMatchObject({ error: { code: 'turnNotActive' } });
  expect(await call('reply', { threadId: 'nobody', message: 'x' })).toMatchObject({
    error: { code: 'threadNotFound' },
  });
  expect(await call('wait', { threadId, turnId: 'never' })).toMatchObject({ error: { code: 'turnNotFound' } });
});

it('says that a message did not steer, and to which turn one went that did', async () => {
  const { call } = await start();
  const thread = await environment.start();
  const { threadId } = thread;
  const steer = (message: string, waitSeconds = 60) =>
    call('reply', { threadId, message, onBusy: 'steer', waitSeconds });
  const shell = turn('sleep 600', { kind: 'user_shell' });
  await thread.submit(shell);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  expect(await steer('say: unheard')).toMatchObject({ error: { code: 'turnNotSteerable' } });
  await thread.interrupt({ turnId: shell.turnId });
  const idle = await steer('say: by itself');
  expect(idle).toMatchObject({ status: 'completed' });
  const active = turn('run: sleep 600');
  await thread.submit(active);
  await waitForEvent(thread, 'item/started', ({ turnId }) => turnId === active.turnId);
  expect(await steer('say: heard', 0)).toMatchObject({ status: 'working', turnId: active.turnId });
  await thread.interrupt({ turnId: active.turnId });
});

it('cuts what is long, and reads the rest in pieces', async () => {
  const { call } = await start();
  const long = Array.from({ length: 6_000 }, (_, index) => `word${index}`).join(' ');
  const done = await call('start_thread', { task: `say: ${long}` });
  expect((done['answer'] as string).length).toBeLessThan(20_200);
  expect(done['answer']).toMatch(/\[CUT: \d+ of \d+ characters/);
  const page = await call('read', { threadId: done['threadId'], limit: 1 });
  const [item] = page['items'] as { id: string; text: string }[];
  expect(JSON.stringify(page).length).toBeLessThan(5_000);
  let whole = '';
  for (let offset: unknown = 0; offset !== undefined;) {
    const piece = await call('read', { threadId: done['threadId'], item: item?.id, offset });
    whole += piece['text'] as string;
    offset = piece['nextOffset'];
  }
  expect((JSON.parse(whole) as { text: string }).text).toContain(long);
});

it('reviews changes, and forks a thread', async () => {
  const { call } = await start();
  const cwd = environment.workspace();
  const { threadId } = await call('start_thread', { task: 'run: echo "// TODO: later" > new.js', cwd, ...FREE });
  const review = await call('review', { threadId });
  expect(review).toMatchObject({ status: 'completed', review: { findings: [{ codeLocation: { path: 'new.js' } }] } });
  const fork = await call('fork', { threadId });
  expect(fork).toMatchObject({ forkedFrom: threadId });
  expect(await call('reply', { threadId: fork['threadId'], message: 'say: apart' })).toMatchObject({
    status: 'completed',
  });
});

it('the same start with an id, sent twice, is one thread with one task', async () => {
  const { call } = await start();
  const once = { task: 'say: once', threadId: `t-${randomUUID()}` };
  const [first, second] = [await call('start_thread', once), await call('start_thread', once)];
  expect(second).toEqual(first);
  expect(await environment.bobbin.threads.get(once.threadId).view()).toMatchObject({ turnCount: 1 });
});

it('a task is kept while no worker runs, and the client is told so', async () => {
  const env = { ...environment.env, BOBBIN_TASK_QUEUE: `nobody-${randomUUID()}` };
  const { call } = await start({ env });
  const kept = await call('start_thread', { task: 'say: later', waitSeconds: 0 });
  expect(kept).toMatchObject({
    status: 'working',
    doing: expect.stringMatching(/^kept, but nobody answers/) as string,
  });
});

it('what another door answers, or asks for, is seen here', async () => {
  const { call } = await start();
  const thread = await environment.start({ approvalPolicy: 'untrusted' });
  await thread.submit(turn('run: touch elsewhere'));
  const { requestId } = await waitForRequest(thread);
  const waiting = call('wait', { threadId: thread.threadId });
  expect(await waiting).toMatchObject({ status: 'waitingForAnswer', requests: [{ requestId }] });
  await thread.resolve({ requestId, decision: 'decline' });
  expect(await call('wait', { threadId: thread.threadId })).toMatchObject({ status: 'completed' });
});
