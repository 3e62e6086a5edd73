import type { ServerResponse } from 'node:http';
import { createOpenAI } from '@ai-sdk/openai';
import { dynamicTool, jsonSchema, streamText } from 'ai';
import { afterEach, describe, expect, it } from 'vitest';
import { SERVER_NAME, SIGNATURE } from './answer-text.ts';
import { assistant, respond, send, user } from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { sendEvents } from './response-stream.ts';
import { startModelServer } from './server.ts';
import type { ModelServer, ModelServerOptions } from './server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(options: ModelServerOptions = {}): Promise<ModelServer> {
  const server = await startModelServer(options);
  closing.push(() => server.close());
  return server;
}

describe('the wire', () => {
  it('has the events of a message in their order, numbered, and usage at the end', async () => {
    const { url } = await start();
    const { events, usage, items } = await respond(url, [user('say: hi')]);
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const text = `hi\n\n${SIGNATURE}`;
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^msg_/) as string,
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }],
      },
    ]);
    expect(events.at(-1)).toMatchObject({
      response: { object: 'response', status: 'completed', model: 'test-model', output: items },
    });
    expect(usage).toMatchObject({
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: Math.ceil(text.length / 4),
      output_tokens_details: { reasoning_tokens: 0 },
    });
    expect(usage!['total_tokens']).toBe(Number(usage!['input_tokens']) + Number(usage!['output_tokens']));
  });

  it('has reasoning ahead of the message, with a summary if one is asked for', async () => {
    const { url } = await start();
    const thinking = 'think: first\nthink: second\nsay: hi';
    const { events, items, usage } = await respond(url, [user(thinking)], { reasoning: { summary: 'auto' } });
    const summary = ['first', 'second'].map((text) => ({ type: 'summary_text', text }));
    expect(items).toMatchObject([{ type: 'reasoning', summary }, { type: 'message' }]);
    const deltas = events.filter(({ type }) => type === 'response.reasoning_summary_text.delta');
    expect(deltas).toMatchObject([
      { output_index: 0, summary_index: 0, delta: 'first' },
      { output_index: 0, summary_index: 1, delta: 'second' },
    ]);
    expect(usage).toMatchObject({ output_tokens_details: { reasoning_tokens: 3 } });
    const without = await respond(url, [user(thinking)]);
    expect(without.items).toMatchObject([{ type: 'reasoning', summary: [] }, { type: 'message' }]);
  });

  it('has the argument events of a call', async () => {
    const { url } = await start();
    const { events, items } = await respond(url, [user('run: ls')]);
    const { id, arguments: whole } = items[0] as { id: string; arguments: string } & WireItem;
    const of = (type: string) => events.filter((event) => event.type === type);
    expect(of('response.output_item.added')).toMatchObject([{ output_index: 0, item: { id, arguments: '' } }]);
    const deltas = of('response.function_call_arguments.delta').map(({ delta }) => delta as string);
    expect(deltas.join('')).toBe(whole);
    expect(of('response.function_call_arguments.done')).toMatchObject([{ item_id: id, arguments: whole }]);
  });

  it('counts as cached what the request before had, too', async () => {
    const { url } = await start();
    const first = user(`say: ok\n${'x'.repeat(8000)}`);
    const cachedOf = ({ usage }: Awaited<ReturnType<typeof respond>>) =>
      (usage!['input_tokens_details'] as { cached_tokens: number }).cached_tokens;
    expect(cachedOf(await respond(url, [first]))).toBe(0);
    const second = await respond(url, [first, assistant('ok'), user('say: ok')]);
    expect(cachedOf(second)).toBeGreaterThan(2000);
    expect(cachedOf(second)).toBeLessThan(Number(second.usage!['input_tokens']));
    expect(cachedOf(await respond(url, [user('say: other')]))).toBeLessThan(50);
  });

  it('gives the same in one piece to a client that does not stream', async () => {
    const { url } = await start();
    const response = await send(url, { input: 'say: in one piece' });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      status: 'completed',
      output: [{ type: 'message', content: [{ text: `in one piece\n\n${SIGNATURE}` }] }],
      usage: { output_tokens_details: { reasoning_tokens: 0 } },
    });
  });

  it('lists a model, says what the server is, and has nothing else', async () => {
    const { url } = await start();
    const get = async (path: string) => (await fetch(`${url}${path}`)).json();
    expect(await get('/v1/models')).toMatchObject({
      object: 'list',
      data: [{ object: 'model', owned_by: SERVER_NAME }],
    });
    expect(await get('/')).toEqual({ name: SERVER_NAME });
    expect((await fetch(`${url}/v1/chat/completions`)).status).toBe(404);
  });

  it.each([
    ['a body that is no JSON', '{'],
    ['a body that is no object', '[]'],
    ['no input', {}],
    ['an item that is no object', { input: [1] }],
    ['a call without output', { input: [user('run: a'), { type: 'function_call', call_id: 'c', name: 'x' }] }],
    ['an output without call', { input: [user('run: a'), { type: 'function_call_output', call_id: 'c', output: '' }] }],
    ['a call without id', { input: [{ type: 'function_call', name: 'x' }] }],
    ['an id of a response that nobody kept', { input: 'hi', previous_response_id: 'resp_1' }],
  ])('refuses %s with 400', async (_, body) => {
    const server = await start();
    const response = await send(server.url, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect(server.requests.map(({ status }) => status)).toEqual([400]);
  });

  it('is understood by the AI SDK, tools and usage included', async () => {
    const { url } = await start();
    const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const inputSchema = jsonSchema({ type: 'object', properties: { cmd: { type: 'string' } } });
    const exec = dynamicTool({ description: 'runs', inputSchema, execute: () => Promise.resolve('') });
    const model = provider.responses('test-model');
    const calling = streamText({ model, prompt: 'say: wait\nrun: ls', tools: { exec_command: exec } });
    expect(await calling.toolCalls).toMatchObject([{ toolName: 'exec_command', input: { cmd: 'ls' } }]);
    const saying = streamText({ model, prompt: 'say: hello' });
    expect(await saying.text).toBe(`hello\n\n${SIGNATURE}`);
    expect((await saying.usage).outputTokens).toBeGreaterThan(5);
  });

  it('begins after the latency that was asked for', async () => {
    const { url } = await start({ latencyMs: 60 });
    const begun = performance.now();
    await send(url, { input: 'say: hi' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(59);
  });
});

describe('a client that leaves', () => {
  it('stops its stream at once, and that is noted', async () => {
    const server = await start();
    const leaving = new AbortController();
    const body = { stream: true, input: [user('stream: 1000 50')] };
    const response = await send(server.url, body, { signal: leaving.signal });
    const reader = response.body!.getReader();
    await reader.read();
    leaving.abort();
    await expect(reader.read()).rejects.toThrow();
    const noted = await server.waitForRequest((request) => request.closedByClient);
    expect(noted.status).toBe(200);
  });

  it('ends the wait for the next event at once', async () => {
    const leaving = new AbortController();
    const written: string[] = [];
    const response = { writeHead: () => response, write: (text: string) => written.push(text) > 0 };
    const events = [0, 60_000].map((gapMs) => ({ gapMs, event: { type: 'response.created' } }));
    const sending = sendEvents(response as unknown as ServerResponse, events, undefined, leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(sending).rejects.toThrow('gone');
    expect(written).toHaveLength(1);
  });

  it('is told from a stream that was cut and from a server that closes', async () => {
    const server = await start();
    await respond(server.url, [user('cut: 2')]);
    const hanging = send(server.url, { input: 'hang:' });
    await server.waitForRequest(({ body }) => JSON.stringify(body).includes('hang'));
    await Promise.all([server.close(), expect(hanging).rejects.toThrow()]);
    expect(server.requests.map(({ closedByClient }) => closedByClient)).toEqual([false, false]);
  });
});

describe('the record of requests', () => {
  it('holds what was asked, with no credential in it', async () => {
    const server = await start();
    const token = Buffer.from(
      JSON.stringify({ agent_runtime_id: 'runtime-1', signature: 'SIGNATURE', task_id: 'task-1', timestamp: 'T' }),
    ).toString('base64url');
    const headers = { authorization: `AgentAssertion ${token}`, 'x-api-key': 'SECRET', 'x-other': 'kept' };
    await send(server.url, { input: 'say: hi' }, { headers });
    await send(server.url, { input: 'say: hi' }, { headers: { authorization: 'Bearer SECRET' } });
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/responses',
        headers: { authorization: 'AgentAssertion', 'x-api-key': 'removed', 'x-other': 'kept' },
        assertion: { agent_runtime_id: 'runtime-1', task_id: 'task-1' },
        body: { input: 'say: hi' },
        status: 200,
        closedByClient: false,
      },
      { headers: { authorization: 'Bearer' }, assertion: undefined },
    ]);
    expect(JSON.stringify(server.requests)).not.toMatch(/SIGNATURE|SECRET/);
  });

  it('is bounded in bytes, and keeps the newest', async () => {
    const server = await start();
    const big = 'x'.repeat(9 * 1024 * 1024);
    for (let count = 1; count <= 5; count += 1) await send(server.url, { input: `say: ${count}\n${big}` });
    const kept = server.requests.map(({ body }) => (body as { input: string }).input.slice(0, 6));
    expect(kept).toEqual(['say: 3', 'say: 4', 'say: 5']);
  });

  it('rejects who waits for a request when the server closes', async () => {
    const server = await start();
    const waiting = server.waitForRequest(() => false);
    await Promise.all([server.close(), expect(waiting).rejects.toThrow('closed')]);
  });
});

it('says plainly that its port is in use', async () => {
  const { port } = await start();
  await expect(startModelServer({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: the port is in use`);
});
