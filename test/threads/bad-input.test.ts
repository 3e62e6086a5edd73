/** What clients may send, on the real service: everything is answered, nothing is lost, and the thread continues. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmitTurn, ThreadHandle } from '../../src/client/index.ts';
import { LIMITS, type ThreadEvent, type ThreadSettings } from '../../src/contract/index.ts';
import { newThreadState } from '../../workflows/thread/state/state.ts';
import { startHttpStand } from '../parts/http-server.ts';
import { type RawPayload, assertHealthy, json, rawPayload, sendSignal, startRaw } from '../parts/raw-client.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

const LARGE = 'x'.repeat(1024 * 1024);

let environment: TestEnvironment;
const threads: ThreadHandle[] = [];
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' } });
});
afterAll(() => environment.close());

async function start(...given: Parameters<TestEnvironment['start']>): Promise<ThreadHandle> {
  const thread = await environment.start(...given);
  threads.push(thread);
  return thread;
}

/** A thread whose turn asks something and waits. */
async function startAsking(): Promise<{ thread: ThreadHandle; turnId: string; requestId: string }> {
  const thread = await start();
  const asking = turn('ask: Which one?');
  await thread.submit(asking);
  return { thread, turnId: asking.turnId, requestId: (await waitForRequest(thread)).requestId };
}

const rejected = (thread: ThreadHandle, fits: (event: Extract<ThreadEvent, { type: 'message/rejected' }>) => boolean) =>
  waitForEvent(thread, 'message/rejected', fits);

describe('a signal', () => {
  const valid = (): SubmitTurn => turn('say: hi');
  const cases: [string, string, RawPayload[], string][] = [
    ['of an unknown kind of turn', 'submitTurn', [json({ ...valid(), kind: 'dance' })], 'kind'],
    ['with bytes that are no JSON', 'submitTurn', [rawPayload('json/plain', '{"turnId": "x", ')], 'JSON'],
    ['with bytes that are no UTF-8', 'submitTurn', [rawPayload('json/plain', Buffer.from([0x22, 0xff, 0xfe]))], 'read'],
    ['in an unknown encoding', 'submitTurn', [rawPayload('cbor/plain', 'zzz')], 'cbor/plain'],
    ['with bytes only', 'submitTurn', [rawPayload('binary/plain', '{}')], 'binary'],
    ['with no metadata', 'submitTurn', [{ metadata: {}, data: Buffer.from('{}') }], 'read'],
    ['with no payload', 'submitTurn', [], 'an object is needed'],
    ['with null', 'submitTurn', [rawPayload('binary/null', '')], 'an object is needed'],
    ['with wrong types', 'submitTurn', [json({ ...valid(), input: 'hi' })], 'input: a list is needed'],
    ['with an id that is no id', 'submitTurn', [json({ ...valid(), turnId: 'a b\n' })], 'turnId'],
    ['to interrupt, that cannot be read', 'interruptTurn', [rawPayload('json/plain', '{')], 'JSON'],
    ['to close, that cannot be read', 'closeThread', [rawPayload('json/plain', '{')], 'JSON'],
    ['to close, of bytes', 'closeThread', [rawPayload('binary/plain', '{}')], 'binary'],
    ['to answer, that cannot be read', 'resolveRequest', [rawPayload('json/plain', 'nope')], 'JSON'],
    ['of an unknown name', 'danceTurn', [json({})], 'submitTurn, interruptTurn'],
    ['of a name that Temporal reserves', '__temporal_x', [json({})], 'submitTurn, interruptTurn'],
    ['of another such name', '__temporal_', [json({})], 'submitTurn, interruptTurn'],
    ['of a very long name', 'x'.repeat(990), [json({})], 'submitTurn, interruptTurn'],
  ];

  const toShown = (name: string) => (name.startsWith('__temporal_') ? `reserved:${name}` : name);

  it('that cannot be used is rejected visibly and changes nothing: the active turn and its request stand', async () => {
    const { thread, turnId, requestId } = await startAsking();
    for (const [, name, payloads] of cases) await sendSignal(environment, thread, name, ...payloads);
    await thread.resolve({ requestId, decision: 'accept', answers: { q: { answers: ['this'] } } });
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    const rejections = (await eventsSoFar(thread)).filter((event) => event.type === 'message/rejected');
    expect(rejections.map(({ message, code }) => ({ message, code }))).toEqual(
      cases.map(([, name]) => ({ message: toShown(name).slice(0, LIMITS.idChars), code: 'malformed' })),
    );
    for (const [index, [what, , , reason]] of cases.entries()) {
      expect(rejections[index]?.reason, what).toContain(reason);
    }
    expect((await thread.view()).counters.rejectedMessages).toBe(cases.length);
  });

  it('with more payloads than one is taken by its first', async () => {
    const thread = await start();
    const submitted = valid();
    await sendSignal(environment, thread, 'submitTurn', json(submitted), json('more'), rawPayload('json/plain', '{'));
    expect(await thread.completion(submitted.turnId)).toMatchObject({ status: 'completed' });
  });

  it('above the limit: the client refuses before it sends, a raw one of 1.5 MiB is rejected visibly', async () => {
    const thread = await start();
    const { lastSeq } = await thread.view();
    const large = turn('x'.repeat(LIMITS.inputChars + 1));
    await expect(thread.submit(large)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(String(LIMITS.inputChars)) as string,
    });
    await expect(thread.startTurn(large)).rejects.toMatchObject({ code: 'invalid' });
    expect((await thread.view()).lastSeq).toBe(lastSeq);
    const huge = turn('x'.repeat(1.5 * 1024 * 1024));
    await sendSignal(environment, thread, 'submitTurn', json(huge));
    expect(await rejected(thread, ({ id }) => id === huge.turnId)).toMatchObject({ code: 'inputTooLarge' });
    await expect(sendSignal(environment, thread, 'submitTurn', json(turn('x'.repeat(2_200_000))))).rejects.toThrow(
      /size/i,
    );
    const most = turn('é'.repeat(LIMITS.inputChars));
    await thread.submit(most);
    expect(await thread.completion(most.turnId)).toMatchObject({ status: 'completed' });
  });
});

