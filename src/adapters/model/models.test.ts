import { describe, expect, test } from 'vitest';
import { createModels, DEFAULT_OPENAI_MODEL, describeModelChoice } from './models.ts';
import type { ModelChoice } from './models.ts';
import type { Environment } from '../../folders/variables.ts';
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
  sendJson,
  startEndpoint,
} from './responses/test-endpoint.ts';

const KEY = 'sk-very-secret-0123456789';

async function startResponses() {
  return startEndpoint((response) => sendEvents(response, answered));
}

async function startChat() {
  return startEndpoint((response) => {
    beginStream(response);
    response.end('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n');
  });
}

describe('Routing by the name of the model', () => {
  test('OpenAI models, named with or without their provider, go to the Responses endpoint without the prefix', async () => {
    await using endpoint = await startResponses();
    const models = createModels({ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: endpoint.url } });
    for (const model of ['gpt-test', 'openai/gpt-test', 'openai/org/gpt-test']) {
      await models.respond(aRequest({ model }), anIo());
    }
    expect(endpoint.received.map(({ path, body }) => [path, (body as { model: string }).model])).toStrictEqual([
      ['/v1/responses', 'gpt-test'],
      ['/v1/responses', 'gpt-test'],
      ['/v1/responses', 'org/gpt-test'],
    ]);
    expect(endpoint.received[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test('Offline models go to the offline server, with or without /v1, and never with a key', async () => {
    await using endpoint = await startResponses();
    for (const offlineUrl of [endpoint.url, endpoint.url.replace('/v1', ''), `${endpoint.url}/`]) {
      const models = createModels({ env: { OPENAI_API_KEY: KEY }, offlineUrl });
      await models.respond(aRequest({ model: 'offline/bobbin-offline' }), anIo());
    }
    for (const { path, headers, body } of endpoint.received) {
      expect({ path, authorization: headers.authorization }).toStrictEqual({
        path: '/v1/responses',
        authorization: undefined,
      });
      expect(body).toMatchObject({ model: 'bobbin-offline' });
    }
    expect(endpoint.received.length).toBe(3);
  });

  test('Other providers go through the AI SDK', async () => {
    await using endpoint = await startChat();
    const models = createModels({ env: { BOBBIN_MODEL_BASE_URL: endpoint.url } });
    await models.respond(aRequest({ model: 'openai-compatible/org/m' }), anIo());
    expect(endpoint.received[0]).toMatchObject({ path: '/v1/chat/completions', body: { model: 'org/m' } });
    expect(endpoint.received[0]!.headers.authorization).toBeUndefined();
  });

  test('A bare name goes to the default provider', async () => {
    await using chat = await startChat();
    await using responses = await startResponses();
    const env = { BOBBIN_MODEL_BASE_URL: chat.url };
    await createModels({ env, defaultProvider: 'openai-compatible' }).respond(aRequest({ model: 'm' }), anIo());
    await createModels({ env, defaultProvider: 'offline', offlineUrl: responses.url }).respond(aRequest(), anIo());
    expect([chat.received.length, responses.received.length]).toStrictEqual([1, 1]);
  });

  test('A key that is set later is used without starting anew', async () => {
    await using endpoint = await startResponses();
    const env: Record<string, string> = { OPENAI_BASE_URL: endpoint.url, OPENAI_API_KEY: 'first-key' };
    const models = createModels({ env });
    await models.respond(aRequest(), anIo());
    env.OPENAI_API_KEY = 'second-key';
    await models.respond(aRequest(), anIo());
    expect(endpoint.received.map(({ headers }) => headers.authorization)).toStrictEqual([
      'Bearer first-key',
      'Bearer second-key',
    ]);
  });

  test('An OpenAI endpoint of one’s own needs no key', async () => {
    await using endpoint = await startResponses();
    await createModels({ env: { OPENAI_BASE_URL: endpoint.url } }).respond(aRequest(), anIo());
    expect(endpoint.received[0]!.headers.authorization).toBeUndefined();
  });
});

describe('A provider of the operator', () => {
  const message = { type: 'message', text: 'Hi' };

  test('has the wire format of its type, its own address and the key of its own variable', async () => {
    await using chat = await startChat();
    await using responses = await startResponses();
    const models = createModels({
      env: { NEAR_KEY: KEY, OPENAI_API_KEY: 'sk-of-openai', BOBBIN_MODEL_API_KEY: 'of-another' },
      providers: {
        near: { type: 'openai-compatible', baseUrl: chat.url, keyName: 'NEAR_KEY' },
        far: {
          type: 'openai',
          baseUrl: responses.url,
          options: { openai: { safety_identifier: 'me', stream: false } },
        },
      },
    });
    expect((await models.respond(aRequest({ model: 'near/org/m' }), anIo())).output).toEqual([message]);
    expect(chat.received[0]).toMatchObject({ headers: { authorization: `Bearer ${KEY}` }, body: { model: 'org/m' } });
    await models.respond(aRequest({ model: 'far/m' }), anIo());
    expect(responses.received[0]!.body).toMatchObject({ model: 'm', safety_identifier: 'me', stream: true });
    expect(responses.received[0]!.headers.authorization).toBeUndefined();
  });

  test('needs the key that it names', async () => {
    const providers = { near: { type: 'openai', baseUrl: 'http://127.0.0.1:1/v1', keyName: 'NEAR_KEY' } } as const;
    const env = { OPENAI_API_KEY: KEY };
    const failure = await failureOf(createModels({ env, providers }).respond(aRequest({ model: 'near/m' }), anIo()));
    expect([failure.code, failure.details.variable]).toEqual(['modelUnauthorized', 'NEAR_KEY']);
  });

  test('may have the name of a known one: then its options are added to each request', async () => {
    await using chat = await startChat();
    const models = createModels({
      env: { BOBBIN_MODEL_BASE_URL: chat.url, BOBBIN_MODEL_API_KEY: KEY },
      providers: { 'openai-compatible': { options: { openaiCompatible: { user: 'me' } } } },
    });
    await models.respond(aRequest({ model: 'openai-compatible/m' }), anIo());
    expect(chat.received[0]).toMatchObject({ headers: { authorization: `Bearer ${KEY}` }, body: { user: 'me' } });
  });
});

describe('A provider whose package does not come with Bobbin', () => {
  test('is loaded if it is installed, as that of the gateway is', async () => {
    const usage = { inputTokens: { total: 7 }, outputTokens: { total: 2 } };
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'Hi' },
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
      ]),
    );
    const models = createModels({ env: { AI_GATEWAY_API_KEY: KEY, AI_GATEWAY_BASE_URL: endpoint.url } });
    const answer = await models.respond(aRequest({ model: 'gateway/maker/m' }), anIo());
    expect(answer).toMatchObject({ output: [{ text: 'Hi' }], usage: { inputTokens: 7, outputTokens: 2 } });
    expect(endpoint.received[0]!.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'ai-language-model-id': 'maker/m',
    });
  });

  test('is refused with the command that installs it', async () => {
    const env = { MISTRAL_API_KEY: KEY };
    const failure = await failureOf(createModels({ env }).respond(aRequest({ model: 'mistral/m' }), anIo()));
    expect(failure.code).toBe('providerNotInstalled');
    expect(failure.message).toContain('npm install @ai-sdk/mistral@4 (in ');
    expect(describeModelChoice({ ...env, BOBBIN_MODEL: 'mistral/m' }).problem).toBe(failure.message);
  });

  test('needs its key first', () => {
    const choice = describeModelChoice({ BOBBIN_MODEL: 'bedrock/m' });
    expect(choice.key).toBe('missing');
    expect(choice.problem).toContain('AWS_BEARER_TOKEN_BEDROCK is not set');
    expect(describeModelChoice({ BOBBIN_MODEL: 'bedrock/m', AWS_ACCESS_KEY_ID: 'x' }).key).toBe('set');
  });
});

