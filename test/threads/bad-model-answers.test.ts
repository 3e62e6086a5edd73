/** A model endpoint that misbehaves: each turn ends with a clear code or continues, the next turn runs, nothing fails. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Item, ThreadHandle, TurnCompletion } from '../../src/client/index.ts';
import { toInputText } from '../../src/contract/plain/images/image-types.ts';
import { type OddEndpoint, execCall, message, respondWith, startOddEndpoint } from '../parts/odd-endpoint.ts';
import { assertHealthy } from '../parts/raw-client.ts';
import { type TestEnvironment, eventsSoFar, itemsOf, openEnvironment, runTurn, turn } from '../environment.ts';

let environment: TestEnvironment;
let endpoint: OddEndpoint;
const threads: ThreadHandle[] = [];
beforeAll(async () => {
  endpoint = await startOddEndpoint();
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_OFFLINE_MODEL_URL: endpoint.url } });
  endpoint.target = environment.model.url;
});
afterAll(async () => {
  await environment.close();
  await endpoint.close();
});

interface Tried {
  thread: ThreadHandle;
  end: TurnCompletion;
  /** When the requests of the turn came, in milliseconds. */
  times: number[];
  items: Item[];
}

/** Runs one turn, by rules of the offline model server or at an odd endpoint, and then one that must go well. */
async function tryTurn(rules: string, how?: (response: ServerResponse) => void, times?: number): Promise<Tried> {
  const thread = await environment.start();
  threads.push(thread);
  const word = `odd-${randomUUID()}`;
  const oddity = how && endpoint.answer(word, how, times);
  const end = await runTurn(thread, `${word}\n${rules}`);
  oddity?.end();
  const came = endpoint.times(word);
  const items = await itemsOf(thread);
  expect(await runTurn(thread, 'run: echo next')).toMatchObject({ status: 'completed' });
  return { thread, end, times: came, items };
}

const failed = (code: string, words: RegExp) => ({
  status: 'failed',
  error: { code, message: expect.stringMatching(words) as string },
});

/** Tries of a model step in one turn; see `activities/step.ts`. */
const TRIES = 5;
/** The first wait is 200 ms, and each next one twice as long. */
const BACKOFF_MS = [200, 400, 800, 1_600];

function waits(times: number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}

