import { expect, test } from 'vitest';
import type { ModelOutput } from '../../../activities/ports.ts';
import { createResponsesModel } from './responses.ts';
import {
  aRequest,
  anIo,
  beginStream,
  completed,
  createLatch,
  itemDone,
  messageItem,
  onCut,
  sendEvents,
  startEndpoint,
  textDelta,
  toSse,
} from './test-endpoint.ts';
import type { StreamEvent } from './test-endpoint.ts';

async function respondTo(events: StreamEvent[]) {
  await using endpoint = await startEndpoint((response) => sendEvents(response, events));
  const io = anIo();
  const response = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), io);
  return { ...response, pieces: io.pieces };
}

async function outputOf(events: StreamEvent[]): Promise<ModelOutput[]> {
  return (await respondTo(events)).output;
}

test('The request body has every documented member and no other', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, [completed()]));
  const model = createResponsesModel({ baseUrl: `${endpoint.url}/` });
  const parameters = { type: 'object', properties: { command: { type: 'string' } } };
  await model.respond(
    aRequest({
      conversation: [
        { type: 'message', role: 'user', text: 'List the files' },
        { type: 'reasoning', id: 'rs_1', summary: ['Listing'], encryptedContent: 'sealed' },
        { type: 'reasoning', id: 'rs_2', summary: ['Not sealed, so not sent'] },
        { type: 'reasoning', summary: ['Of another provider'], encryptedContent: 'ai-sdk:{}' },
        { type: 'toolCall', callId: 'call_1', name: 'exec_command', arguments: '{"command": "ls"}' },
        { type: 'toolOutput', callId: 'call_1', name: 'exec_command', output: 'a.txt' },
        { type: 'message', role: 'assistant', text: 'There is a.txt.' },
      ],
      tools: [{ name: 'exec_command', description: 'Runs a command', parameters }],
      parallelToolCalls: false,
    }),
    anIo(),
  );
  expect(endpoint.received[0]).toMatchObject({ path: '/v1/responses' });
  expect(endpoint.received[0]!.body).toStrictEqual({
    model: 'test-model',
    instructions: 'Be brief.',
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'List the files' }] },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'Listing' }],
        encrypted_content: 'sealed',
      },
      { type: 'function_call', call_id: 'call_1', name: 'exec_command', arguments: '{"command": "ls"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'a.txt' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'There is a.txt.' }] },
    ],
    tools: [{ type: 'function', name: 'exec_command', description: 'Runs a command', strict: false, parameters }],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'thread-1',
  });
});

test('An assertion replaces the key, the key is asked for at each call, and without either no header is sent', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, [completed()]));
  let key: string | undefined = 'key-one';
  const model = createResponsesModel({ baseUrl: endpoint.url, apiKey: () => key, headers: { 'x-extra': 'yes' } });
  await model.respond(aRequest(), anIo());
  key = 'key-two\n';
  await model.respond(aRequest(), anIo());
  await model.respond(aRequest({ authorization: 'AgentAssertion abc' }), anIo());
  key = undefined;
  await model.respond(aRequest(), anIo());
  expect(endpoint.received.map(({ headers }) => headers.authorization)).toStrictEqual([
    'Bearer key-one',
    'Bearer key-two',
    'AgentAssertion abc',
    undefined,
  ]);
  expect(endpoint.received[0]!.headers).toMatchObject({ 'x-extra': 'yes', accept: 'text/event-stream' });
});

test('Calls that follow one another share a connection', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, [completed()]));
  const model = createResponsesModel({ baseUrl: endpoint.url });
  for (let call = 0; call < 5; call += 1) await model.respond(aRequest(), anIo());
  expect(endpoint.received.map(({ connection }) => connection)).toStrictEqual([1, 1, 1, 1, 1]);
});

