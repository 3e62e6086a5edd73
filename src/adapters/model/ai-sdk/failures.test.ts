import { expect, test } from 'vitest';
import type { FailureCode } from '../../../../activities/failures.ts';
import { createAiSdkModel } from './ai-sdk.ts';
import { MAX_ENTRY_BYTES } from '../http/answer-limits.ts';
import {
  anIo,
  beginStream,
  createLatch,
  failureOf,
  onCut,
  sendJson,
  startEndpoint,
} from '../responses/test-endpoint.ts';
import type { Answerer } from '../responses/test-endpoint.ts';
import { compatible, compatibleRequest, KEY, said, sendChunks, stopped } from './test-chat.ts';

const failures: [name: string, answer: Answerer, code: FailureCode][] = [
  ['401', (response) => sendJson(response, 401, { error: { message: 'No' } }), 'modelUnauthorized'],
  [
    '401 of the assertion',
    (response) => sendJson(response, 401, { error: { message: 'Old', code: 'agent_task_expired' } }),
    'agentAssertionRejected',
  ],
  ['404', (response) => sendJson(response, 404, { error: { message: 'No' } }), 'modelNotFound'],
  [
    '400 for length',
    (response) => sendJson(response, 400, { error: { message: 'Long', code: 'context_length_exceeded' } }),
    'contextWindowExceeded',
  ],
  ['400', (response) => sendJson(response, 400, { error: { message: 'No' } }), 'modelBadRequest'],
  ['413', (response) => sendJson(response, 413, 'no'), 'contextWindowExceeded'],
  ['429', (response) => sendJson(response, 429, 'slow', { 'retry-after': '2' }), 'modelRateLimited'],
  [
    '429 of the quota',
    (response) => sendJson(response, 429, { error: { message: 'Pay', code: 'insufficient_quota' } }),
    'usageLimitExceeded',
  ],
  ['500', (response) => sendJson(response, 500, 'oops', { 'retry-after': '2' }), 'modelServerError'],
  [
    'a redirect',
    (response) => sendJson(response, 307, '', { location: 'http://127.0.0.1:9/elsewhere' }),
    'modelBadRequest',
  ],
  [
    'a stream that the server ended before anything was said',
    (response) => sendChunks(response, [{ delta: {}, finish_reason: 'abort' }]),
    'modelStreamBroken',
  ],
  ['an answer with nothing in it', (response) => sendChunks(response, [stopped]), 'modelAnswerMalformed'],
  [
    'an answer with nothing but reasoning',
    (response) => sendChunks(response, [{ delta: { reasoning_content: 'Now I call it.' } }, stopped]),
    'modelAnswerMalformed',
  ],
  ['a stream without a reason for its end', (response) => sendChunks(response, [said('Hel')]), 'modelStreamBroken'],
  [
    'a connection cut in the stream',
    (response) => {
      beginStream(response);
      response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n', () => response.destroy());
    },
    'modelStreamBroken',
  ],
  ['a connection cut before the answer', (response) => response.destroy(), 'modelUnreachable'],
  [
    'garbage in the stream',
    (response) => response.setHeader('content-type', 'text/event-stream').end('data: {oops\n\n'),
    'modelAnswerMalformed',
  ],
  [
    'an error in the stream',
    (response) => {
      beginStream(response);
      response.end('data: {"error":{"message":"Slow down","code":"rate_limit_exceeded"}}\n\n');
    },
    'modelRateLimited',
  ],
  [
    'a text without end',
    (response) => sendChunks(response, [said('x'.repeat(MAX_ENTRY_BYTES)), said('x'), stopped]),
    'modelAnswerMalformed',
  ],
];
test.each(failures)('%s is a failure from one request', async (_name, answer, code) => {
  await using endpoint = await startEndpoint(answer);
  const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
  expect(failure.code).toBe(code);
  expect(failure.message).toContain(`Model openai-compatible/org/m at ${endpoint.url}`);
  expect(endpoint.received.length).toBe(1);
  if (_name === '429' || _name === '500') expect(failure.retryAfterMs).toBe(2000);
});

test('An endpoint that is not there is unreachable, with the reason', async () => {
  const endpoint = await startEndpoint(() => undefined);
  await endpoint[Symbol.asyncDispose]();
  const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
  expect(failure.code).toBe('modelUnreachable');
  expect(failure.message).toContain('ECONNREFUSED');
});

test('Silence ends the call as broken and closes the connection', async () => {
  const cut = createLatch();
  await using endpoint = await startEndpoint((response) => {
    onCut(response, cut.open);
    beginStream(response);
    response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
  });
  const model = createAiSdkModel({ BOBBIN_MODEL_BASE_URL: endpoint.url }, { idleTimeoutMs: 150 });
  const failure = await failureOf(model.respond(compatibleRequest(), anIo()));
  expect(failure.code).toBe('modelStreamBroken');
  expect(failure.message).toContain('150 ms');
  await cut.opened;
});

test('Aborting rejects with exactly the reason, and the server sees the connection close', async () => {
  for (const speaks of [true, false]) {
    const cut = createLatch();
    const controller = new AbortController();
    const reason = { because: 'the turn was interrupted' };
    await using endpoint = await startEndpoint((response) => {
      onCut(response, cut.open);
      if (!speaks) {
        controller.abort(reason);
        return;
      }
      beginStream(response);
      response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
    });
    const call = compatible(endpoint.url).respond(compatibleRequest(), {
      signal: controller.signal,
      onText: () => controller.abort(reason),
    });
    await expect(call).rejects.toBe(reason);
    await cut.opened;
  }
});

test('An error thrown by onText ends the call with that error and closes the connection', async () => {
  const cut = createLatch();
  await using endpoint = await startEndpoint((response) => {
    onCut(response, cut.open);
    beginStream(response);
    response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n');
  });
  const broken = new Error('The reader is broken');
  const onText = () => {
    throw broken;
  };
  const call = compatible(endpoint.url).respond(compatibleRequest(), { ...anIo(), onText });
  await expect(call).rejects.toBe(broken);
  await cut.opened;
});

test('No failure shows the key, also where the endpoint repeats it', async () => {
  const echo = `Your key ${KEY} is wrong`;
  const leaks: Answerer[] = [
    (response) => sendJson(response, 401, { error: { message: echo, code: KEY } }),
    (response) => sendJson(response, 500, echo),
    (response) => response.setHeader('content-type', 'text/event-stream').end(`data: ${echo}\n\n`),
    (response) =>
      response.setHeader('content-type', 'text/event-stream').end(`data: {"error":{"message":"${echo}"}}\n\n`),
  ];
  for (const leak of leaks) {
    await using endpoint = await startEndpoint(leak);
    const failure = await failureOf(compatible(endpoint.url).respond(compatibleRequest(), anIo()));
    expect(failure.message).toContain('[redacted]');
    expect(`${failure.message} ${JSON.stringify(failure.details)} ${String(failure.cause)}`).not.toContain(KEY);
  }
});
