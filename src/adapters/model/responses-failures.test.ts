import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../activities/failures.ts';
import type { ModelRequest } from '../../../activities/ports.ts';
import { MAX_ENTRIES, MAX_ENTRY_BYTES } from './answer-limits.ts';
import { createResponsesModel } from './responses.ts';
import type { ResponsesModelOptions } from './responses.ts';
import {
  aRequest,
  anIo,
  beginStream,
  completed,
  createLatch,
  failureOf,
  itemDone,
  messageItem,
  onCut,
  sendEvents,
  sendJson,
  startEndpoint,
  textDelta,
  toSse,
} from './test-endpoint.ts';
import type { Answerer, StreamEvent } from './test-endpoint.ts';

const KEY = 'sk-very-secret-0123456789';

async function failTo(
  answer: Answerer,
  options: Partial<ResponsesModelOptions> = {},
  changes: Partial<ModelRequest> = {},
) {
  await using endpoint = await startEndpoint(answer);
  const model = createResponsesModel({ baseUrl: endpoint.url, apiKey: () => KEY, ...options });
  const failure = await failureOf(model.respond(aRequest(changes), anIo()));
  return { failure, url: `${endpoint.url}/responses`, requests: endpoint.received.length };
}

/** Accepts TCP connections and does with them what the test says. */
async function startTcp(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

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
    [{ code: 'agent_task_expired', message: 'Expired' }, 'agentAssertionRejected'],
    [{ code: 'never_heard_of', message: 'What' }, 'modelServerError'],
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

describe('Broken and malformed answers', () => {
  const answers: [name: string, answer: (response: ServerResponse) => void, code: FailureCode][] = [
    ['a stream that ends early', (response) => sendEvents(response, [textDelta('Hel')]), 'modelStreamBroken'],
    ['a stream cut in the middle of an event', cutMidEvent, 'modelStreamBroken'],
    ['an empty stream', (response) => sendEvents(response, []), 'modelAnswerMalformed'],
    ['JSON in place of a stream', (response) => sendJson(response, 200, { ok: true }), 'modelAnswerMalformed'],
    ['an empty answer', (response) => response.writeHead(204).end(), 'modelAnswerMalformed'],
    ['a page', (response) => response.setHeader('content-type', 'text/html').end('<p>Hi'), 'modelAnswerMalformed'],
    ['a stream of no JSON', (response) => sendRaw(response, 'data: {"type": oops\n\n'), 'modelAnswerMalformed'],
    ['an event that is a list', (response) => sendRaw(response, 'data: []\n\n'), 'modelAnswerMalformed'],
    ['plain garbage', (response) => sendRaw(response, 'lorem ipsum\ndolor\n\nsit'), 'modelAnswerMalformed'],
    ['a delta that is a number', (response) => sendEvents(response, [numberDelta]), 'modelAnswerMalformed'],
    ['an entry without item', (response) => sendEvents(response, [withoutItem]), 'modelAnswerMalformed'],
    [
      'a tool call without name',
      (response) => sendEvents(response, [namelessCall, completed()]),
      'modelAnswerMalformed',
    ],
  ];
  const numberDelta = { type: 'response.output_text.delta', output_index: 0, delta: 7 };
  const withoutItem = { type: 'response.output_item.done', output_index: 0 };
  const namelessCall = itemDone({ type: 'function_call', call_id: 'c' });

  function cutMidEvent(response: ServerResponse) {
    beginStream(response);
    response.write(toSse(textDelta('Hel')) + 'event: response.output', () => response.destroy());
  }
  function sendRaw(response: ServerResponse, body: string) {
    beginStream(response);
    response.end(body);
  }

  test.each(answers)('%s', async (_name, answer, code) => {
    const { failure, url } = await failTo(answer);
    expect(failure.code).toBe(code);
    expect(failure.class).toBe('unavailable');
    expect(failure.message).toContain(`Model test-model at ${url}`);
  });

  test('Something that does not speak HTTP is a malformed answer', async () => {
    await using tcp = await startTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    const model = createResponsesModel({ baseUrl: `http://127.0.0.1:${tcp.port}` });
    expect((await failureOf(model.respond(aRequest(), anIo()))).code).toBe('modelAnswerMalformed');
  });

  test('Silence in the middle of a stream ends it as broken, and the connection is closed', async () => {
    const cut = createLatch();
    const { failure } = await failTo(
      (response) => {
        onCut(response, cut.open);
        beginStream(response);
        response.write(toSse(textDelta('Hel')));
      },
      { idleTimeoutMs: 60 },
    );
    expect(failure.code).toBe('modelStreamBroken');
    expect(failure.message).toContain('60 ms');
    await cut.opened;
  });

  test('An endpoint that never begins its answer ends as broken too', async () => {
    const { failure } = await failTo(() => undefined, { idleTimeoutMs: 60 });
    expect(failure.code).toBe('modelStreamBroken');
  });

  test('A slow stream that keeps coming is not idle', async () => {
    await using endpoint = await startEndpoint((response) => {
      beginStream(response);
      let left = 8;
      const timer = setInterval(() => {
        left -= 1;
        if (left > 0) response.write(toSse(textDelta('x')));
        else response.end(toSse(completed()));
        if (left === 0) clearInterval(timer);
      }, 40);
    });
    const model = createResponsesModel({ baseUrl: endpoint.url, idleTimeoutMs: 250 });
    expect((await model.respond(aRequest(), anIo())).responseId).toBe('resp_1');
  });
});

describe('Endpoints that cannot be reached', () => {
  test('A refused connection', async () => {
    const gone = await startTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    const model = createResponsesModel({ baseUrl: `http://127.0.0.1:${gone.port}` });
    const failure = await failureOf(model.respond(aRequest(), anIo()));
    expect(failure.code).toBe('modelUnreachable');
    expect(failure.message).toContain('ECONNREFUSED');
  });

  test('A name that does not resolve', async () => {
    // A label above 63 characters is refused by the resolver itself, without a query to anyone.
    const host = `${'a'.repeat(64)}.invalid`;
    const model = createResponsesModel({ baseUrl: `http://${host}/v1` });
    const failure = await failureOf(model.respond(aRequest(), anIo()));
    expect(failure.code).toBe('modelUnreachable');
    expect(failure.message).toContain(`http://${host}/v1/responses`);
  });

  test('A connection that is cut before the answer begins', async () => {
    await using tcp = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const model = createResponsesModel({ baseUrl: `http://127.0.0.1:${tcp.port}` });
    expect((await failureOf(model.respond(aRequest(), anIo()))).code).toBe('modelUnreachable');
  });

  test('A connection that is never established within the connect timeout', async () => {
    await using tcp = await startTcp(() => undefined);
    const model = createResponsesModel({ baseUrl: `https://127.0.0.1:${tcp.port}`, connectTimeoutMs: 60 });
    const failure = await failureOf(model.respond(aRequest(), anIo()));
    expect(failure.code).toBe('modelUnreachable');
    expect(failure.message).toContain('60 ms');
  });

  test('A base URL that is none is refused at once', () => {
    expect(() => createResponsesModel({ baseUrl: 'ftp://example.invalid' })).toThrow(/base URL/);
  });
});

describe('Runaway answers are refused, and their connection is closed', () => {
  const many = Array.from({ length: MAX_ENTRIES + 1 }, (_, place) => itemDone(messageItem('x'), place));
  const long = 'x'.repeat(MAX_ENTRY_BYTES + 1);
  const half = 'ü'.repeat(MAX_ENTRY_BYTES / 4 + 1);
  const cases: [name: string, events: StreamEvent[]][] = [
    ['one long text', [itemDone(messageItem(long))]],
    ['a text of many bytes in few characters', [textDelta(half), textDelta(half)]],
    ['long arguments', [itemDone({ type: 'function_call', call_id: 'c', name: 'n', arguments: long })]],
    ['a long list in the last event', [completed({ output: [messageItem(long)] })]],
    ['too many entries', many],
    ['too much in all', Array.from({ length: 9 }, (_, place) => textDelta('x'.repeat(MAX_ENTRY_BYTES), place))],
  ];
  test.each(cases)('%s', async (_name, events) => {
    const cut = createLatch();
    const { failure } = await failTo((response) => {
      onCut(response, cut.open);
      beginStream(response);
      response.write(events.map(toSse).join(''));
    });
    expect(failure.code).toBe('modelAnswerMalformed');
    expect(failure.message).toMatch(/more than \d+ (bytes|output entries)/);
    await cut.opened;
  });

  test('An event that never ends', async () => {
    const cut = createLatch();
    const { failure } = await failTo((response) => {
      onCut(response, cut.open);
      beginStream(response);
      const block = 'x'.repeat(1024 * 1024);
      const pour = () => {
        if (!response.destroyed) response.write(block, pour);
      };
      response.write('data: ', pour);
    });
    expect(failure.code).toBe('modelAnswerMalformed');
    await cut.opened;
  });

  test('An entry of exactly the limit is taken', async () => {
    const text = 'x'.repeat(MAX_ENTRY_BYTES);
    await using endpoint = await startEndpoint((response) =>
      sendEvents(response, [itemDone(messageItem(text)), completed()]),
    );
    const { output } = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
    expect(output).toStrictEqual([{ type: 'message', text }]);
  });
});

describe('Aborting', () => {
  test('Rejects with exactly the reason, and the server sees the connection close', async () => {
    const cut = createLatch();
    await using endpoint = await startEndpoint((response) => {
      onCut(response, cut.open);
      beginStream(response);
      response.write(toSse(textDelta('Hello')));
    });
    const controller = new AbortController();
    const reason = { because: 'the turn was interrupted' };
    const seen = anIo(controller.signal);
    const call = createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), {
      signal: controller.signal,
      onText: (delta) => {
        seen.onText(delta);
        controller.abort(reason);
      },
    });
    await expect(call).rejects.toBe(reason);
    await cut.opened;
    expect(seen.pieces).toStrictEqual(['Hello']);
  });

  test('Works before the answer begins, and while an error body is coming', async () => {
    for (const begin of [() => undefined, (response: ServerResponse) => void response.writeHead(500).write('Oo')]) {
      const controller = new AbortController();
      const reason = new Error('Stop');
      const cut = createLatch();
      await using endpoint = await startEndpoint((response) => {
        onCut(response, cut.open);
        begin(response);
        setImmediate(() => controller.abort(reason));
      });
      const model = createResponsesModel({ baseUrl: endpoint.url });
      await expect(model.respond(aRequest(), anIo(controller.signal))).rejects.toBe(reason);
      await cut.opened;
    }
  });

  test('Before the call, sends nothing', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, [completed()]));
    const reason = new Error('Too late');
    const call = createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo(AbortSignal.abort(reason)));
    await expect(call).rejects.toBe(reason);
    expect(endpoint.received).toStrictEqual([]);
  });
});

