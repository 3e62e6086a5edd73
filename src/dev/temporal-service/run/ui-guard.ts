/**
 * The Temporal UI answers a request for any name of the host and lets a page that it served steer every thread. So it
 * listens where no page can guess it, and this server stands at the port that people know and passes on what is theirs.
 */
import { randomInt } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { platform } from 'node:os';
import { type LoopbackListener, listenOnLoopback } from '../../loopback-http.ts';
import { findFreePort } from './ports.ts';
import { TemporalServiceError, reasonOf } from './service-error.ts';

/** Of one connection, not of the request. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

interface Place {
  ip: string;
  port: number;
}

/** Opens the guard of a UI at the port that people know. Throws `portTaken`. Undefined for a service without a UI. */
export async function guardUi(
  ip: string,
  port: number | null,
  ui: Place | null,
): Promise<LoopbackListener | undefined> {
  if (port === null || ui === null) return undefined;
  try {
    return await listenOnLoopback('Temporal UI', port, (request, response) => passOn(ui, request, response), {
      ip,
      onError: (_error, response) => void response.writeHead(502).end('The Temporal service does not answer.\n'),
    });
  } catch (error) {
    throw new TemporalServiceError('portTaken', reasonOf(error), error);
  }
}

/**
 * Where the UI listens. All of 127.0.0.0/8 is loopback on Linux, so a page would have to guess one of some million addresses and a
 * port; elsewhere the port alone.
 */
export async function pickUiPlace(ip: string): Promise<Place> {
  const own = platform() === 'linux' && ip.startsWith('127.');
  const place = own ? `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}` : ip;
  return { ip: place, port: await findFreePort(place) };
}

function passOn(ui: Place, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const { method, url: path } = request;
    const onward = sendRequest({ hostname: ui.ip, port: ui.port, method, path, headers: endToEnd(request.headers) });
    onward.once('error', reject);
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.once('error', reject).pipe(response);
    });
    response.once('close', () => {
      onward.destroy();
      resolve();
    });
    request.pipe(onward);
  });
}

function endToEnd(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}
