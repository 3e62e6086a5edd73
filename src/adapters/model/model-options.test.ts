import { describe, expect, test } from 'vitest';
import { createModels } from './models.ts';
import { aRequest, anIo, beginStream, completed, sendEvents, startEndpoint } from './responses/test-endpoint.ts';

const OPTIONS = { effort: 'high', summary: 'auto', verbosity: 'low', serviceTier: 'flex' } as const;
const SCHEMA = { name: 'answer', schema: { type: 'object' } };

async function bodyWith(options: Parameters<typeof aRequest>[0]): Promise<Record<string, unknown>> {
  await using endpoint = await startEndpoint((response) => sendEvents(response, [completed()]));
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
    response.end('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n');
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