describe('Secrets', () => {
  const assertion = 'AgentAssertion eyJhIjoic2VjcmV0In0';
  const echo = `key ${KEY}, assertion ${assertion}, token ${assertion.split(' ')[1]!}, extra hush-hush-hush`;
  const leaks: [name: string, answer: Answerer][] = [
    ['an error body', (response) => sendJson(response, 401, { error: { code: KEY, message: echo } })],
    ['a body that is no JSON', (response) => sendJson(response, 500, echo, { 'x-request-id': KEY })],
    ['a stream error', (response) => sendEvents(response, [{ type: 'error', code: KEY, message: echo }])],
    ['an answer that is no stream', (response) => sendJson(response, 200, echo)],
    [
      'an event that is no JSON',
      (response) => response.setHeader('content-type', 'text/event-stream').end(`data: ${echo}\n\n`),
    ],
  ];
  test.each(leaks)('%s that repeats key and assertion shows neither', async (_name, answer) => {
    for (const authorization of [undefined, assertion]) {
      const options = { headers: { 'x-extra': 'hush-hush-hush' } };
      const { failure } = await failTo(answer, options, authorization === undefined ? {} : { authorization });
      const all = `${failure.message} ${JSON.stringify(failure.details)} ${String(failure.cause)}`;
      const sent = authorization === undefined ? [KEY] : [assertion, assertion.split(' ')[1]!];
      for (const secret of [...sent, 'hush-hush-hush']) expect(all).not.toContain(secret);
      expect(all).toContain('[redacted]');
    }
  });

  test('A long error body is cut to 512 characters, and never in the middle of a key', async () => {
    const { failure } = await failTo((response) => sendJson(response, 400, 'a'.repeat(505) + KEY + 'b'.repeat(10_000)));
    expect(failure.message).not.toContain('sk-very');
    expect(failure.message.length).toBeLessThan(512 + 250);
    expect(failure.message).toContain(`${'a'.repeat(505)}[redact...`);
  });

  test('Credentials and query of the base URL are in no message', async () => {
    await using endpoint = await startEndpoint((response) => sendJson(response, 500, 'no'));
    const url = endpoint.url.replace('http://', 'http://someone:pass-word-123@') + '?sig=abcdef';
    const failure = await failureOf(createResponsesModel({ baseUrl: url }).respond(aRequest(), anIo()));
    expect(endpoint.received[0]).toMatchObject({ path: '/v1/responses?sig=abcdef' });
    expect(failure.message + JSON.stringify(failure.details)).not.toMatch(/pass-word|abcdef/);
  });

  test('A key that no header can hold is refused without being shown', async () => {
    const { failure, requests } = await failTo(() => undefined, { apiKey: () => 'sk-with\nbreak' });
    expect(failure.code).toBe('modelUnauthorized');
    expect(`${failure.message} ${String(failure.cause)}`).not.toContain('sk-with');
    expect(requests).toBe(0);
  });
});
