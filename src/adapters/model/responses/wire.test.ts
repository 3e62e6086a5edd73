import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ConversationEntry } from '../../../../activities/ports.ts';
import { createModels } from '../models.ts';
import { createResponsesModel } from './responses.ts';
import {
  anIo,
  answered,
  aRequest,
  completed,
  itemDone,
  messageItem,
  sendEvents,
  sendJson,
  startEndpoint,
  toSse,
} from './test-endpoint.ts';
import { failTo } from './test-responses.ts';

const HALF = '\ud83d';
const WHOLE = '\ud83d\ude00';

const conversation: ConversationEntry[] = [
  { type: 'message', role: 'user', text: `ask ${HALF}` },
  { type: 'message', role: 'assistant', text: `say ${HALF} ${WHOLE}` },
  {
    ...{ type: 'toolCall', callId: 'c', name: 'exec_command' },
    arguments: `{"cmd":"echo \\ud83d \\ud83d\\ude00","${HALF}":1}`,
  },
  { type: 'toolOutput', callId: 'c', name: 'exec_command', output: `put ${HALF}` },
];

/** Every string in a JSON value, those in JSON texts included. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    try {
      return [value, ...stringsIn(JSON.parse(value))];
    } catch {
      return [value];
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap((pair) => pair.flatMap(stringsIn));
}

describe('Half of a surrogate pair', () => {
  test('is in no string of a request, and a whole pair stays', async () => {
    await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
    const model = createResponsesModel({ baseUrl: endpoint.url });
    await model.respond(aRequest({ instructions: `be ${HALF}`, conversation }), anIo());
    const strings = stringsIn(endpoint.received[0]?.body);
    expect(strings.filter((text) => !text.isWellFormed())).toEqual([]);
    expect(strings).toContain(`say \ufffd ${WHOLE}`);
    expect(strings).toContain(`echo \ufffd ${WHOLE}`);
  });

  test('is in no string of a request through the AI SDK', async () => {
    await using endpoint = await startEndpoint((response) => sendJson(response, 400, { error: { message: 'no' } }));
    const models = createModels({ env: { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: endpoint.url } });
    await models.respond(aRequest({ model: 'anthropic/m', conversation }), anIo()).catch(() => undefined);
    const strings = stringsIn(endpoint.received[0]?.body);
    expect(strings).toContain(`echo \ufffd ${WHOLE}`);
    expect(strings.filter((text) => !text.isWellFormed())).toEqual([]);
  });
});

describe('An error without a word for what it is', () => {
  const error = { message: 'The engine is on fire', code: 'engine_on_fire' };
  test.each<[string, (response: ServerResponse) => void]>([
    ['as data alone', (response) => sendRaw(response, `data: ${JSON.stringify({ error })}\n\n`)],
    ['under its event name', (response) => sendRaw(response, `event: error\ndata: ${JSON.stringify(error)}\n\n`)],
    ['as JSON instead of a stream', (response) => sendJson(response, 200, { error })],
  ])('is told, %s', async (_how, answer) => {
    const { failure } = await failTo(answer);
    const message = expect.stringContaining(error.message) as string;
    expect(failure).toMatchObject({ code: 'modelServerError', message });
  });

  test('keeps its code', async () => {
    const long = { code: 'context_length_exceeded', message: 'too long' };
    const { failure } = await failTo((response) => sendRaw(response, `data: ${JSON.stringify({ error: long })}\n\n`));
    expect(failure.code).toBe('contextWindowExceeded');
  });
});

function sendRaw(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(body);
}

test('An answer that was cut keeps its text and says why', async () => {
  const incomplete = { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } };
  await using endpoint = await startEndpoint((response) =>
    sendEvents(response, [itemDone(messageItem('Half of it')), incomplete]),
  );
  const answer = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
  expect(answer).toMatchObject({ output: [{ type: 'message', text: 'Half of it' }], cut: 'max_output_tokens' });
});

describe('An encoded answer', () => {
  const events = [itemDone(messageItem('Hello')), completed()].map(toSse).join('');
  const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

  test.each(Object.entries(encoders))('is not asked for, and read all the same: %s', async (encoding, encode) => {
    await using endpoint = await startEndpoint((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding });
      response.end(encode(events));
    });
    const answer = await createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo());
    expect(answer.output).toEqual([{ type: 'message', text: 'Hello' }]);
    expect(endpoint.received[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('has its words where it is an error', async () => {
    const { failure } = await failTo((response) => {
      response.writeHead(400, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ error: { message: 'No such tool' } })));
    });
    expect(failure.message).toContain('No such tool');
  });

  test('is refused with its name if it cannot be read, and if it is broken', async () => {
    const answerWith = (encoding: string) =>
      failTo((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding });
        response.end('not encoded');
      });
    const unknown = await answerWith('compress');
    const message = expect.stringContaining('encoded as compress') as string;
    expect(unknown.failure).toMatchObject({ code: 'modelAnswerMalformed', message });
    const broken = await answerWith('gzip');
    expect(broken.failure.code).toBe('modelStreamBroken');
  });
});