describe('a turn id that is used twice', () => {
  it('is one turn, by signal and by update, also once it has ended', async () => {
    const thread = await start();
    const once = turn('run: echo x >> twice.txt\nrun: cat twice.txt');
    await thread.submit(once);
    await thread.submit(once);
    await thread.startTurn(once);
    const end = await thread.completion(once.turnId);
    await thread.startTurn({ ...once, input: [{ type: 'text', text: 'something else' }] });
    await runTurn(thread, 'say: after');
    const ends = (await eventsSoFar(thread)).filter((event) => event.type === 'turn/completed');
    expect(ends.map(({ turn: { turnId } }) => turnId).filter((id) => id === once.turnId)).toHaveLength(1);
    expect(end.lastAgentMessage?.match(/^x$/gm)).toHaveLength(1);
  });
});

describe('an update', () => {
  const raw = (thread: ThreadHandle, name: string, ...args: unknown[]) =>
    environment.bobbin.service.within(() =>
      environment.bobbin.service.client.workflow
        .getHandle(thread.workflowId)
        .executeUpdate(name, { args: args as [unknown] }),
    );

  it('that cannot be used is refused with the reason, and leaves no trace', async () => {
    const thread = await start();
    await runTurn(thread, 'say: hi');
    const before = await thread.view();
    for (const name of ['dance', '__temporal_x', '__stack_trace', '__proto__'])
      await expect(raw(thread, name, {})).rejects.toMatchObject({
        cause: { message: expect.stringContaining(name) as string },
      });
    const refusals: [string, unknown[], string][] = [
      ['startTurn', [], 'malformed'],
      ['startTurn', ['text'], 'malformed'],
      ['startTurn', [{ ...turn('x'), kind: 'dance' }], 'malformed'],
      ['startTurn', [turn('x'.repeat(LIMITS.inputChars + 1))], 'inputTooLarge'],
      ['steerTurn', [{ expectedTurnId: 7, input: [] }], 'malformed'],
      ['steerTurn', [{ expectedTurnId: 'gone', input: [{ type: 'text', text: 'x' }] }], 'turnNotActive'],
      ['interrupt', [{ turnId: 'gone' }], 'turnNotActive'],
      ['interrupt', [{}], 'turnNotActive'],
      ['resolve', [{ requestId: 'req_99', decision: 'accept' }], 'requestNotOpen'],
      // Half a character: it can be sent in JSON, but not back in the text of an error.
      ['resolve', [{ requestId: 'req_1', decision: 'accept', answers: { 'a\ud800': 5 } }], 'malformed'],
    ];
    for (const [name, args, type] of refusals) {
      await expect(raw(thread, name, ...args), `${name} ${type}`).rejects.toMatchObject({ cause: { type } });
    }
    expect(await thread.view()).toEqual(before);
    expect(await runTurn(thread, 'say: still here')).toMatchObject({ status: 'completed' });
  });

  it('to answer a request that is gone is refused with the ids', async () => {
    const { thread, turnId, requestId } = await startAsking();
    await expect(thread.resolve({ requestId, decision: 'accept' })).rejects.toMatchObject({ code: 'requestMismatch' });
    await thread.resolve({ requestId, decision: 'decline' });
    await expect(thread.resolve({ requestId, decision: 'decline' })).rejects.toMatchObject({
      code: 'requestNotOpen',
      message: expect.stringMatching(new RegExp(`${requestId}.*${thread.threadId}`)) as string,
    });
    await thread.requestResolve({ requestId, decision: 'accept' });
    expect(await rejected(thread, ({ id }) => id === requestId)).toMatchObject({ code: 'requestNotOpen' });
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
  });

  it('is answered although there are more of them at once than the service takes at a time', async () => {
    const thread = await start();
    const many = Array.from({ length: 24 }, (_, i) => turn(`say: ${i}`, { onBusy: 'queue' }));
    await Promise.all(many.map((one) => thread.startTurn(one)));
    for (const { turnId } of many) {
      expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
    }
  }, 240_000);
});

