import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createResponsesModel } from './responses.ts';
import {
  anIo,
  answered,
  aRequest,
  beginStream,
  createLatch,
  failureOf,
  onCut,
  sendEvents,
  startEndpoint,
  textDelta,
  toSse,
} from './test-endpoint.ts';
import { startTcp } from './test-responses.ts';

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
    await using endpoint = await startEndpoint((response) => sendEvents(response, answered));
    const reason = new Error('Too late');
    const call = createResponsesModel({ baseUrl: endpoint.url }).respond(aRequest(), anIo(AbortSignal.abort(reason)));
    await expect(call).rejects.toBe(reason);
    expect(endpoint.received).toStrictEqual([]);
  });
});
