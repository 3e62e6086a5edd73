import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../../activities/failures.ts';
import { itemDone, sendEvents, sendJson, textDelta } from './test-endpoint.ts';
import type { StreamEvent } from './test-endpoint.ts';
import { failTo } from './test-responses.ts';

describe('Statuses', () => {
  const cases: [status: number, body: unknown, code: FailureCode][] = [
    [400, { error: { code: 'bad_thing', message: 'No such parameter' } }, 'modelBadRequest'],
    [400, { error: { type: 'invalid_request_error', message: 'Nope' } }, 'modelBadRequest'],
    [400, { error: { code: 'context_length_exceeded', message: 'Long' } }, 'contextWindowExceeded'],
    [400, { error: { message: "This model's maximum context length is 8 tokens" } }, 'contextWindowExceeded'],
    [400, { error: { code: 'model_not_found', message: 'No model' } }, 'modelNotFound'],
    [401, { error: { code: 'invalid_api_key', message: 'Wrong key' } }, 'modelUnauthorized'],
    [401, { error: { code: 'agent_task_expired', message: 'Expired' } }, 'agentAssertionRejected'],
    [402, { error: { message: 'No credit' } }, 'usageLimitExceeded'],
    [403, 'Forbidden', 'modelUnauthorized'],
    [403, { error: { type: 'agent_identity_revoked', message: 'Revoked' } }, 'agentAssertionRejected'],
    [404, { error: { message: 'No model' } }, 'modelNotFound'],
    [408, '', 'modelServerError'],
    [409, '{}', 'modelServerError'],
    [413, '<html>Too large</html>', 'contextWindowExceeded'],
    [418, 'Teapot', 'modelBadRequest'],
    [422, { detail: 'Unprocessable' }, 'modelBadRequest'],
    [422, { error: { code: 'context_length_exceeded' } }, 'contextWindowExceeded'],
    [429, { error: { code: 'rate_limit_exceeded' } }, 'modelRateLimited'],
    [429, 'Slow down', 'modelRateLimited'],
    [429, { error: { code: 'insufficient_quota', message: 'Pay' } }, 'usageLimitExceeded'],
    [429, { error: { type: 'usage_limit_reached', message: 'Wait till Monday' } }, 'usageLimitExceeded'],
    [500, { error: { message: 'Oops' } }, 'modelServerError'],
    [503, 'not json {', 'modelServerError'],
    [307, '', 'modelBadRequest'],
  ];
  test.each(cases)('%i with %j is %s, from one request, with ids and advice', async (status, body, code) => {
    const { failure, url, requests } = await failTo((response) => sendJson(response, status, body));
    expect(failure.code).toBe(code);
    expect(requests).toBe(1);
    expect(failure.message).toContain(`Model test-model at ${url} answered HTTP ${status}`);
    expect(failure.details).toMatchObject({ status, model: 'test-model', url });
    expect(failure.message).toMatch(/(Check|Asking again|Trying again|Compact|Raise|must be acquired)/);
  });

  /** As the servers of llama.cpp, xAI, Anthropic, Moonshot, vLLM and Groq say it. */
  const tooLong: [status: number, body: unknown][] = [
    [
      400,
      {
        error: {
          code: 400,
          message: 'request (33000 tokens) exceeds the available context size (32768 tokens), try increasing it',
          type: 'exceed_context_size_error',
        },
      },
    ],
    [500, { error: { code: 500, message: 'too long', type: 'exceed_context_size_error' } }],
    [500, { error: { code: 500, message: 'Context size has been exceeded.', type: 'server_error' } }],
    [
      400,
      {
        code: 'Client specified an invalid argument',
        error: "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
      },
    ],
    [
      400,
      {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: 'input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length',
        },
      },
    ],
    [400, { error: { message: 'Your request exceeded model token limit: 262144', type: 'invalid_request_error' } }],
    [
      400,
      { error: { message: 'The decoder prompt (length 40000) is longer than the maximum model length of 32768.' } },
    ],
    [400, { error: { message: 'Please reduce the length of the messages or completion.' } }],
  ];
  test.each(tooLong)('%i with %j means that the conversation is too long', async (status, body) => {
    const { failure } = await failTo((response) => sendJson(response, status, body));
    expect(failure.code).toBe('contextWindowExceeded');
  });

  test('A rejected assertion carries the code as its reason', async () => {
    const body = { error: { code: 'agent_task_unknown', message: 'No such task' } };
    const { failure } = await failTo((response) => sendJson(response, 401, body, { 'x-request-id': 'req_9' }));
    expect(failure.details).toMatchObject({ reason: 'agent_task_unknown', requestId: 'req_9' });
  });

  test('A missing right names the variable of the key', async () => {
    const { failure } = await failTo((response) => sendJson(response, 401, ''), { keyName: 'OPENAI_API_KEY' });
    expect(failure.message).toContain('Check OPENAI_API_KEY');
  });
});