describe.concurrent('an endpoint', () => {
  it('that answers 401 fails the turn at once and names what to check', async () => {
    const { end, times } = await tryTurn('status: 401');
    expect(end).toMatchObject(failed('modelUnauthorized', /HTTP 401.*Check the key/s));
    expect(times).toHaveLength(1);
  });

  it('that answers 429 is asked again, not before the time it names', async () => {
    const { end, times } = await tryTurn('retry-after: 2\nstatus: 429 1\nsay: at last');
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('at last') as string });
    expect(waits(times)).toEqual([expect.any(Number)]);
    expect(waits(times)[0]).toBeGreaterThan(1_990);
    expect(waits(times)[0]).toBeLessThan(60_000);
  });

  it('whose quota is used up is not asked again', async () => {
    const { end, times } = await tryTurn('status: 429 insufficient_quota');
    expect(end).toMatchObject(failed('usageLimitExceeded', /HTTP 429.*(limit|credit)/s));
    expect(times).toHaveLength(1);
  });

  it('that answers 500 is asked again with growing waits, then fails the turn', async () => {
    const { end, times } = await tryTurn('status: 500');
    expect(end).toMatchObject(failed('modelServerError', /HTTP 500/));
    expect(times).toHaveLength(TRIES);
    for (const [i, wait] of waits(times).entries()) expect(wait).toBeGreaterThan((BACKOFF_MS[i] ?? 0) - 10);
  });

  it('that answers 500 once is asked again, and the answer enters history once', async () => {
    const { end, items } = await tryTurn('status: 500 1\nsay: recovered');
    expect(end).toMatchObject({ status: 'completed' });
    expect(items.filter(({ type }) => type === 'agentMessage')).toHaveLength(1);
  });

  it('that answers garbage fails the turn', async () => {
    const { end, times } = await tryTurn('garbage:');
    expect(end).toMatchObject(failed('modelAnswerMalformed', /no event stream.*Check that the base URL/s));
    expect(times).toHaveLength(TRIES);
  });

  it('that speaks no HTTP fails the turn', async () => {
    const { end } = await tryTurn('', ({ socket }) => socket?.end('* OK IMAP4rev1 ready\r\n'));
    expect(end).toMatchObject(failed('modelAnswerMalformed', /./));
  });

  it('that cuts the stream is asked again, then fails the turn; cut once, the turn continues', async () => {
    const [always, once] = await Promise.all([tryTurn('cut: 4\nstream: 20 1'), tryTurn('cut: 4 1\nstream: 20 1')]);
    expect(always.end).toMatchObject(failed('modelStreamBroken', /broke off its answer/));
    expect(once.end).toMatchObject({ status: 'completed' });
    expect(once.items.filter(({ type }) => type === 'agentMessage')).toHaveLength(1);
  });

  it('that sends bytes that are no UTF-8 is read all the same, or fails the turn, but hurts nothing', async () => {
    const { end } = await tryTurn('', (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = { type: 'response.output_item.done', output_index: 0, item: message('MARK') };
      const [before = '', after = ''] = `data: ${JSON.stringify(event)}\n\n`.split('MARK');
      response.write(
        Buffer.concat([Buffer.from(before), Buffer.from([0xc3, 0x28, 0xff, 0xed, 0xa0, 0x80]), Buffer.from(after)]),
      );
      response.end('data: {"type":"response.completed","response":{"id":"r"}}\n\n');
    });
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('\ufffd') as string });
  });

  it('that sends halves of characters in its text and in its errors hurts nothing', async () => {
    const [answered, refused] = await Promise.all([
      tryTurn('', respondWith(message('half \ud83d of a character'))),
      tryTurn('', (response) => {
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end('{"error":{"message":"bad \\ud800 thing","code":"\\udc00"}}');
      }),
    ]);
    expect(answered.end).toMatchObject({ status: 'completed' });
    expect(refused.end).toMatchObject(failed('modelBadRequest', /HTTP 400: bad . thing/));
  });

  it('that never answers can be interrupted, and the connection is closed', async () => {
    const thread = await environment.start();
    threads.push(thread);
    const hanging = turn(`hang-${randomUUID()}`);
    const closed = new Promise<void>((resolve) =>
      endpoint.answer(toInputText(hanging.input), (response) => response.once('close', resolve), 1),
    );
    await thread.submit(hanging);
    await expect.poll(() => endpoint.times(toInputText(hanging.input)).length, { timeout: 60_000 }).toBe(1);
    await thread.interrupt({ turnId: hanging.turnId });
    expect(await thread.completion(hanging.turnId)).toMatchObject({
      status: 'aborted',
      reason: 'interrupted',
      quiescent: true,
    });
    await closed;
    expect(await runTurn(thread, 'say: next')).toMatchObject({ status: 'completed' });
  });

  it('that sends a text of 2 MB does not get it into history', async () => {
    const [whole, deltas] = await Promise.all([
      tryTurn('', respondWith(message('word '.repeat(400_000)))),
      tryTurn('answer: 2000000'),
    ]);
    for (const { end, times } of [whole, deltas]) {
      expect(end).toMatchObject(failed('modelAnswerMalformed', /more than 1048576 bytes/));
      expect(times).toHaveLength(TRIES);
    }
  });

  it('that sends a text above what history takes has it cut, with a note of how much', async () => {
    const [plain, escaped] = await Promise.all([
      tryTurn('', respondWith(message('漢'.repeat(340_000)))),
      tryTurn('', respondWith(message('\u0001'.repeat(340_000)))),
    ]);
    for (const { end, items } of [plain, escaped]) {
      expect(end).toMatchObject({ status: 'completed' });
      const [answer] = items.filter((item) => item.type === 'agentMessage');
      expect(answer?.text).toMatch(/\d+ characters were left out$/);
      expect(JSON.stringify(answer).length).toBeLessThan(310_000);
    }
  });

  it('that sends huge arguments of a call fails the turn: half of them must not be run', async () => {
    const call = execCall('call_1', `echo ${'x'.repeat(400_000)}`);
    const { end, items } = await tryTurn('', respondWith(call));
    expect(end).toMatchObject(failed('modelBadRequest', /calls of more than 300000 bytes.*ask for less/s));
    expect(items.some(({ type }) => type === 'commandExecution')).toBe(false);
  });

  it('that sends reasoning above what history takes has the rest of its answer kept', async () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 's'.repeat(400_000) };
    const { end } = await tryTurn('', respondWith(reasoning, message('Well thought.')));
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: 'Well thought.' });
  });

  it('that compacts to more than history takes is asked for a summary, and both are counted', async () => {
    const thread = await environment.start();
    threads.push(thread);
    const word = `large-${randomUUID()}`;
    await runTurn(thread, `${word}\nsay: one`);
    const usage = { input_tokens: 1_000_000, output_tokens: 10, total_tokens: 1_000_010 };
    const output = [{ type: 'compaction', encrypted_content: 's'.repeat(300_000) }];
    endpoint.answer(word, (response) => response.end(JSON.stringify({ output, usage })), 1);
    const { turnId } = await thread.compact();
    const end = await thread.completion(turnId);
    expect(end.status).toBe('completed');
    const compaction = (await itemsOf(thread)).find(({ type }) => type === 'contextCompaction');
    expect(compaction).toMatchObject({ provider: null, summary: expect.stringMatching(/./) as string });
    expect(end.usage.inputTokens).toBeGreaterThan(1_000_000);
    expect(end.usage.totalTokens).toBe(end.usage.inputTokens + end.usage.outputTokens);
    expect(endpoint.times(word)).toHaveLength(3);
  });

  it('that sends two calls of the same id has both run, and the conversation can still be sent', async () => {
    const calls = [execCall('call_same', 'echo first'), execCall('call_same', 'echo second')];
    const { end, items, thread } = await tryTurn('say: both', respondWith(...calls), 1);
    expect(end).toMatchObject({ status: 'completed' });
    const outputs = items.flatMap((item) => (item.type === 'commandExecution' ? [item.output] : []));
    expect(outputs).toEqual([expect.stringContaining('first'), expect.stringContaining('second')]);
    const word = `again-${randomUUID()}`;
    endpoint.answer(word, respondWith(execCall('call_same', 'echo third')), 1);
    expect(await runTurn(thread, `${word}\nsay: third`)).toMatchObject({ status: 'completed' });
  });
});