describe('An effort that a model is not known to take', () => {
  const effortsOf = () => ['low', 'high'];
  const request = aRequest({ model: 'gpt-test', options: { effort: 'xhigh' } });
  const note = 'Model gpt-test is known to take the efforts low, high, and was asked for xhigh.';

  test('is sent, and the answer says so', async () => {
    const usage = { input_tokens: 3, output_tokens: 1, total_tokens: 4 };
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [itemDone(messageItem('Done')), completed({ usage })]),
    );
    const models = createModels({ env: { OPENAI_BASE_URL: endpoint.url }, effortsOf });
    expect((await models.respond(request, anIo())).warnings).toEqual([note]);
    expect(endpoint.received[0]!.body).toMatchObject({ reasoning: { effort: 'xhigh' } });
    expect(await models.respond({ ...request, options: { effort: 'low' } }, anIo())).not.toHaveProperty('warnings');
  });

  test('is named when the endpoint refuses the request', async () => {
    await using endpoint = await startEndpoint((response) => sendJson(response, 400, { error: { message: 'No' } }));
    const failure = await failureOf(
      createModels({ env: { OPENAI_BASE_URL: endpoint.url }, effortsOf }).respond(request, anIo()),
    );
    expect(failure.code).toBe('modelBadRequest');
    expect(failure.message).toMatch(/HTTP 400: No.*known to take the efforts low, high/);
  });
});

