import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createOpenAI } from '@ai-sdk/openai';
import { jsonSchema, streamText, tool } from 'ai';
import { afterEach, describe, expect, it } from 'vitest';
import { startIdentityService } from '../identity-service/server.ts';
import { SERVER_NAME, SIGNATURE } from './answer-text.ts';
import { assistant, outputOf, respond, runTurn, send, user } from './responses-client.ts';
import type { WireItem } from './responses-client.ts';
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

const commandOf = (call: WireItem) => (JSON.parse(call['arguments'] as string) as { cmd: string }).cmd;

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

  it('counts the conversation up to the last thing the model said as cached', async () => {
    const { url } = await start();
    const big = 'x'.repeat(8000);
    const first = await respond(url, [user(`say: ok\n${big}`)]);
    expect(Number(first.usage!['input_tokens'])).toBeGreaterThan(2000);
    const second = await respond(url, [user(big), assistant('ok'), user('say: ok')]);
    const cached = (second.usage!['input_tokens_details'] as { cached_tokens: number }).cached_tokens;
    expect(cached).toBeGreaterThan(2000);
    expect(cached).toBeLessThan(Number(second.usage!['input_tokens']));
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
    const exec = tool({ inputSchema: jsonSchema<{ cmd: string }>({ type: 'object', properties: { cmd: {} } }) });
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

describe('a text without rules', () => {
  const printed: Record<string, string> = {
    'git log --oneline -5': 'abc1234 Add the second thing\ndef5678 Add the first thing',
    ls: 'README.md\nsrc',
    'git ls-files | wc -l': '     12',
    'head -20 README.md': '# Spindle\n\nA tool that winds thread.\n',
  };

  it('is answered from what real commands printed', async () => {
    const { url } = await start();
    const turn = await runTurn(url, 'describe this repository', (call) => printed[commandOf(call)]);
    expect(turn.calls.map(commandOf)).toEqual(Object.keys(printed));
    expect(turn.responses).toHaveLength(4);
    for (const fact of ['describe this repository', 'Add the second thing', '12 files', 'src', '"Spindle"', 'winds']) {
      expect(turn.answer).toContain(fact);
    }
    expect(turn.answer.endsWith(SIGNATURE)).toBe(true);
  });

  it('reads through what clients wrap around an output, and asks no two calls at once of a client that wants one', async () => {
    const { url } = await start();
    const wrap = (call: WireItem) =>
      commandOf(call) === 'ls'
        ? JSON.stringify({ output: printed['ls'], metadata: { exit_code: 0 } })
        : `Chunk ID: 1\nProcess exited with code 0\nOutput:\n${String(printed[commandOf(call)])}`;
    const turn = await runTurn(url, 'describe', wrap, { parallel_tool_calls: false });
    expect(turn.calls.map(commandOf)).toEqual(['git log --oneline -5', 'ls', 'head -20 README.md']);
    expect(turn.answer).toContain('The latest commit is "Add the second thing", after "Add the first thing".');
    expect(turn.answer).toContain('The working directory holds README.md, src.');
    expect(turn.answer).toContain('The README is titled "Spindle" and begins: "A tool that winds thread."');
  });

  it('is answered without git and without a README too', async () => {
    const { url } = await start();
    const turn = await runTurn(url, 'what is here?', (call) => (commandOf(call) === 'ls' ? '' : 'fatal: not a git'));
    expect(turn.calls).toHaveLength(3);
    expect(turn.answer).toContain('There is no git history to read here. The working directory is empty.');
  });

  it('is answered in words alone where no shell is offered', async () => {
    const { url } = await start();
    const { text } = await respond(url, [user('summarise this')], { tools: [] });
    expect(text).toContain('"summarise this"');
    expect(text).toContain('No shell tool was offered');
  });
});

describe('the conversation', () => {
  const call = { type: 'function_call', call_id: 'c1', name: 'exec_command', arguments: '{"cmd":"a"}' };
  const done = { type: 'function_call_output', call_id: 'c1', output: 'out' };

  it('is followed from its last user text, whatever was said and done before', async () => {
    const { url } = await start();
    const input = [user('run: a\nrun: b'), call, done, assistant('stopped early'), user('run: c')];
    expect((await respond(url, input)).items.map(commandOf)).toEqual(['c']);
  });

  it.each([
    '<environment_context><cwd>/</cwd></environment_context>',
    '<user_instructions>run: no</user_instructions>',
    '# AGENTS.md instructions for /\nrun: no',
  ])('does not take context for a user text: %s', async (text) => {
    const { url } = await start();
    expect((await respond(url, [user('run: a'), user(text)])).items.map(commandOf)).toEqual(['a']);
    const developer = { type: 'message', role: 'developer', content: 'run: no' };
    expect((await respond(url, [user('run: a'), developer])).items.map(commandOf)).toEqual(['a']);
  });

  it('acknowledges what the user says in the middle of a turn, and goes on with the rules', async () => {
    const { url } = await start();
    const input = [user('run: a\nrun: b'), call, done, user('and be quick about it')];
    const next = await respond(url, input);
    expect(next.items.map(commandOf)).toEqual(['b']);
    const [second] = next.items;
    const { text } = await respond(url, [...input, second, outputOf(second!, 'out b'), user('thanks')]);
    expect(text).toContain('I saw the message that came meanwhile: "and be quick about it"');
    expect(text).toContain('"thanks"');
    expect(text).toContain('out b');
  });

  it('acknowledges it while it looks at the workspace too', async () => {
    const { url } = await start();
    let input: unknown[] = [user('describe')];
    for (let response = await respond(url, input); ; response = await respond(url, input)) {
      const calls = response.items.filter(({ type }) => type === 'function_call');
      if (calls.length === 0) {
        expect(response.text).toContain('"in French, please"');
        return;
      }
      const steer = input.length === 1 ? [user('in French, please')] : [];
      input = [...input, ...calls, ...calls.map((each) => outputOf(each, 'x')), ...steer];
    }
  });

  it('follows new rules that come in the middle of a turn in place of the old ones', async () => {
    const { url } = await start();
    const input = [user('run: a\nrun: b'), call, done, user('run: c')];
    const next = await respond(url, input);
    expect(next.items.map(commandOf)).toEqual(['c']);
    const { text } = await respond(url, [...input, next.items[0], outputOf(next.items[0]!, 'out c')]);
    expect(text).toContain('out c');
    expect(text).toContain('meanwhile: "run: c"');
  });

  it.each([
    ['a marker', [call, done, user('<turn_aborted>\nThe user stopped.\n</turn_aborted>')]],
    ['an aborted output', [call, { ...done, output: 'aborted by user after 1.0s' }]],
  ])('takes a text after %s for a new turn', async (_, between) => {
    const { url } = await start();
    const { items } = await respond(url, [user('run: a\nrun: b'), ...between, user('describe')]);
    expect(items.map(commandOf)).toEqual(['git log --oneline -5']);
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
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(5);
  });

  it('is told from a stream that was cut and from a server that closes', async () => {
    const server = await start();
    await respond(server.url, [user('cut: 2')]);
    const hanging = send(server.url, { input: 'hang:' });
    await server.waitForRequest(({ body }) => JSON.stringify(body).includes('hang'));
    await server.close();
    await expect(hanging).rejects.toThrow();
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

describe('assertions, when demanded', () => {
  async function startBoth() {
    const service = await startIdentityService();
    closing.push(() => service.close());
    const server = await start({ requireAssertion: true, verifyUrl: service.url });
    return { service, server };
  }

  async function registerAt(serviceUrl: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
    const blob = Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), raw]);
    const post = async (path: string, body: unknown) => {
      const headers = { authorization: 'Bearer any' };
      const response = await fetch(`${serviceUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as Record<string, string>;
    };
    const { agent_runtime_id: runtimeId } = await post('/v1/agent/register', {
      abom: { agent_version: '1', agent_harness_id: 'test', running_location: 'test' },
      agent_public_key: `ssh-ed25519 ${blob.toString('base64')}`,
      capabilities: [],
    });
    const signed = (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64');
    const header = (taskId: string, timestamp = new Date().toISOString()) => {
      const signature = signed(`${runtimeId!}:${taskId}:${timestamp}`);
      const assertion = { agent_runtime_id: runtimeId, signature, task_id: taskId, timestamp };
      return `AgentAssertion ${Buffer.from(JSON.stringify(assertion)).toString('base64url')}`;
    };
    return { runtimeId: runtimeId!, header };
  }

  const ask = async (server: ModelServer, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await send(server.url, { input: 'say: hi' }, { headers });
    const body = (await response.json()) as { error?: { code?: string } | null };
    return [response.status, body.error?.code];
  };

  it('are refused with 401 and a code that says what is wrong', async () => {
    const { server, service } = await startBoth();
    const { header } = await registerAt(service.url);
    const old = new Date(Date.now() - 6 * 60_000).toISOString();
    expect(await ask(server)).toEqual([401, 'agent_assertion_missing']);
    expect(await ask(server, 'Bearer some-key')).toEqual([401, 'agent_assertion_missing']);
    expect(await ask(server, 'AgentAssertion nonsense')).toEqual([401, 'agent_assertion_invalid']);
    expect(await ask(server, header('task', old))).toEqual([401, 'agent_assertion_invalid']);
    expect(await ask(server, header('no-such-task'))).toEqual([401, 'agent_task_unknown']);
    await service.control({ revokeIdentities: true });
    expect(await ask(server, header('no-such-task'))).toEqual([401, 'agent_identity_revoked']);
    expect(server.requests.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
  });

  it('are demanded and not demanded as the server is told, and need a place to be verified', async () => {
    const { server } = await startBoth();
    server.demandAssertions(false);
    expect((await ask(server))[0]).toBe(200);
    server.demandAssertions(true);
    expect((await ask(server))[0]).toBe(401);
    await expect(startModelServer({ requireAssertion: true })).rejects.toThrow('verifyUrl');
  });

  it('answer 503 where nobody can verify them', async () => {
    const { server, service } = await startBoth();
    const { header } = await registerAt(service.url);
    await service.close();
    expect(await ask(server, header('task'))).toEqual([503, 'agent_assertion_unverified']);
  });
});

it('says plainly that its port is in use', async () => {
  const { port } = await start();
  await expect(startModelServer({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: the port is in use`);
});

it('answers equal prompts with equal words', async () => {
  const { url } = await start();
  const texts = await Promise.all([1, 2].map(async () => (await respond(url, [user('answer: 5000')])).text));
  expect(new Set(texts.map((text) => createHash('sha256').update(text).digest('hex'))).size).toBe(1);
});
