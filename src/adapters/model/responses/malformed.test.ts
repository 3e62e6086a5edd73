import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../../activities/failures.ts';
import { MAX_ENTRIES, MAX_ENTRY_BYTES } from '../http/answer-limits.ts';
import { createResponsesModel } from './responses.ts';
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
import type { StreamEvent } from './test-endpoint.ts';
import { failTo, startTcp } from './test-responses.ts';

describe('Broken and malformed answers', () => {
  const answers: [name: string, answer: (response: ServerResponse) => void, code: FailureCode][] = [
    ['a stream that ends early', (response) => sendEvents(response, [textDelta('Hel')]), 'modelStreamBroken'],
    ['a stream cut in the middle of an event', cutMidEvent, 'modelStreamBroken'],
    ['an empty stream', (response) => sendEvents(response, []), 'modelAnswerMalformed'],
    ['JSON instead of a stream', (response) => sendJson(response, 200, { ok: true }), 'modelAnswerMalformed'],
    ['an answer with nothing in it', (response) => sendEvents(response, [completed()]), 'modelAnswerMalformed'],
    [
      'an answer with nothing but reasoning',
      (response) => sendEvents(response, [itemDone({ type: 'reasoning', id: 'rs_1', summary: [] }), completed()]),
      'modelAnswerMalformed',
    ],
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

  const useless: [name: string, line: string][] = [
    ['comments', ': keep-alive\n\n'],
    ['events that nobody knows', toSse({ type: 'response.in_progress' })],
  ];
  test.each(useless)('A stream of nothing but %s ends as broken, and the connection is closed', async (_name, line) => {
    const cut = createLatch();
    const { failure } = await failTo(
      (response) => {
        beginStream(response);
        response.write(toSse(textDelta('Hel')));
        const timer = setInterval(() => response.write(line), 5);
        onCut(response, () => {
          clearInterval(timer);
          cut.open();
        });
      },
      { idleTimeoutMs: 1_000, eventTimeoutMs: 2_000 },
    );
    expect(failure.code).toBe('modelStreamBroken');
    expect(failure.message).toContain('sent nothing that can be used (nothing for 2000 ms)');
    await cut.opened;
  });

  test.each(useless)('A stream of %s without end is cut at 64 MiB', async (_name, line) => {
    const cut = createLatch();
    const { failure } = await failTo((response) => {
      onCut(response, cut.open);
      beginStream(response);
      const many = line.repeat(Math.ceil(1_000_000 / line.length));
      const write = () => {
        while (!response.destroyed && response.write(many));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    expect(failure.code).toBe('modelAnswerMalformed');
    expect(failure.message).toContain('answered without end (more than 67108864 bytes)');
    await cut.opened;
  });

  test('An endpoint that never begins its answer ends as broken too', async () => {
    const { failure } = await failTo(() => undefined, { idleTimeoutMs: 60 });
    expect(failure.code).toBe('modelStreamBroken');
  });

  test('A slow stream that keeps coming is not idle', async () => {
    await using endpoint = await startEndpoint((response) => {
      beginStream(response);
      let left = 12;
      const timer = setInterval(() => {
        left -= 1;
        if (left > 0) response.write(toSse(textDelta('x')));
        else response.end(toSse(completed()));
        if (left === 0) clearInterval(timer);
      }, 250);
    });
    const model = createResponsesModel({ baseUrl: endpoint.url, idleTimeoutMs: 2_000 });
    expect((await model.respond(aRequest(), anIo())).responseId).toBe('resp_1');
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
