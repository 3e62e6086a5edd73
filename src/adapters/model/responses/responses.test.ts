import { expect, test } from 'vitest';
import type { ConversationEntry } from '../../../../activities/ports.ts';
import { createResponsesModel } from './responses.ts';
import {
  anIo,
  answered,
  aRequest,
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

test('A schema for the answer is asked for strictly', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
  const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
  await createResponsesModel({ baseUrl: endpoint.url }).respond(
    aRequest({ outputSchema: { name: 'findings', schema } }),
    anIo(),
  );
  expect(endpoint.received[0]!.body).toMatchObject({
    text: { format: { type: 'json_schema', name: 'findings', strict: true, schema } },
  });
});

test('The request body has every documented member and no other', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
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

test('Reasoning that nothing of its answer follows is not sent: endpoints refuse it', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
  const reasoning = (id: string): ConversationEntry => ({ type: 'reasoning', id, summary: [], encryptedContent: id });
  await createResponsesModel({ baseUrl: endpoint.url }).respond(
    aRequest({
      conversation: [
        { type: 'message', role: 'user', text: 'List the files' },
        ...[reasoning('rs_1'), reasoning('rs_2')],
        { type: 'toolCall', callId: 'call_1', name: 'exec_command', arguments: '{}' },
        reasoning('rs_3'),
        { type: 'toolOutput', callId: 'call_1', name: 'exec_command', output: 'a.txt' },
        reasoning('rs_4'),
        { type: 'message', role: 'assistant', text: 'There is' },
        reasoning('rs_5'),
        { type: 'webSearch', action: { type: 'other' } },
        { type: 'message', role: 'user', text: 'Go on' },
        reasoning('rs_6'),
      ],
    }),
    anIo(),
  );
  const { input } = endpoint.received[0]!.body as { input: { type: string; id?: string }[] };
  expect(input.flatMap(({ id }) => id ?? [])).toEqual(['rs_1', 'rs_2', 'rs_4']);
});

test('An assertion replaces the key, the key is asked for at each call, and without either no header is sent', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
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
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
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
