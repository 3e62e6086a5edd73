import { expect, test } from 'vitest';
import { createModels } from '../models.ts';
import { createResponsesModel } from './responses.ts';
import { anIo, answered, aRequest, failureOf, sendEvents, startEndpoint } from './test-endpoint.ts';

const OUTPUT = [
  { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
  { id: 'cmp_1', type: 'compaction', encrypted_content: 'sealed' },
];
const USAGE = { input_tokens: 90, input_tokens_details: { cached_tokens: 30 }, output_tokens: 10, total_tokens: 100 };
const io = () => ({ signal: new AbortController().signal });

test('A compaction is asked for with the conversation and nothing about an answer, and given as it came', async () => {
  await using endpoint = await startEndpoint((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'response.compaction', output: OUTPUT, usage: USAGE }));
  });
  const model = createResponsesModel({ baseUrl: endpoint.url, apiKey: () => 'sk-0123456789' });
  const compacted = await model.compact(aRequest(), io());
  expect(compacted).toEqual({
    output: OUTPUT,
    usage: { inputTokens: 90, cachedInputTokens: 30, outputTokens: 10, reasoningOutputTokens: 0, totalTokens: 100 },
  });
  const [received] = endpoint.received;
  expect(received).toMatchObject({ path: '/v1/responses/compact', headers: { authorization: 'Bearer sk-0123456789' } });
  expect(Object.keys(received?.body as object).sort()).toEqual(['input', 'instructions', 'model', 'prompt_cache_key']);
});

test.each([404, 405, 400, 501])('An endpoint that answers %d has no compaction', async (status) => {
  await using endpoint = await startEndpoint((response) =>
    response.writeHead(status).end('{"error":{"message":"no"}}'),
  );
  expect(await createResponsesModel({ baseUrl: endpoint.url }).compact(aRequest(), io())).toBeNull();
});

test.each([
  [400, { code: 'context_length_exceeded' }, 'contextWindowExceeded'],
  [400, { code: 'invalid_encrypted_content' }, 'modelBadRequest'],
  [401, {}, 'modelUnauthorized'],
  [429, {}, 'modelRateLimited'],
  [500, {}, 'modelServerError'],
])('HTTP %d with %o fails as any request does', async (status, error, code) => {
  await using endpoint = await startEndpoint((response) => response.writeHead(status).end(JSON.stringify({ error })));
  const failure = await failureOf(createResponsesModel({ baseUrl: endpoint.url }).compact(aRequest(), io()));
  expect(failure.code).toBe(code);
});

test.each([['{"output":[]}'], ['{}'], ['no JSON']])('An answer without output is malformed: %s', async (body) => {
  await using endpoint = await startEndpoint((response) => response.writeHead(200).end(body));
  const failure = await failureOf(createResponsesModel({ baseUrl: endpoint.url }).compact(aRequest(), io()));
  expect(failure.code).toBe('modelAnswerMalformed');
});

test('It is given up with its connection closed when the signal fires', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  await using endpoint = await startEndpoint(() => stop.abort(reason));
  const model = createResponsesModel({ baseUrl: endpoint.url });
  await expect(model.compact(aRequest(), { signal: stop.signal })).rejects.toBe(reason);
});

const otherwise = [{ type: 'message' as const, role: 'user' as const, text: 'In words' }];

test.each([
  ['offline', OUTPUT],
  ['openai', [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'In words' }] }]],
])(
  'What %s made of a conversation is sent back word for word to it, and in words to others',
  async (provider, input) => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
    const models = createModels({ env: {}, offlineUrl: endpoint.url });
    const conversation = [{ type: 'compaction' as const, provider, output: OUTPUT, otherwise }];
    await models.respond(aRequest({ model: 'offline/m', conversation }), anIo());
    expect(endpoint.received[0]?.body).toMatchObject({ input });
  },
);

test('A provider that does not speak this wire has no compaction, and nothing is sent', async () => {
  const models = createModels({ env: { ANTHROPIC_API_KEY: 'sk-0123456789' } });
  expect(await models.compact?.(aRequest({ model: 'anthropic/claude-x' }), io())).toBeNull();
});