describe('a query', () => {
  it('with arguments that make no sense is refused, and a page is never larger than the limit', async () => {
    const thread = await start();
    await runTurn(thread, 'say: hi');
    const handle = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
    const bad = [
      { after: -1 },
      { after: 1.5 },
      { after: '1' },
      { limit: 0 },
      { limit: -3 },
      { limit: 'all' },
      'x',
      7,
      [],
    ];
    for (const name of ['events', 'items', 'context']) {
      for (const page of bad) {
        await expect(handle.query(name, page), `${name} ${JSON.stringify(page)}`).rejects.toThrow(
          /whole number|object/,
        );
      }
    }
    for (const name of ['dance', '__temporal_x', '__proto__'])
      await expect(handle.query(name)).rejects.toThrow(`handler for ${name}`);
    expect(await handle.query('__stack_trace')).toContain('Error');
    expect(await handle.query('events')).toMatchObject({ next: 8 });
    expect(await handle.query('events', null)).toMatchObject({ next: 8 });
    expect(await handle.query('events', { after: 999, limit: 1e9 })).toEqual({
      events: [],
      next: 8,
      more: false,
      archived: null,
    });
    expect(await handle.query('items', { after: 999 })).toEqual({ items: [], next: 2, more: false, archived: null });
    expect(await handle.query('events', { after: 3, limit: 2 })).toMatchObject({
      events: [{ seq: 4 }, { seq: 5 }],
      next: 5,
      more: true,
    });
  });
});