describe('What is missing is named, before anything is sent', () => {
  test.each([
    ['gpt-test', 'OPENAI_API_KEY'],
    ['anthropic/claude-test', 'ANTHROPIC_API_KEY'],
    ['google/gemini-test', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  ])('%s without its key is unauthorized and names %s', async (model, variable) => {
    const failure = await failureOf(createModels({ env: { [variable]: '  ' } }).respond(aRequest({ model }), anIo()));
    expect(failure.code).toBe('modelUnauthorized');
    expect(failure.message).toContain(`Set ${variable}`);
    expect(failure.details).toMatchObject({ variable });
  });

  test.each([undefined, 'not a url', 'file:///etc'])('A compatible endpoint at %s is refused', async (address) => {
    const env = { BOBBIN_MODEL_BASE_URL: address };
    const call = createModels({ env }).respond(aRequest({ model: 'openai-compatible/m' }), anIo());
    const failure = await failureOf(call);
    expect(failure.code).toBe('modelBadRequest');
    expect(failure.message).toContain('BOBBIN_MODEL_BASE_URL');
  });

  test('An unknown provider is refused with the list of those that are known', async () => {
    const failure = await failureOf(createModels({ env: {} }).respond(aRequest({ model: 'nobody/m' }), anIo()));
    expect(failure.code).toBe('modelNotFound');
    expect(failure.message).toMatch(/one of openai, anthropic.* xai;/);
  });

  test('An offline model without an offline server is refused', async () => {
    const failure = await failureOf(createModels({ env: {} }).respond(aRequest({ model: 'offline/x' }), anIo()));
    expect(failure.code).toBe('modelNotFound');
  });
});

describe('The choice of a model', () => {
  const offlineUrl = 'http://127.0.0.1:4000';
  const openai = { provider: 'openai', via: 'responses' } as const;
  const cases: [env: Environment, choice: ModelChoice][] = [
    [{}, { model: 'offline/bobbin-offline', provider: 'offline', via: 'offline', key: 'not needed' }],
    [{ OPENAI_API_KEY: KEY }, { model: DEFAULT_OPENAI_MODEL, ...openai, key: 'set' }],
    [
      { OPENAI_API_KEY: KEY, BOBBIN_MODEL: 'gpt-test' },
      { model: 'openai/gpt-test', ...openai, key: 'set' },
    ],
    [
      { BOBBIN_MODEL: 'gpt-test', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' },
      { model: 'openai/gpt-test', ...openai, key: 'not needed' },
    ],
    [
      { BOBBIN_MODEL: 'anthropic/claude-test', ANTHROPIC_API_KEY: KEY },
      { model: 'anthropic/claude-test', provider: 'anthropic', via: 'ai-sdk', key: 'set' },
    ],
    [
      { OPENAI_API_KEY: KEY, BOBBIN_MODEL: 'offline/other' },
      { model: 'offline/other', provider: 'offline', via: 'offline', key: 'not needed' },
    ],
  ];
  test.each(cases)('%j', (env, choice) => {
    expect(describeModelChoice(env, offlineUrl)).toStrictEqual(choice);
  });

  test.each([
    [{ BOBBIN_MODEL: 'anthropic/claude-test' }, 'missing', /ANTHROPIC_API_KEY/],
    [{ BOBBIN_MODEL: 'openai-compatible/m' }, 'not needed', /BOBBIN_MODEL_BASE_URL/],
    [{ BOBBIN_MODEL: 'nobody/m' }, 'missing', /names no provider/],
    [{}, 'not needed', /offline model server, and none runs/],
  ])('%j says what is wrong', (env, key, problem) => {
    const choice = describeModelChoice(env);
    expect(choice.key).toBe(key);
    expect(choice.problem).toMatch(problem);
  });
});
