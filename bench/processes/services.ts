/**
 * A separate process for what stands in for the world: the offline model server, once with and once without a demand
 * for agent assertions, and the reference identity service. It notes when each request came and when its answer was sent.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { startIdentityService } from '../../src/dev/identity-service/server.ts';
import { startModelServer } from '../../src/dev/model-server/server.ts';
import { type Span, now } from '../clock.ts';

export interface ServicesReady {
  /** Demands a valid assertion on every request. */
  modelUrl: string;
  openModelUrl: string;
  identityUrl: string;
}

export interface ServedRequest extends Span {
  /** Port it came in on. */
  port: number;
  path: string;
  /** Length of its body. */
  bytes: number;
}

export type ServicesQuestion =
  { id: number; type: 'takeRequests' } | { id: number; type: 'delayRegistrations'; delayMs: number };

interface HttpEvent {
  request: IncomingMessage;
}

const served: ServedRequest[] = [];
const open = new Map<IncomingMessage, number>();

subscribe('http.server.request.start', (event) => {
  open.set((event as HttpEvent).request, now());
});
subscribe('http.server.response.finish', (event) => {
  const { request } = event as HttpEvent;
  const start = open.get(request);
  if (start === undefined) return;
  open.delete(request);
  served.push({
    start,
    end: now(),
    port: request.socket.localPort ?? 0,
    path: request.url ?? '',
    bytes: Number(request.headers['content-length'] ?? 0),
  });
});

const identity = await startIdentityService({});
const model = await startModelServer({ requireAssertion: true, verifyUrl: identity.url });
const openModel = await startModelServer({});

async function answer(question: ServicesQuestion): Promise<object> {
  switch (question.type) {
    case 'takeRequests':
      return { requests: served.splice(0) };
    case 'delayRegistrations':
      await identity.control({ delayMs: question.delayMs });
      return {};
  }
}

process.on('message', (question: ServicesQuestion) => {
  void answer(question).then((body) => process.send?.({ id: question.id, ...body }));
});
const stop = async () => {
  await Promise.all([model.close(), openModel.close(), identity.close()]);
  process.exit(0);
};
process.on('SIGTERM', () => void stop());
process.on('disconnect', () => void stop());
const ready: ServicesReady = { modelUrl: model.url, openModelUrl: openModel.url, identityUrl: identity.url };
process.send?.({ type: 'ready', ...ready });
