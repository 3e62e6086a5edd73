import { describe, expect, test } from 'vitest';
import type { WebSearchAction } from '../../../activities/ports.ts';
import { createModels } from './models.ts';
import { anIo, answered, aRequest, beginStream, sendEvents, startEndpoint } from './responses/test-endpoint.ts';

const OPTIONS = { effort: 'high', summary: 'auto', verbosity: 'low', serviceTier: 'flex' } as const;
const SCHEMA = { name: 'answer', schema: { type: 'object' } };

async function bodyWith(options: Parameters<typeof aRequest>[0]): Promise<Record<string, unknown>> {
  await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
  const models = createModels({ env: { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: endpoint.url } });
  await models.respond(aRequest({ model: 'openai/m', ...options }), anIo());
  return endpoint.received[0]?.body as Record<string, unknown>;
}

describe('Options of a model in the Responses wire format', () => {
  test('are sent if they are given', async () => {
    expect(await bodyWith({ options: OPTIONS, outputSchema: SCHEMA })).toMatchObject({
      reasoning: { effort: 'high', summary: 'auto' },
      text: { verbosity: 'low', format: { name: 'answer' } },
      service_tier: 'flex',
    });
  });

  test.each([
    {},
    { options: {} },
    { options: { effort: 'default', summary: 'default', serviceTier: 'default' } } as const,
  ])('are left to the endpoint with %j', async (options) => {
    const body = await bodyWith(options);
    for (const name of ['reasoning', 'text', 'service_tier']) expect(body).not.toHaveProperty(name);
  });
});

test('Through the AI SDK the effort is translated, and what has no effect is said', async () => {
  await using endpoint = await startEndpoint((response) => {
    beginStream(response);
    response.end(
      'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n',
    );
  });
  const models = createModels({
    env: { BOBBIN_MODEL_BASE_URL: endpoint.url },
  });
  const answer = await models.respond(aRequest({ model: 'openai-compatible/m', options: OPTIONS }), anIo());
  expect(endpoint.received[0]?.body).toMatchObject({ reasoning_effort: 'high' });
  expect(answer.warnings).toEqual(
    ['summary', 'verbosity', 'serviceTier'].map(
      (name) => `The setting ${name} has no effect on model openai-compatible/m.`,
    ),
  );
});

describe('Search of the web', () => {
  test('is a tool of the endpoint, if it is asked for', async () => {
    const toolsWith = async (webSearch: 'off' | 'cached' | 'live') =>
      (await bodyWith({ options: { webSearch } }))['tools'];
    expect(await toolsWith('off')).toEqual([]);
    expect(await toolsWith('cached')).toEqual([{ type: 'web_search', external_web_access: false }]);
    expect(await toolsWith('live')).toEqual([{ type: 'web_search', external_web_access: true }]);
  });

  test('is in the conversation of later requests as it was', async () => {
    const actions: WebSearchAction[] = [
      { type: 'search', queries: ['one'] },
      { type: 'search', queries: ['one', 'two'] },
      { type: 'openPage', url: 'https://a.example' },
      { type: 'findInPage', url: 'https://a.example', pattern: 'x' },
      { type: 'other' },
    ];
    const conversation = actions.map((action) => ({ type: 'webSearch' as const, action }));
    expect((await bodyWith({ conversation }))['input']).toEqual(
      [
        { type: 'search', query: 'one' },
        { type: 'search', query: 'one', queries: ['one', 'two'] },
        { type: 'open_page', url: 'https://a.example' },
        { type: 'find_in_page', url: 'https://a.example', pattern: 'x' },
      ].map((action) => ({ type: 'web_search_call', status: 'completed', action })),
    );
  });

  const block = (index: number, content_block: object, ...deltas: object[]) => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];

  test('of Anthropic is its own tool, and what it runs itself is no call of a tool', async () => {
    const found = { type: 'web_search_result', url: 'https://a.example', title: 'A', encrypted_content: 'sealed' };
    const usage = { input_tokens: 1, output_tokens: 1 };
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [
        { type: 'message_start', message: { id: 'm', role: 'assistant', model: 'm', content: [], usage } },
        ...block(
          0,
          { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
          { type: 'input_json_delta', partial_json: '{"query":"bobbin"}' },
        ),
        ...block(1, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [found] }),
        ...block(2, { type: 'text', text: '' }, { type: 'text_delta', text: 'Found.' }),
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
        { type: 'message_stop' },
      ]),
    );
    const models = createModels({ env: { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: endpoint.url } });
    const conversation = [
      { type: 'message' as const, role: 'user' as const, text: 'Look it up' },
      { type: 'webSearch' as const, action: { type: 'other' as const } },
    ];
    const request = aRequest({ model: 'anthropic/claude-test', conversation, options: { webSearch: 'live' } });
    const answer = await models.respond(request, anIo());
    expect(endpoint.received[0]?.body).toMatchObject({
      tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 8 }],
    });
    expect(answer.output).toEqual([
      { type: 'webSearch', action: { type: 'search', queries: ['bobbin'] } },
      { type: 'message', text: 'Found.' },
    ]);
    expect(answer.warnings ?? []).toEqual([]);
    const cached = await models.respond({ ...request, options: { webSearch: 'cached' } }, anIo());
    expect(endpoint.received[1]?.body).not.toHaveProperty('tools');
    expect(cached.warnings).toEqual(['The setting webSearch has no effect on model anthropic/claude-test.']);
  });
});