describe('a start', () => {
  it('with an argument that cannot be used completes as refused, and does not fail', async () => {
    const arguments_: [RawPayload[], RegExp][] = [
      [[], /an object is needed/],
      [[json({ threadId: 't' })], /workspace/],
      [[json({ threadId: 't', workspace: { cwd: 'relative' } })], /absolute/],
      [[rawPayload('json/plain', '{"threadId"')], /JSON/],
      [[json({ carriedOver: { version: 99 } })], /threadId/],
      [[json({ carriedOver: newThreadState('t', {} as ThreadSettings, 1) })], /threadId/],
      [[json({ threadId: 't', workspace: { cwd: '/x' }, sandbox: 'none' })], /sandbox/],
    ];
    for (const [payloads, reason] of arguments_) {
      const workflowId = `thread/refused-${randomUUID()}`;
      await startRaw(environment, workflowId, ...payloads);
      const result: unknown = await environment.bobbin.service.client.workflow.getHandle(workflowId).result();
      expect(result).toMatchObject({ status: 'refused', reason: expect.stringMatching(reason) as string });
    }
  });

  it('with an argument of 1 MB is refused by the thread, in few words, and before that by the client and the server', async () => {
    const members: [Record<string, unknown>, string][] = [
      [{ instructions: LARGE }, 'instructions: at most'],
      [{ title: LARGE }, 'title: at most'],
      [{ model: LARGE }, 'model: at most'],
      [{ workspace: { cwd: `/${LARGE}` } }, 'workspace.cwd: at most'],
      [{ threadId: LARGE }, 'threadId: at most'],
    ];
    const stand = await startHttpStand(environment.bobbin);
    const http = await stand.client();
    const valid = () => ({ threadId: randomUUID(), workspace: { cwd: environment.workspace() } });
    for (const [more, reason] of members) {
      const start = { ...valid(), ...more };
      const workflowId = `thread/${randomUUID()}`;
      await startRaw(environment, workflowId, json(start));
      const result: unknown = await environment.bobbin.service.client.workflow.getHandle(workflowId).result();
      expect(result).toMatchObject({ status: 'refused', reason: expect.stringContaining(reason) as string });
      expect(JSON.stringify(result).length).toBeLessThan(200);
      await expect(environment.start(more)).rejects.toMatchObject({ code: 'invalid' });
      const answer = await http.post('/v1/threads', start);
      expect([400, 413, 422]).toContain(answer.status);
      expect(JSON.stringify(answer.value).length).toBeLessThan(2_000);
    }
    await stand.close();
  });

  it('with 1 MB in members that nobody knows begins without them, and carries them into no later run', async () => {
    const other = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_CONTINUE_AFTER_EVENTS: '40' } });
    for (const more of [{ [LARGE]: 1 }, { carriedOver: { version: 1, text: LARGE } }]) {
      const threadId = randomUUID();
      await startRaw(other, `thread/${threadId}`, json({ threadId, workspace: { cwd: other.cwd }, ...more }));
      const thread = other.bobbin.threads.get(threadId);
      const handle = other.bobbin.service.client.workflow.getHandle(thread.workflowId);
      // The history of the first run holds them, and shows that they came.
      expect((await handle.describe()).historySize).toBeGreaterThan(LARGE.length);
      for (let turns = 0; turns === 0 || (await thread.view()).runCount < 2; turns += 1)
        await runTurn(thread, `say: turn ${turns}`);
      expect((await handle.describe()).historySize).toBeLessThan(LARGE.length / 4);
      expect(JSON.stringify(await thread.view())).not.toContain('xxxx');
    }
    await other.close();
  });

  it('of a thread whose workflow has another id is refused with both, since every step asks for the thread by its own', async () => {
    const cwd = environment.workspace();
    const [threadId, workflowId] = [randomUUID(), `thread/${randomUUID()}`];
    await startRaw(environment, workflowId, json({ threadId, workspace: { cwd } }));
    const result: unknown = await environment.bobbin.service.client.workflow.getHandle(workflowId).result();
    expect(result).toEqual({
      status: 'refused',
      reason: `The start argument cannot be used: thread ${threadId} has to be the workflow thread/${threadId}, and this one is ${workflowId}.`,
    });
  });

  it('by another client than ours is listed with the folder that its thread works in', async () => {
    const [cwd, threadId] = [environment.workspace(), randomUUID()];
    await startRaw(environment, `thread/${threadId}`, json({ threadId, workspace: { cwd } }));
    const listed = async () =>
      (await environment.bobbin.threads.list({ ownQueue: true })).find((one) => one.threadId === threadId)?.cwd;
    await expect.poll(listed, { timeout: 20_000 }).toBe(cwd);
    await environment.bobbin.threads.get(threadId).close({ reason: 'done' });
  });

  it('by the client is refused before anything is sent, and one of the longest words is taken', async () => {
    await expect(environment.start({ threadId: 'not an id' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(environment.start({ workspace: { cwd: 'relative' } })).rejects.toMatchObject({ code: 'invalid' });
    const thread = await start({
      threadId: `t-${'x'.repeat(LIMITS.idChars - 40)}${randomUUID().slice(0, 8)}`,
      title: 'ü'.repeat(LIMITS.shortChars),
      instructions: 'é'.repeat(LIMITS.instructionsChars),
    });
    expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'completed' });
  });
});

describe('a closed thread', () => {
  it('answers every message with threadClosed and its id, and its id is not taken again', async () => {
    const thread = await start();
    await runTurn(thread, 'say: hi');
    await thread.close({ reason: 'done' });
    await waitForEvent(thread, 'thread/closed');
    await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).result();
    const isClosed = { code: 'threadClosed', message: expect.stringContaining(thread.threadId) as string };
    await expect(thread.submit(turn('say: late'))).rejects.toMatchObject(isClosed);
    await expect(thread.startTurn(turn('say: late'))).rejects.toMatchObject(isClosed);
    await expect(thread.steer({ expectedTurnId: 'x', input: [{ type: 'text', text: 'x' }] })).rejects.toMatchObject(
      isClosed,
    );
    await expect(thread.interrupt()).rejects.toMatchObject(isClosed);
    await expect(thread.resolve({ requestId: 'req_1', decision: 'accept' })).rejects.toMatchObject(isClosed);
    await expect(thread.close()).rejects.toMatchObject(isClosed);
    const start_ = { threadId: thread.threadId, workspace: { cwd: environment.cwd } };
    const exists = { code: 'threadExists', message: expect.stringContaining(thread.threadId) as string };
    await expect(environment.bobbin.threads.startWith(start_, turn('say: again'))).rejects.toMatchObject(exists);
    await expect(environment.bobbin.threads.start(start_)).rejects.toMatchObject(exists);
    expect((await thread.view()).status).toBe('closed');
  });

  it('that never existed is reported as such', async () => {
    await expect(environment.bobbin.threads.get('never-was').submit(turn('say: hi'))).rejects.toMatchObject({
      code: 'threadNotFound',
      message: expect.stringContaining('never-was') as string,
    });
  });
});