describe('Waits', () => {
  const forms: [headers: Record<string, string>, retryAfterMs: number | undefined][] = [
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '120', 'retry-after': '9' }, 120],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    [{ 'retry-after': '99999999999' }, 24 * 3600 * 1000],
    [{}, undefined],
  ];
  test.each(forms)('429 with %j asks for a wait of %s ms', async (headers, retryAfterMs) => {
    const { failure } = await failTo((response) => sendJson(response, 429, '', headers));
    expect(failure.retryAfterMs).toBe(retryAfterMs);
  });

  test('An HTTP date is the time until then', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const { failure } = await failTo((response) => sendJson(response, 503, '', { 'retry-after': date }));
    expect(failure.code).toBe('modelServerError');
    expect(failure.retryAfterMs).toBeGreaterThan(50_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(60_000);
  });
});

describe('Failures inside a stream', () => {
  const cases: [error: Record<string, unknown>, code: FailureCode][] = [
    [{ code: 'server_error', message: 'Oops' }, 'modelServerError'],
    [{ code: 'rate_limit_exceeded', message: 'Please try again in 1.5s.' }, 'modelRateLimited'],
    [{ code: 'context_length_exceeded', message: 'Long' }, 'contextWindowExceeded'],
    [{ code: 'insufficient_quota', message: 'Pay' }, 'usageLimitExceeded'],
    [{ code: 'invalid_prompt', message: 'No' }, 'modelBadRequest'],
    [{ code: 'invalid_encrypted_content', message: 'Not verified' }, 'modelBadRequest'],
    [{ code: 'agent_task_expired', message: 'Expired' }, 'agentAssertionRejected'],
    [{ code: 'never_heard_of', message: 'What' }, 'modelServerError'],
    [{ code: 'server_error', message: 'Context size has been exceeded.' }, 'contextWindowExceeded'],
    [{ code: 'throttled', message: 'Too many tokens, please wait' }, 'modelServerError'],
  ];
  test.each(cases)('response.failed, error and nested error with %j are all %s', async (error, code) => {
    const shapes: StreamEvent[] = [
      { type: 'response.failed', response: { status: 'failed', error } },
      { type: 'error', ...error },
      { type: 'error', error },
    ];
    for (const shape of shapes) {
      const { failure } = await failTo((response) => sendEvents(response, [textDelta('Hel'), shape]));
      expect(failure.code).toBe(code);
      expect(failure.details.providerCode).toBe(error.code);
      expect(failure.message).toContain(error.message);
      expect(failure.retryAfterMs).toBe(code === 'modelRateLimited' ? 1500 : undefined);
    }
  });

  test('A response that failed without saying why is a server error', async () => {
    const { failure } = await failTo((response) => sendEvents(response, [{ type: 'response.failed' }]));
    expect(failure.code).toBe('modelServerError');
  });

  test('An incomplete response with nothing but reasoning is a bad request with the reason', async () => {
    const incomplete = { type: 'response.incomplete', response: { incomplete_details: { reason: 'content_filter' } } };
    const { failure } = await failTo((response) =>
      sendEvents(response, [itemDone({ type: 'reasoning', summary: [] }), incomplete]),
    );
    expect(failure.code).toBe('modelBadRequest');
    expect(failure.details.reason).toBe('content_filter');
  });
});