describe('an endpoint that cannot open what another one has sealed', () => {
  const refuse = (response: ServerResponse) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    const error = {
      type: 'invalid_request_error',
      code: 'invalid_encrypted_content',
      message: 'Could not be verified.',
    };
    response.end(JSON.stringify({ error }));
  };
  const warningsOf = async (thread: ThreadHandle) =>
    (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));

  it('is asked without it, in turns and in compactions, and the thread warns of it once', async () => {
    const sealed = `sealed-${randomUUID()}`;
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: sealed };
    const { thread } = await tryTurn('', respondWith(reasoning, message('Thought.')));
    // The turn after it: a call, and what came of it.
    expect(endpoint.times(sealed)).toHaveLength(2);
    endpoint.answer(sealed, refuse);
    const end = await runTurn(thread, 'say: second');
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('second') as string });
    expect(await runTurn(thread, 'say: third')).toMatchObject({ status: 'completed' });
    expect((await warningsOf(thread)).filter((one) => one.includes('without the reasoning'))).toHaveLength(1);
    const { turnId } = await thread.compact();
    expect(await thread.completion(turnId)).toMatchObject({ kind: 'compact', status: 'completed' });
    const items = await itemsOf(thread);
    expect(items.findLast(({ type }) => type === 'contextCompaction')).toMatchObject({
      provider: { provider: 'offline' },
    });
  });
});

describe('one answer', () => {
  it('with 200 calls has all of them run, each once, and large outputs do not stop the thread', async () => {
    const calls = Array.from({ length: 200 }, (_, i) =>
      execCall(`call_${i}`, i % 4 === 0 ? `printf %039000d ${i}` : 'pwd'),
    );
    const { end, items } = await tryTurn('say: all', respondWith(...calls), 1);
    expect(end).toMatchObject({ status: 'completed' });
    const commands = items.filter((item) => item.type === 'commandExecution');
    expect(commands.map(({ status }) => status)).toEqual(calls.map(() => 'completed'));
    expect(commands.reduce((sum, { output }) => sum + output.length, 0)).toBeGreaterThan(50 * 39_000);
  }, 240_000);
});

describe('after all of this', () => {
  it('no workflow has failed, and no workflow task of any', async () => {
    expect(threads.length).toBeGreaterThan(15);
    for (const { workflowId } of threads) await assertHealthy(environment, workflowId);
  });
});
