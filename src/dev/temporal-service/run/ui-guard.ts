/**
 * The Temporal UI accepts any host name, and a page from it can control every thread. So it listens on an address that
 * no page can guess, and this proxy listens on the known port and forwards only requests of people.
 */
import { randomInt } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { platform } from 'node:os';
import { type LoopbackListener, listenOnLoopback } from '../../loopback-http.ts';
import { findFreePort } from './ports.ts';
import { TemporalServiceError, reasonOf } from './service-error.ts';

/** Headers of one connection, not of the request. */
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

/** Opens the guard of a UI on the known port. Throws `portTaken`. Undefined without a UI. */
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
 * The address of the UI. All of 127.0.0.0/8 is loopback on Linux, so a page would have to guess one of millions of
 * addresses and a port; elsewhere only the port.
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
