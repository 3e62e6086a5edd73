import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../activities/failures.ts';
import type { ConversationEntry, ModelOutput } from '../../../activities/ports.ts';
import { createAiSdkModel } from './ai-sdk.ts';
import { MAX_ENTRY_BYTES } from './answer-limits.ts';
import {
  aRequest,
  anIo,
  beginStream,
  completed,
  createLatch,
  failureOf,
  itemDone,
  messageItem,
  onCut,
  sendEvents,
  sendJson,
  startEndpoint,
} from './test-endpoint.ts';
import type { Answerer } from './test-endpoint.ts';

const KEY = 'sk-very-secret-0123456789';
const parameters = {
  type: 'object',
  properties: { command: { type: 'string' } },
  required: ['command'],
  additionalProperties: false,
};
const tools = [{ name: 'exec_command', description: 'Runs a command', parameters }];

/** Chunks of a chat-completions stream. */
function sendChunks(response: ServerResponse, choices: object[], usage?: object): void {
  beginStream(response);
  const chunk = (rest: object) => `data: ${JSON.stringify({ id: 'chat_1', model: 'm', created: 1, ...rest })}\n\n`;
  for (const choice of choices) response.write(chunk({ choices: [{ index: 0, ...choice }] }));
  if (usage !== undefined) response.write(chunk({ choices: [], usage }));
  response.end('data: [DONE]\n\n');
}

const said = (content: string) => ({ delta: { content } });
const stopped = { delta: {}, finish_reason: 'stop' };

function compatible(url: string) {
  return createAiSdkModel({ BOBBIN_MODEL_BASE_URL: url, BOBBIN_MODEL_API_KEY: KEY }, { idleTimeoutMs: 2000 });
}

function asHistory(output: ModelOutput[]): ConversationEntry[] {
  return output.map((entry) => (entry.type === 'message' ? { ...entry, role: 'assistant' } : entry));
}

const compatibleRequest = (conversation?: ConversationEntry[]) =>
  aRequest({ model: 'openai-compatible/org/m', tools, ...(conversation === undefined ? {} : { conversation }) });