describe('a flood', () => {
  it('of large signals is refused one by one, keeps none of their text, and the thread continues', async () => {
    const thread = await start();
    await runTurn(thread, 'say: before');
    const text = 'x'.repeat(1.5 * 1024 * 1024);
    const ids = Array.from({ length: 20 }, (_, i) => `large-${i}`);
    const signals = ids.map((turnId) => json({ turnId, kind: 'regular', input: [{ type: 'text', text }] }));
    await Promise.all(signals.map((one) => sendSignal(environment, thread, 'submitTurn', one)));
    expect(await runTurn(thread, 'say: after')).toMatchObject({ status: 'completed' });
    const rejected = (await eventsSoFar(thread)).filter((event) => event.type === 'message/rejected');
    expect(rejected.map(({ code, id }) => `${code} ${id ?? ''}`).sort()).toEqual(
      ids.map((id) => `inputTooLarge ${id}`).sort(),
    );
    expect(JSON.stringify(rejected).length).toBeLessThan(20_000);
    // It continues as new a moment after its turn.
    const handle = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
    await expect.poll(async () => (await thread.view()).runCount).toBeGreaterThan(1);
    await expect.poll(async () => (await handle.describe()).historySize).toBeLessThan(1_048_576);
  }, 180_000);

  it('of what is too large is not sent by the client', async () => {
    const thread = await start();
    // Six bytes each as JSON.
    const large = turn('\u0001'.repeat(LIMITS.inputChars));
    const refused = { code: 'inputTooLarge', message: expect.stringContaining('the limit is 1048576') as string };
    await expect(thread.submit(large)).rejects.toMatchObject(refused);
    await expect(thread.startTurn(large)).rejects.toMatchObject(refused);
    const answers = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`q${i}`, { answers: ['x'.repeat(100_000)] }]),
    );
    await expect(thread.resolve({ requestId: 'req_1', decision: 'accept', answers })).rejects.toMatchObject(refused);
    expect(await runTurn(thread, 'say: on')).toMatchObject({ status: 'completed' });
    expect((await eventsSoFar(thread)).filter(({ type }) => type === 'message/rejected')).toEqual([]);
  });

  it('of 300 signals at once is answered one by one, in the order of arrival, and none is lost', async () => {
    const { thread, turnId } = await startAsking();
    const flood = Array.from({ length: 300 }, (_, i) => {
      if (i % 15 === 0) return turn(`say: ${i}`, { onBusy: 'queue' });
      return turn(`say: ${i}`, { onBusy: i % 2 === 0 ? 'reject' : 'steer' });
    });
    await Promise.all(flood.map((one) => thread.submit(one)));
    await thread.interrupt({ turnId });
    const queued = flood.filter(({ onBusy }) => onBusy === 'queue');
    for (const one of queued) expect(await thread.completion(one.turnId)).toMatchObject({ status: 'completed' });
    const arrived = await signalsInOrder(thread);
    const answered = (await eventsSoFar(thread)).flatMap((event) => {
      if (event.type === 'message/rejected') return [event.id];
      if (event.type === 'turn/steered') return [event.steerTurnId];
      return event.type === 'turn/queued' ? [event.turnId] : [];
    });
    expect(answered).toHaveLength(flood.length);
    expect(answered).toEqual(arrived.filter((id) => id !== turnId));
    const ran = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'turn/started' ? [event.turnId] : []));
    const queuedIds = new Set(queued.map((one) => one.turnId));
    expect(ran.slice(1)).toEqual(arrived.filter((id) => queuedIds.has(id)));
  }, 240_000);

  /** Turn ids in the order in which the service wrote their signals down. */
  async function signalsInOrder({ workflowId }: ThreadHandle): Promise<string[]> {
    const { events } = await environment.bobbin.service.client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signaled }) => {
      const data = signaled?.input?.payloads?.[0]?.data;
      return data == null ? [] : [(JSON.parse(Buffer.from(data).toString()) as { turnId: string }).turnId];
    });
  }
});

describe('after all of this', () => {
  it('no workflow has failed, and no workflow task of any', async () => {
    expect(threads.length).toBeGreaterThan(8);
    for (const { workflowId } of threads) await assertHealthy(environment, workflowId);
  });
});
