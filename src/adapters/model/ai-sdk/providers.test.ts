import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../../activities/failures.ts';
import type { ConversationEntry, ModelOutput } from '../../../../activities/ports.ts';
import { createAiSdkModel } from './ai-sdk.ts';
import {
  anIo,
  aRequest,
  beginStream,
  completed,
  failureOf,
  itemDone,
  messageItem,
  sendEvents,
  sendJson,
  startEndpoint,
} from '../responses/test-endpoint.ts';
import type { Answerer } from '../responses/test-endpoint.ts';
import { KEY, tools } from './test-chat.ts';

function asHistory(output: ModelOutput[]): ConversationEntry[] {
  return output.map((entry) => (entry.type === 'message' ? { ...entry, role: 'assistant' } : entry));
}

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

  test('Anthropic: a thought that nothing followed is not sent, since no answer may end with one', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, anthropicEvents));
    const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
    const request = aRequest({ model: 'anthropic/claude-test', tools });
    const [thought] = asHistory((await model.respond(request, anIo())).output);
    const said: ConversationEntry = { type: 'message', role: 'assistant', text: 'I have looked.' };
    const asked: ConversationEntry = { type: 'message', role: 'user', text: 'And?' };
    const past = [...request.conversation, thought!, said, thought!, asked, thought!, asked];
    await model.respond({ ...request, conversation: past }, anIo());
    const { messages } = endpoint.received[1]!.body as { messages: { role: string; content: { type: string }[] }[] };
    const answers = messages.filter(({ role }) => role === 'assistant');
    expect(answers.map(({ content }) => content.map(({ type }) => type))).toEqual([['thinking', 'text']]);
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
    expect(endpoint.received[1]!.body).toMatchObject({
      contents: [{ role: 'user' }, { parts: [part] }, {}],
      tools: [{ functionDeclarations: [{ name: 'exec_command', parametersJsonSchema: tools[0]!.parameters }] }],
    });
  });

  test.each([
    ['MALFORMED_FUNCTION_CALL', 'modelServerError'],
    ['UNEXPECTED_TOOL_CALL', 'modelStreamBroken'],
    ['STOP', 'modelAnswerMalformed'],
  ])('Google: an answer without content that ended with %s fails with %s', async (finishReason, code) => {
    await using endpoint = await startEndpoint((response) => {
      beginStream(response);
      response.end(`data: ${JSON.stringify({ candidates: [{ content: {}, finishReason, index: 0 }] })}\n\n`);
    });
    const env = { GOOGLE_GENERATIVE_AI_API_KEY: KEY, GOOGLE_GENERATIVE_AI_BASE_URL: endpoint.url };
    const call = createAiSdkModel(env).respond(aRequest({ model: 'google/gemini-test', tools }), anIo());
    const failure = await failureOf(call);
    expect(failure.code).toBe(code);
    if (finishReason !== 'STOP') expect(failure.message).toContain(finishReason);
  });

  test('Anthropic: a window that was full before anything was said is too small for the conversation', async () => {
    const delta = { stop_reason: 'model_context_window_exceeded' };
    const end = { type: 'message_delta', delta, usage: { output_tokens: 0 } };
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [anthropicEvents[0]!, end, { type: 'message_stop' }]),
    );
    const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
    const failure = await failureOf(model.respond(aRequest({ model: 'anthropic/claude-test' }), anIo()));
    expect(failure.code).toBe('contextWindowExceeded');
  });

  test('Anthropic: Claude may end its turn without a word', async () => {
    const end = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } };
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [anthropicEvents[0]!, end, { type: 'message_stop' }]),
    );
    const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
    expect((await model.respond(aRequest({ model: 'anthropic/claude-test' }), anIo())).output).toStrictEqual([]);
  });

  test('Anthropic: an answer that was paused in a search is not whole', async () => {
    const [start] = anthropicEvents;
    const events = [
      start!,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'So far' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'pause_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ];
    await using endpoint = await startEndpoint((response) => sendEvents(response, events));
    const model = createAiSdkModel({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url });
    const answer = await model.respond(aRequest({ model: 'anthropic/claude-test' }), anIo());
    expect(answer).toMatchObject({ output: [{ type: 'message', text: 'So far' }], cut: 'pause_turn' });
  });

  const begun = {
    'google/gemini-test': [{ candidates: [{ content: { role: 'model', parts: [{ text: 'Hel' }] }, index: 0 }] }],
    'openai/gpt-test': [
      { type: 'response.created', response: { id: 'r', created_at: 1, model: 'm' } },
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'i' } },
      { type: 'response.output_text.delta', item_id: 'i', delta: 'Hel' },
    ],
    'anthropic/claude-test': [
      anthropicEvents[0]!,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
    ],
  };
  const googleError = { error: { code: 429, message: 'Resource exhausted', status: 'RESOURCE_EXHAUSTED' } };
  const openAiError = { type: 'tokens', code: 'rate_limit_exceeded', message: 'Slow down' };
  const anthropicError = { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } };
  test.each([
    ['google/gemini-test', [], 'modelStreamBroken'],
    ['openai/gpt-test', [], 'modelStreamBroken'],
    ['anthropic/claude-test', [], 'modelStreamBroken'],
    ['google/gemini-test', [googleError], 'modelRateLimited'],
    ['openai/gpt-test', [{ type: 'error', error: openAiError, sequence_number: 3 }], 'modelRateLimited'],
    [
      'openai/gpt-test',
      [{ type: 'response.failed', response: { error: openAiError }, sequence_number: 3 }],
      'modelRateLimited',
    ],
    ['anthropic/claude-test', [anthropicError], 'modelRateLimited'],
  ] as const)('%s: an answer that begins well and continues with %j fails with %s', async (model, rest, code) => {
    await using endpoint = await startEndpoint((response) => {
      beginStream(response);
      response.end([...begun[model], ...rest].map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    });
    const env = {
      ...{ GOOGLE_GENERATIVE_AI_API_KEY: KEY, GOOGLE_GENERATIVE_AI_BASE_URL: endpoint.url },
      ...{ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: endpoint.url },
      ...{ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: endpoint.url },
    };
    expect((await failureOf(createAiSdkModel(env).respond(aRequest({ model }), anIo()))).code).toBe(code);
  });

  test('OpenAI: an answer is held to its schema, tools or not', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, openAiEvents));
    const model = createAiSdkModel({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: endpoint.url });
    const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
    const outputSchema = { name: 'findings', schema };
    await model.respond(aRequest({ model: 'openai/gpt-test', tools, outputSchema }), anIo());
    expect(endpoint.received[0]!.body).toMatchObject({
      tools: [{ name: 'exec_command', strict: false, parameters: tools[0]!.parameters }],
      text: { format: { type: 'json_schema', name: 'findings', strict: true, schema } },
    });
  });

  test('OpenAI: nothing is stored there, and calls of one thread share a cache key', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, openAiEvents));
    const model = createAiSdkModel({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: endpoint.url });
    const { output } = await model.respond(aRequest({ model: 'openai/gpt-test' }), anIo());
    expect(output).toStrictEqual([{ type: 'message', text: 'Hello' }]);
    expect(endpoint.received[0]!.body).toMatchObject({ model: 'gpt-test', store: false, prompt_cache_key: 'thread-1' });
  });
});

const openAiEvents = [
  { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: 'm' } },
  { type: 'response.output_item.added', output_index: 0, item: { ...messageItem(''), id: 'msg_1' } },
  { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, delta: 'Hello' },
  itemDone({ ...messageItem('Hello'), id: 'msg_1' }),
  completed({ usage: { input_tokens: 3, output_tokens: 2 } }),
];

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