describe('Over the chat-completions wire', () => {
  test('Text, reasoning, tool calls and usage come back in order, and text arrives in pieces', async () => {
    await using endpoint = await startEndpoint((response) => {
      const call = (index: number, id: string | undefined, args: string) => ({
        delta: { tool_calls: [{ index, ...(id ? { id, type: 'function' } : {}), function: toFunction(id, args) }] },
      });
      const toFunction = (id: string | undefined, args: string) => ({
        ...(id === undefined ? {} : { name: 'exec_command' }),
        arguments: args,
      });
      sendChunks(
        response,
        [
          { delta: { reasoning_content: 'Let me ' } },
          { delta: { reasoning_content: 'look.' } },
          said('I will '),
          said('look.'),
          call(0, 'call_1', '{"command": '),
          call(0, undefined, '"ls"}'),
          call(1, 'call_2', '{"command":"pwd"}'),
          { delta: {}, finish_reason: 'tool_calls' },
        ],
        {
          prompt_tokens: 100,
          completion_tokens: 20,
          total_tokens: 120,
          prompt_tokens_details: { cached_tokens: 80 },
          completion_tokens_details: { reasoning_tokens: 5 },
        },
      );
    });
    const io = anIo();
    const response = await compatible(endpoint.url).respond(compatibleRequest(), io);
    expect(response).toStrictEqual({
      responseId: 'chat_1',
      output: [
        {
          type: 'reasoning',
          summary: ['Let me look.'],
          encryptedContent: 'ai-sdk:{"provider":"openai-compatible","metadata":{}}',
        },
        { type: 'message', text: 'I will look.' },
        { type: 'toolCall', callId: 'call_1', name: 'exec_command', arguments: '{"command": "ls"}' },
        { type: 'toolCall', callId: 'call_2', name: 'exec_command', arguments: '{"command":"pwd"}' },
      ],
      usage: {
        inputTokens: 100,
        cachedInputTokens: 80,
        outputTokens: 20,
        reasoningOutputTokens: 5,
        totalTokens: 120,
      },
    });
    expect(io.pieces).toStrictEqual(['I will ', 'look.']);
  });

  test('The conversation is sent with each output after its call, and the key as a bearer', async () => {
    await using endpoint = await startEndpoint((response) => sendChunks(response, [said('Ok'), stopped]));
    await compatible(endpoint.url).respond(
      compatibleRequest([
        { type: 'message', role: 'user', text: 'List' },
        { type: 'reasoning', summary: ['Sealed for another provider'], encryptedContent: 'sealed' },
        {
          type: 'reasoning',
          summary: ['Looking'],
          encryptedContent: 'ai-sdk:{"provider":"openai-compatible","metadata":{}}',
        },
        { type: 'message', role: 'assistant', text: 'I look.' },
        { type: 'toolCall', callId: 'c1', name: 'exec_command', arguments: '{"command":"ls"}' },
        { type: 'toolCall', callId: 'c2', name: 'exec_command', arguments: 'not json' },
        { type: 'toolOutput', callId: 'c1', name: 'exec_command', output: 'a.txt' },
        { type: 'message', role: 'user', text: 'Stop' },
        { type: 'toolOutput', callId: 'c0', name: 'exec_command', output: 'of no call' },
      ]),
      anIo(),
    );
    const call = (id: string, args: string) => ({
      id,
      type: 'function',
      function: { name: 'exec_command', arguments: args },
    });
    expect(endpoint.received[0]).toMatchObject({ path: '/v1/chat/completions' });
    expect(endpoint.received[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(endpoint.received[0]!.body).toStrictEqual({
      model: 'org/m',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'List' },
        {
          role: 'assistant',
          content: 'I look.',
          reasoning_content: 'Looking',
          tool_calls: [call('c1', '{"command":"ls"}'), call('c2', '{"arguments":"not json"}')],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'a.txt' },
        { role: 'tool', tool_call_id: 'c2', content: 'No output of this call was recorded.' },
        { role: 'user', content: 'Stop' },
      ],
      tools: [{ type: 'function', function: { name: 'exec_command', description: 'Runs a command', parameters } }],
      tool_choice: 'auto',
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('An assertion replaces the key, and parallel calls are switched off where asked', async () => {
    await using endpoint = await startEndpoint((response) => sendChunks(response, [said('Ok'), stopped]));
    const request = { ...compatibleRequest(), authorization: 'AgentAssertion abc', parallelToolCalls: false };
    await compatible(endpoint.url).respond(request, anIo());
    expect(endpoint.received[0]!.headers.authorization).toBe('AgentAssertion abc');
    expect(endpoint.received[0]!.body).toMatchObject({ parallel_tool_calls: false });
  });

  test('A call of a tool nobody offered, and arguments that are no JSON, are passed on as they are', async () => {
    await using endpoint = await startEndpoint((response) =>
      sendChunks(response, [
        { delta: { tool_calls: [{ index: 0, id: 'c1', function: { name: 'unknown', arguments: '{"x":1}' } }] } },
        { delta: { tool_calls: [{ index: 1, id: 'c2', function: { name: 'exec_command', arguments: '{oops' } }] } },
        { delta: {}, finish_reason: 'tool_calls' },
      ]),
    );
    const { output } = await compatible(endpoint.url).respond(compatibleRequest(), anIo());
    expect(output).toStrictEqual([
      { type: 'toolCall', callId: 'c1', name: 'unknown', arguments: '{"x":1}' },
      { type: 'toolCall', callId: 'c2', name: 'exec_command', arguments: '{oops' },
    ]);
  });

  test('An answer stopped at its limit returns its text; with none it is a bad request with the reason', async () => {
    const length = { delta: {}, finish_reason: 'length' };
    const cutCall = {
      delta: { tool_calls: [{ index: 0, id: 'c', function: { name: 'exec_command', arguments: '{"c' } }] },
    };
    await using talkative = await startEndpoint((response) => sendChunks(response, [said('As far'), cutCall, length]));
    const { output } = await compatible(talkative.url).respond(compatibleRequest(), anIo());
    expect(output).toStrictEqual([{ type: 'message', text: 'As far' }]);
    await using silent = await startEndpoint((response) => sendChunks(response, [length]));
    const failure = await failureOf(compatible(silent.url).respond(compatibleRequest(), anIo()));
    expect(failure.code).toBe('modelBadRequest');
    expect(failure.details.reason).toBe('length');
  });

  const failures: [name: string, answer: Answerer, code: FailureCode][] = [
    ['401', (response) => sendJson(response, 401, { error: { message: 'No' } }), 'modelUnauthorized'],
    [
      '401 of the assertion',
      (response) => sendJson(response, 401, { error: { message: 'Old', code: 'agent_task_expired' } }),
      'agentAssertionRejected',
    ],
    ['404', (response) => sendJson(response, 404, { error: { message: 'No' } }), 'modelNotFound'],
    [
      '400 for length',
      (response) => sendJson(response, 400, { error: { message: 'Long', code: 'context_length_exceeded' } }),
      'contextWindowExceeded',
    ],
    ['400', (response) => sendJson(response, 400, { error: { message: 'No' } }), 'modelBadRequest'],
    ['413', (response) => sendJson(response, 413, 'no'), 'contextWindowExceeded'],
    ['429', (response) => sendJson(response, 429, 'slow', { 'retry-after': '2' }), 'modelRateLimited'],
    [
      '429 of the quota',
      (response) => sendJson(response, 429, { error: { message: 'Pay', code: 'insufficient_quota' } }),
      'usageLimitExceeded',
    ],
    ['500', (response) => sendJson(response, 500, 'oops', { 'retry-after': '2' }), 'modelServerError'],
    [
      'a redirect',
      (response) => sendJson(response, 307, '', { location: 'http://127.0.0.1:9/elsewhere' }),
      'modelBadRequest',
    ],
    ['a stream without a reason for its end', (response) => sendChunks(response, [said('Hel')]), 'modelStreamBroken'],
    [
      'a connection cut in the stream',
      (response) => {
        beginStream(response);
        response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n', () => response.destroy());
      },
      'modelStreamBroken',
    ],
    ['a connection cut before the answer', (response) => response.destroy(), 'modelUnreachable'],
    [
      'garbage in the stream',
      (response) => response.setHeader('content-type', 'text/event-stream').end('data: {oops\n\n'),
      'modelAnswerMalformed',
    ],
    [
      'an error in the stream',
      (response) => {
        beginStream(response);
        response.end('data: {"error":{"message":"Slow down","code":"rate_limit_exceeded"}}\n\n');
      },
      'modelRateLimited',
    ],
    [
      'a text without end',
      (response) => sendChunks(response, [said('x'.repeat(MAX_ENTRY_BYTES)), said('x'), stopped]),
      'modelAnswerMalformed',
    ],
  ];
  test.each(failures)('%s is a failure from one request', async (_name, answer, code) => {
    await using endpoint = await startEndpoint(answer);
    const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(`Model openai-compatible/org/m at ${endpoint.url}`);
    expect(endpoint.received.length).toBe(1);
    if (_name === '429' || _name === '500') expect(failure.retryAfterMs).toBe(2000);
  });

  test('An endpoint that is not there is unreachable, with the reason', async () => {
    const endpoint = await startEndpoint(() => undefined);
    await endpoint[Symbol.asyncDispose]();
    const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
    expect(failure.code).toBe('modelUnreachable');
    expect(failure.message).toContain('ECONNREFUSED');
  });

  test('Silence ends the call as broken and closes the connection', async () => {
    const cut = createLatch();
    await using endpoint = await startEndpoint((response) => {
      onCut(response, cut.open);
      beginStream(response);
      response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
    });
    const model = createAiSdkModel({ BOBBIN_MODEL_BASE_URL: endpoint.url }, { idleTimeoutMs: 150 });
    const failure = await failureOf(model.respond(compatibleRequest(), anIo()));
    expect(failure.code).toBe('modelStreamBroken');
    expect(failure.message).toContain('150 ms');
    await cut.opened;
  });

  test('Aborting rejects with exactly the reason, and the server sees the connection close', async () => {
    for (const speaks of [true, false]) {
      const cut = createLatch();
      const controller = new AbortController();
      const reason = { because: 'the turn was interrupted' };
      await using endpoint = await startEndpoint((response) => {
        onCut(response, cut.open);
        if (!speaks) {
          controller.abort(reason);
          return;
        }
        beginStream(response);
        response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
      });
      const call = compatible(endpoint.url).respond(compatibleRequest(), {
        signal: controller.signal,
        onText: () => controller.abort(reason),
      });
      await expect(call).rejects.toBe(reason);
      await cut.opened;
    }
  });

  test('An error thrown by onText ends the call with that error and closes the connection', async () => {
    const cut = createLatch();
    await using endpoint = await startEndpoint((response) => {
      onCut(response, cut.open);
      beginStream(response);
      response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
    });
    const broken = new Error('The reader is broken');
    const onText = () => {
      throw broken;
    };
    const call = compatible(endpoint.url).respond(compatibleRequest(), { ...anIo(), onText });
    await expect(call).rejects.toBe(broken);
    await cut.opened;
  });

  test('No failure shows the key, also where the endpoint repeats it', async () => {
    const echo = `Your key ${KEY} is wrong`;
    const leaks: Answerer[] = [
      (response) => sendJson(response, 401, { error: { message: echo, code: KEY } }),
      (response) => sendJson(response, 500, echo),
      (response) => response.setHeader('content-type', 'text/event-stream').end(`data: ${echo}\n\n`),
      (response) =>
        response.setHeader('content-type', 'text/event-stream').end(`data: {"error":{"message":"${echo}"}}\n\n`),
    ];
    for (const leak of leaks) {
      await using endpoint = await startEndpoint(leak);
      const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
      expect(failure.message).toContain('[redacted]');
      expect(`${failure.message} ${JSON.stringify(failure.details)} ${String(failure.cause)}`).not.toContain(KEY);
    }
  });
});

describe('Over the wire of a provider', () => {
  test('Anthropic: a signed thought comes back with its signature in the next request', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, anthropicEvents));
    const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
    const request = aRequest({ model: 'anthropic/claude-test', tools, authorization: 'AgentAssertion abc' });
    const first = await model.respond(request, anIo());
    expect(first.output).toMatchObject([
      { type: 'reasoning', summary: ['I should look.'] },
      { type: 'toolCall', callId: 'toolu_1', name: 'exec_command', arguments: '{"command":"ls"}' },
    ]);
    expect(first.usage).toMatchObject({ inputTokens: 150, cachedInputTokens: 50, outputTokens: 20, totalTokens: 170 });
    const output: ConversationEntry = { type: 'toolOutput', callId: 'toolu_1', name: 'exec_command', output: 'a.txt' };
    await model.respond(
      { ...request, conversation: [...request.conversation, ...asHistory(first.output), output] },
      anIo(),
    );
    expect(endpoint.received[0]!.headers).toMatchObject({ 'x-api-key': KEY });
    expect(endpoint.received[0]!.headers.authorization).toBeUndefined();
    expect(endpoint.received[1]!.body).toMatchObject({
      cache_control: { type: 'ephemeral' },
      messages: [
        { role: 'user' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'I should look.', signature: 'signed-by-them' },
            { type: 'tool_use', id: 'toolu_1', input: { command: 'ls' } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a.txt' }] },
      ],
    });
  });

  test('Anthropic: a cut stream is broken, an overload is a server error, an overlong prompt is the context window', async () => {
    const cases: [answer: Answerer, code: FailureCode][] = [
      [(response) => sendEvents(response, anthropicEvents.slice(0, 5)), 'modelStreamBroken'],
      [
        (response) => sendJson(response, 529, { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }),
        'modelServerError',
      ],
      [
        (response) =>
          sendJson(response, 400, {
            type: 'error',
            error: { type: 'invalid_request_error', message: 'prompt is too long: 9 tokens > 8 maximum' },
          }),
        'contextWindowExceeded',
      ],
    ];
    for (const [answer, code] of cases) {
      await using endpoint = await startEndpoint(answer);
      const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
      expect((await failureOf(model.respond(aRequest({ model: 'anthropic/claude-test' }), anIo()))).code).toBe(code);
    }
  });

  test('Google: the signature of a tool call comes back with that call', async () => {
    const part = { functionCall: { name: 'exec_command', args: { command: 'ls' } }, thoughtSignature: 'signed-call' };
    const chunk = {
      candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    };
    await using endpoint = await startEndpoint((response) => {
      beginStream(response);
      response.end(`data: ${JSON.stringify(chunk)}\n\n`);
    });
    const env = { GOOGLE_GENERATIVE_AI_API_KEY: KEY, GOOGLE_GENERATIVE_AI_BASE_URL: endpoint.url };
    const model = createAiSdkModel(env);
    const request = aRequest({ model: 'google/gemini-3-test', tools });
    const first = await model.respond(request, anIo());
    expect(first.output.map(({ type }) => type)).toStrictEqual(['reasoning', 'toolCall']);
    await model.respond({ ...request, conversation: [...request.conversation, ...asHistory(first.output)] }, anIo());
    expect(endpoint.received[1]!.body).toMatchObject({ contents: [{ role: 'user' }, { parts: [part] }, {}] });
  });

  test('OpenAI: nothing is stored there, and calls of one thread share a cache key', async () => {
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [
        { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: 'm' } },
        { type: 'response.output_item.added', output_index: 0, item: { ...messageItem(''), id: 'msg_1' } },
        { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, delta: 'Hello' },
        itemDone({ ...messageItem('Hello'), id: 'msg_1' }),
        completed({ usage: { input_tokens: 3, output_tokens: 2 } }),
      ]),
    );
    const model = createAiSdkModel({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: endpoint.url });
    const { output } = await model.respond(aRequest({ model: 'openai/gpt-test' }), anIo());
    expect(output).toStrictEqual([{ type: 'message', text: 'Hello' }]);
    expect(endpoint.received[0]!.body).toMatchObject({ model: 'gpt-test', store: false, prompt_cache_key: 'thread-1' });
  });
});

const anthropicEvents = [
  {
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-test',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 100, cache_read_input_tokens: 50, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'I should look.' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'signed-by-them' } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'content_block_start',
    index: 1,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'exec_command', input: {} },
  },
  { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"command":' } },
  { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"ls"}' } },
  { type: 'content_block_stop', index: 1 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 20 } },
  { type: 'message_stop' },
];