test('Text arrives piece by piece before the answer is complete, also when a character is split between two packets', async () => {
  const seen: string[] = [];
  let goOn: () => void = () => undefined;
  await using endpoint = await startEndpoint((response) => {
    beginStream(response);
    const bytes = Buffer.from(toSse(textDelta('Grüße')));
    const middle = bytes.indexOf(0xc3) + 1;
    response.write(bytes.subarray(0, middle));
    response.write(bytes.subarray(middle));
    goOn = () => response.end(toSse(itemDone(messageItem('Grüße!'))) + toSse(completed()));
  });
  const first = createLatch();
  const model = createResponsesModel({ baseUrl: endpoint.url });
  const call = model.respond(aRequest(), {
    signal: new AbortController().signal,
    onText: (delta) => {
      seen.push(delta);
      first.open();
    },
  });
  await first.opened;
  expect(seen).toStrictEqual(['Grüße']);
  goOn();
  expect((await call).output).toStrictEqual([{ type: 'message', text: 'Grüße!' }]);
  expect(seen).toStrictEqual(['Grüße']);
});

test('Output entries come in the order of their index, whatever order their events had', async () => {
  const output = await outputOf([
    itemDone({ type: 'function_call', call_id: 'call_2', name: 'b', arguments: '{"y": 2}' }, 3),
    itemDone(messageItem('First words'), 1),
    itemDone({ type: 'function_call', call_id: 'call_1', name: 'a', arguments: '{"x":1 }' }, 2),
    itemDone(
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [
          { type: 'summary_text', text: 'One' },
          { type: 'summary_text', text: 'Two' },
        ],
        encrypted_content: 'sealed',
      },
      0,
    ),
    completed(),
  ]);
  expect(output).toStrictEqual([
    { type: 'reasoning', id: 'rs_1', summary: ['One', 'Two'], encryptedContent: 'sealed' },
    { type: 'message', text: 'First words' },
    { type: 'toolCall', callId: 'call_1', name: 'a', arguments: '{"x":1 }' },
    { type: 'toolCall', callId: 'call_2', name: 'b', arguments: '{"y": 2}' },
  ]);
});

test('Entries that were never finished are put together from their deltas', async () => {
  const call = { type: 'function_call', call_id: 'call_1', name: 'a', arguments: '' };
  const argumentsDelta = (delta: string) => ({
    type: 'response.function_call_arguments.delta',
    output_index: 1,
    delta,
  });
  const { output, pieces } = await respondTo([
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', content: [] } },
    textDelta('Half '),
    textDelta('and half'),
    { type: 'response.output_item.added', output_index: 1, item: call },
    argumentsDelta('{"x":'),
    argumentsDelta('1}'),
    completed(),
  ]);
  expect(output).toStrictEqual([
    { type: 'message', text: 'Half and half' },
    { type: 'toolCall', callId: 'call_1', name: 'a', arguments: '{"x":1}' },
  ]);
  expect(pieces).toStrictEqual(['Half ', 'and half']);
});

test('Entries that only the last event lists are taken from it', async () => {
  const listed = [messageItem('Listed'), { type: 'function_call', call_id: 'c', name: 'n', arguments: '{}' }];
  expect(await outputOf([completed({ output: listed })])).toStrictEqual([
    { type: 'message', text: 'Listed' },
    { type: 'toolCall', callId: 'c', name: 'n', arguments: '{}' },
  ]);
});

test('Events without an index belong to the entry that came last', async () => {
  const output = await outputOf([
    { type: 'response.output_item.added', item: { type: 'message' } },
    { type: 'response.output_text.delta', delta: 'One' },
    { type: 'response.output_item.done', item: messageItem('One') },
    { type: 'response.output_item.done', item: messageItem('Two') },
    completed(),
  ]);
  expect(output).toStrictEqual([
    { type: 'message', text: 'One' },
    { type: 'message', text: 'Two' },
  ]);
});

test('Text without deltas is given to onText as one piece', async () => {
  expect((await respondTo([itemDone(messageItem('All at once')), completed()])).pieces).toStrictEqual(['All at once']);
});

