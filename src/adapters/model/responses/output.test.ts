import { expect, test } from 'vitest';
import type { ModelOutput } from '../../../../activities/ports.ts';
import { createResponsesModel } from './responses.ts';
import {
  anIo,
  answered,
  aRequest,
  beginStream,
  completed,
  failureOf,
  itemDone,
  messageItem,
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
  return { ...response, pieces: io.pieces, thoughts: io.thoughts };
}

async function outputOf(events: StreamEvent[]): Promise<ModelOutput[]> {
  return (await respondTo(events)).output;
}

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

test('The summary of reasoning arrives piece by piece, its parts apart, and what cannot be read of it is no failure', async () => {
  const thought = (delta: unknown, summary_index = 0) => ({
    ...{ type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index, delta },
  });
  const { thoughts, pieces } = await respondTo([
    ...[thought('I '), thought('look.'), thought('Then', 1), thought(7, 1), thought('', 2)],
    ...answered,
  ]);
  expect(thoughts).toEqual(['I ', 'look.', '\n\nThen']);
  expect(pieces).toEqual(['Done']);
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
    itemDone({ type: 'file_search_call', id: 'fs_1', status: 'completed' }, 0),
    itemDone({ type: 'custom_tool_call', call_id: 'call_1', name: 'apply_patch', input: '*** "Begin"\n' }, 1),
    { type: 'response.something.new', output_index: 7 },
    completed(),
  ]);
  expect(output).toStrictEqual([
    { type: 'toolCall', callId: 'call_1', name: 'apply_patch', arguments: '{"input":"*** \\"Begin\\"\\n"}' },
  ]);
});

test('A search of the web says what was done, as far as the endpoint does', async () => {
  const search = (place: number, action?: object) => itemDone({ type: 'web_search_call', id: 'ws', action }, place);
  const actions: [given: object | undefined, action: object][] = [
    [
      { type: 'search', query: 'one' },
      { type: 'search', queries: ['one'] },
    ],
    [
      { type: 'search', query: 'one', queries: ['one', 'two', 3] },
      { type: 'search', queries: ['one', 'two'] },
    ],
    [
      { type: 'open_page', url: 'https://a.example' },
      { type: 'openPage', url: 'https://a.example' },
    ],
    [
      { type: 'find_in_page', url: 'https://a.example', pattern: 'x' },
      { type: 'findInPage', url: 'https://a.example', pattern: 'x' },
    ],
    [{ type: 'open_page', url: null }, { type: 'other' }],
    [undefined, { type: 'other' }],
  ];
  const output = await outputOf([...actions.map(([given], place) => search(place, given)), completed()]);
  expect(output).toStrictEqual(actions.map(([, action]) => ({ type: 'webSearch', action })));
});

test('Usage is mapped, and zero where none is given', async () => {
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 80 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 120,
  };
  const given = await respondTo([itemDone(messageItem('Done')), completed({ usage })]);
  expect(given.responseId).toBe('resp_1');
  expect(given.usage).toStrictEqual({
    inputTokens: 100,
    cachedInputTokens: 80,
    outputTokens: 20,
    reasoningOutputTokens: 5,
    totalTokens: 120,
  });
  expect((await respondTo(answered)).usage).toStrictEqual({
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningOutputTokens: 0,
    totalTokens: 0,
  });
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

test('Of an answer that was cut in the middle of reasoning, that reasoning is not returned', async () => {
  const whole = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed', status: 'completed' };
  const begun = { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'half' };
  const cut = { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } };
  const before = [itemDone(whole, 0), itemDone(messageItem('As far as'), 1)];
  const added = { type: 'response.output_item.added', output_index: 2, item: begun };
  for (const last of [added, itemDone({ ...begun, status: 'incomplete' }, 2)]) {
    expect(await outputOf([...before, last, cut])).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [], encryptedContent: 'sealed' },
      { type: 'message', text: 'As far as' },
    ]);
  }
});

test('Deltas of an endpoint that never sends their items are the answer', async () => {
  expect(await outputOf([textDelta('Hello '), textDelta('there'), completed()])).toEqual([
    { type: 'message', text: 'Hello there' },
  ]);
});

test('An answer whose end says that it is incomplete is one that was cut', async () => {
  const end = completed({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  expect(await respondTo([itemDone(messageItem('Half of')), end])).toMatchObject({
    output: [{ type: 'message', text: 'Half of' }],
    cut: 'max_output_tokens',
  });
});

test.each([
  ['with carriage returns for line ends', (stream: string) => stream.replaceAll('\n', '\r')],
  ['without a blank line after its last event', (stream: string) => stream.trimEnd()],
])('A stream %s is read to its end', async (_, change) => {
  const stream = [itemDone(messageItem('All of it')), completed()].map(toSse).join('');
  await using endpoint = await startEndpoint((response) => {
    beginStream(response);
    response.end(change(stream));
  });
  const { output } = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
  expect(output).toEqual([{ type: 'message', text: 'All of it' }]);
});

test('An error inside a stream that is only words is said', async () => {
  await using endpoint = await startEndpoint((response) => {
    beginStream(response);
    response.end('data: {"error":"the cluster is full"}\n\n');
  });
  const failure = await failureOf(createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo()));
  expect(failure.message).toContain('the cluster is full');
});
