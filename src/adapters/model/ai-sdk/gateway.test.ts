/** A gateway in front of a provider that has no use for agent assertions itself. */
import { describe, expect, test } from 'vitest';
import { createModels } from '../models.ts';
import { aRequest, anIo, failureOf, sendJson, startEndpoint } from '../responses/test-endpoint.ts';
import { KEY } from './test-chat.ts';

const AUTHORIZATION = 'AgentAssertion abc.def';
const PROVIDERS = [
  ['anthropic', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'x-api-key'],
  ['google', 'GOOGLE_GENERATIVE_AI_API_KEY', 'GOOGLE_GENERATIVE_AI_BASE_URL', 'x-goog-api-key'],
] as const;

/** The answer does not matter: the headers of the request do. */
const refuseAll = (code = 'agent_task_expired') =>
  startEndpoint((response) => sendJson(response, 401, { error: { code, message: 'Expired' } }));

describe.each(PROVIDERS)('A gateway for %s', (provider, keyName, urlName, keyHeader) => {
  const request = aRequest({ model: `${provider}/test`, authorization: AUTHORIZATION });

  test('gets the assertion, and the key that is set', async () => {
    await using endpoint = await refuseAll();
    const env = { [keyName]: KEY, [urlName]: endpoint.url, BOBBIN_ASSERTION_GATEWAY: `other, ${provider}` };
    const failure = await failureOf(createModels({ env }).respond(request, anIo()));
    expect(endpoint.received[0]?.headers).toMatchObject({ authorization: AUTHORIZATION, [keyHeader]: KEY });
    expect([failure.code, failure.details['reason']]).toEqual(['agentAssertionRejected', 'agent_task_expired']);
    expect(failure.message).not.toContain('abc.def');
  });

  test('may have the key itself: then only the assertion is sent', async () => {
    await using endpoint = await refuseAll();
    const env = { [urlName]: endpoint.url, BOBBIN_ASSERTION_GATEWAY: provider };
    await failureOf(createModels({ env }).respond(request, anIo()));
    expect(endpoint.received[0]?.headers.authorization).toBe(AUTHORIZATION);
    expect(endpoint.received[0]?.headers[keyHeader] ?? '').toBe('');
  });

  test('gets nothing from a thread in mode off but the key', async () => {
    await using endpoint = await refuseAll();
    const env = { [keyName]: KEY, [urlName]: endpoint.url, BOBBIN_ASSERTION_GATEWAY: provider };
    await failureOf(createModels({ env }).respond(aRequest({ model: `${provider}/test` }), anIo()));
    expect(endpoint.received[0]?.headers.authorization).toBeUndefined();
    expect(endpoint.received[0]?.headers[keyHeader]).toBe(KEY);
  });

  test('has to be one: an assertion is never sent to the provider itself', async () => {
    const env = { [keyName]: KEY, BOBBIN_ASSERTION_GATEWAY: provider };
    const failure = await failureOf(createModels({ env }).respond(request, anIo()));
    expect([failure.code, failure.details['variable']]).toEqual(['modelBadRequest', urlName]);
  });

  test('is named: without that no assertion is sent', async () => {
    await using endpoint = await refuseAll();
    await failureOf(createModels({ env: { [keyName]: KEY, [urlName]: endpoint.url } }).respond(request, anIo()));
    expect(endpoint.received[0]?.headers.authorization).toBeUndefined();
  });
});