test('A refusal is message text', async () => {
  const refusal = { type: 'message', content: [{ type: 'refusal', refusal: 'I will not.' }] };
  const { output, pieces } = await respondTo([
    { type: 'response.refusal.delta', output_index: 0, delta: 'I will not.' },
    itemDone(refusal),
    completed(),
  ]);
  expect(output).toStrictEqual([{ type: 'message', text: 'I will not.' }]);
  expect(pieces).toStrictEqual(['I will not.']);
});

test('A custom tool call carries its input as JSON, and entries of unknown types are ignored', async () => {
  const output = await outputOf([
    itemDone({ type: 'web_search_call', id: 'ws_1', status: 'completed' }, 0),
    itemDone({ type: 'custom_tool_call', call_id: 'call_1', name: 'apply_patch', input: '*** "Begin"\n' }, 1),
    { type: 'response.something.new', output_index: 7 },
    completed(),
  ]);
  expect(output).toStrictEqual([
    { type: 'toolCall', callId: 'call_1', name: 'apply_patch', arguments: '{"input":"*** \\"Begin\\"\\n"}' },
  ]);
});

test('Usage is mapped, and zero where none is given', async () => {
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 80 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 120,
  };
  const given = await respondTo([completed({ usage })]);
  expect(given.responseId).toBe('resp_1');
  expect(given.usage).toStrictEqual({
    inputTokens: 100,
    cachedInputTokens: 80,
    outputTokens: 20,
    reasoningOutputTokens: 5,
    totalTokens: 120,
  });
  expect((await respondTo([completed()])).usage).toStrictEqual({
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningOutputTokens: 0,
    totalTokens: 0,
  });
});

test('Streams without event names, with comments, and with a closing [DONE] are read as well', async () => {
  await using endpoint = await startEndpoint((response) => {
    beginStream(response);
    response.write(': keep-alive\n\n');
    response.write(`data: ${JSON.stringify(itemDone(messageItem('Bare')))}\r\n\r\n`);
    response.end(`data: ${JSON.stringify(completed())}\n\ndata: [DONE]\n\n`);
  });
  const response = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
  expect(response.output).toStrictEqual([{ type: 'message', text: 'Bare' }]);
});

test('The answer is returned with its last event, before the endpoint ends the body', async () => {
  const cut = createLatch();
  await using endpoint = await startEndpoint((response) => {
    onCut(response, cut.open);
    beginStream(response);
    response.write(toSse(itemDone(messageItem('Done'))) + toSse(completed()));
  });
  const response = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
  expect(response.output).toStrictEqual([{ type: 'message', text: 'Done' }]);
  await cut.opened;
});

test('An answer stopped at its limit returns what is there, without the tool call that was cut', async () => {
  const incomplete = { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } };
  const output = await outputOf([
    itemDone(messageItem('As far as'), 0),
    itemDone({ type: 'function_call', call_id: 'c1', name: 'a', arguments: '{}', status: 'completed' }, 1),
    itemDone({ type: 'function_call', call_id: 'c2', name: 'b', arguments: '{"x', status: 'incomplete' }, 2),
    { type: 'response.output_item.added', output_index: 3, item: { type: 'function_call', call_id: 'c3', name: 'd' } },
    incomplete,
  ]);
  expect(output).toStrictEqual([
    { type: 'message', text: 'As far as' },
    { type: 'toolCall', callId: 'c1', name: 'a', arguments: '{}' },
  ]);
});

test('An error thrown by onText ends the call with that error and closes the connection', async () => {
  const cut = createLatch();
  await using endpoint = await startEndpoint((response) => {
    onCut(response, cut.open);
    beginStream(response);
    response.write(toSse(textDelta('Hello')));
  });
  const broken = new Error('The reader is broken');
  const call = createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), {
    signal: new AbortController().signal,
    onText: () => {
      throw broken;
    },
  });
  await expect(call).rejects.toBe(broken);
  await cut.opened;
});
