/** Tools whose input is text in the form of a grammar. */
import { expect, test } from 'vitest';
import type { ConversationEntry, InputPiece, ToolSpec } from '../../../../activities/ports.ts';
import { createModels } from '../models.ts';
import { createResponsesModel } from './responses.ts';
import { anIo, answered, aRequest, completed, itemDone, sendEvents, startEndpoint } from './test-endpoint.ts';

const parameters = { type: 'object', properties: { input: { type: 'string' } } };
const GRAMMAR = { syntax: 'lark', definition: 'start: /.+/' } as const;
const edit: ToolSpec = { name: 'edit', description: 'Edits', parameters, freeform: GRAMMAR };
const run: ToolSpec = { name: 'run', description: 'Runs', parameters };

const call = (callId: string, name: string, args: string): ConversationEntry[] => [
  { type: 'toolCall', callId, name, arguments: args },
  { type: 'toolOutput', callId, name, output: `of ${callId}` },
];
const conversation: ConversationEntry[] = [
  ...call('c1', 'edit', '{"input":"one\\ntwo"}'),
  ...call('c2', 'run', '{"input":"ls"}'),
  ...call('c3', 'edit', 'no JSON'),
  ...call('c4', 'edit', '{"input":"x","more":1}'),
  ...call('c5', 'edit', '{ "input": "three \\ud83d" }'),
];

async function bodyOf(freeform: boolean, given = conversation) {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
  const model = createResponsesModel({ baseUrl: endpoint.url, freeform });
  await model.respond(aRequest({ tools: [edit, run], conversation: given }), anIo());
  return endpoint.received[0]!.body as { tools: unknown[]; input: object[] };
}

test('are sent with their grammar where the model takes them, and as functions elsewhere', async () => {
  const functions = (await bodyOf(false)).tools;
  expect(functions).toMatchObject([{ type: 'function', name: 'edit', parameters }, { type: 'function' }]);
  expect(JSON.stringify(functions)).not.toContain('lark');
  expect((await bodyOf(true)).tools).toStrictEqual([
    { type: 'custom', name: 'edit', description: 'Edits', format: { type: 'grammar', ...GRAMMAR } },
    functions[1],
  ]);
});

test('have their earlier calls and outputs in that form, whatever form they came in', async () => {
  const output = (callId: string, type = 'function_call_output') => ({ type, call_id: callId, output: `of ${callId}` });
  const text = (callId: string, input: string) => ({ type: 'custom_tool_call', call_id: callId, name: 'edit', input });
  const json = (callId: string, name: string, args: string) => ({
    ...{ type: 'function_call', call_id: callId, name },
    arguments: args,
  });
  expect((await bodyOf(true)).input).toStrictEqual([
    text('c1', 'one\ntwo'),
    output('c1', 'custom_tool_call_output'),
    json('c2', 'run', '{"input":"ls"}'),
    output('c2'),
    json('c3', 'edit', 'no JSON'),
    output('c3'),
    json('c4', 'edit', '{"input":"x","more":1}'),
    output('c4'),
    text('c5', 'three \ufffd'),
    output('c5', 'custom_tool_call_output'),
  ]);
  const types = (await bodyOf(false)).input.map((item) => ('type' in item ? item.type : ''));
  expect(new Set(types)).toEqual(new Set(['function_call', 'function_call_output']));
});

test('leave the beginning of a request as it was when the conversation grows', async () => {
  const shorter = JSON.stringify((await bodyOf(true, conversation.slice(0, 4))).input).slice(0, -1);
  expect(JSON.stringify((await bodyOf(true)).input).startsWith(shorter)).toBe(true);
});

test('are refused by no endpoint that is not known to take them, unless the setting says so', async () => {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
  const types = async (model: string, env: Record<string, string>) => {
    const models = createModels({ env: { OPENAI_API_KEY: 'k', ...env }, offlineUrl: endpoint.url });
    await models.respond(aRequest({ model, tools: [edit] }), anIo());
    const { tools } = endpoint.received.at(-1)!.body as { tools: { type: string }[] };
    return tools.map(({ type }) => type).join();
  };
  const other = { OPENAI_BASE_URL: endpoint.url };
  expect(await types('offline/bobbin-offline', {})).toBe('custom');
  expect(await types('offline/bobbin-offline', { BOBBIN_FREEFORM_TOOLS: 'off' })).toBe('function');
  expect(await types('openai/gpt-5.6', other)).toBe('function');
  expect(await types('openai/gpt-5.6', { ...other, BOBBIN_FREEFORM_TOOLS: 'on' })).toBe('custom');
});

test('show their input while it is written, and functions their arguments', async () => {
  const announced = (type: string, name: string, place: number) => ({
    type: 'response.output_item.added',
    output_index: place,
    item: { type, name, call_id: name },
  });
  const delta = (kind: string, text: string, place: number) => ({
    type: `response.${kind}.delta`,
    output_index: place,
    delta: text,
  });
  await using endpoint = await startEndpoint((response) =>
    sendEvents(response, [
      announced('custom_tool_call', 'edit', 0),
      delta('custom_tool_call_input', 'one', 0),
      delta('custom_tool_call_input', ' two', 0),
      itemDone({ type: 'custom_tool_call', name: 'edit', call_id: 'edit', input: 'one two' }, 0),
      announced('function_call', 'run', 1),
      delta('function_call_arguments', '{"in', 1),
      completed(),
    ]),
  );
  const pieces: InputPiece[] = [];
  const io = { ...anIo(), onInput: (piece: InputPiece) => void pieces.push(piece) };
  await createResponsesModel({ baseUrl: endpoint.url, freeform: true }).respond(aRequest({ tools: [edit, run] }), io);
  expect(pieces).toStrictEqual([
    { call: 0, name: 'edit', form: 'text', delta: 'one' },
    { call: 0, name: 'edit', form: 'text', delta: ' two' },
    { call: 1, name: 'run', form: 'json', delta: '{"in' },
  ]);
});
