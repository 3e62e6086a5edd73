import { describe, expect, test } from 'vitest';
import { createResponsesModel } from './responses.ts';
import { aRequest, anIo, failureOf, sendEvents, sendJson, startEndpoint } from './test-endpoint.ts';
import type { Answerer } from './test-endpoint.ts';
import { failTo, KEY } from './test-responses.ts';

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
