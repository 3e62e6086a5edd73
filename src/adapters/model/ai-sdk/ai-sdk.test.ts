import { describe, expect, test } from 'vitest';
import { anIo, failureOf, startEndpoint } from '../responses/test-endpoint.ts';
import { compatible, compatibleRequest, KEY, parameters, said, sendChunks, stopped } from './test-chat.ts';

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
    expect(io.thoughts).toStrictEqual(['Let me ', 'look.']);
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

  test.each([
    ['abort', 'abort'],
    ['eos', undefined],
  ])('An answer that ended with the word %s is returned as cut: %s', async (finish_reason, cut) => {
    await using endpoint = await startEndpoint((response) =>
      sendChunks(response, [said('As far'), { delta: {}, finish_reason }]),
    );
    const answer = await compatible(endpoint.url).respond(compatibleRequest(), anIo());
    expect(answer.output).toStrictEqual([{ type: 'message', text: 'As far' }]);
    expect(answer.cut).toBe(cut);
  });
});
