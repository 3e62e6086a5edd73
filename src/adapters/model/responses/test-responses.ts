/** For tests of the Responses adapter: a call that fails, and a bare TCP server for what is no HTTP. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { ModelRequest } from '../../../../activities/ports.ts';
import { createResponsesModel } from './responses.ts';
import type { ResponsesModelOptions } from './responses.ts';
import { aRequest, anIo, failureOf, startEndpoint } from './test-endpoint.ts';
import type { Answerer } from './test-endpoint.ts';

export const KEY = 'sk-very-secret-0123456789';

export async function failTo(
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
export async function startTcp(onSocket: (socket: Socket) => void) {
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
